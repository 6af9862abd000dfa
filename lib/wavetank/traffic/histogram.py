"""Latencies: a histogram of microseconds that can be sent as text and added to others without losing precision.

HDR histograms (http://hdrhistogram.org, Gil Tene) keep three significant digits of every value from a microsecond to an
hour in a fixed set of buckets; adding two of them is exact, which averaging their percentiles would not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wavetank.errors import InputError
from wavetank.traffic import hdr

__all__ = ["Latencies"]


class Latencies:
    """A set of latencies in seconds, kept as an HDR histogram of microseconds."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    @classmethod
    def decode(cls, text: str) -> Latencies:
        """Read what `encode` wrote. Raises `InputError` when it is something else."""
        decoded = cls()
        try:
            decoded._counts.update(hdr.decode(text))
        except (ValueError, TypeError) as error:
            raise InputError("not a latency histogram", observed=repr(text)[:60], expected="base64 HDR, V2") from error
        return decoded

    def encode(self) -> str:
        """Return the histogram as base64 text in HDR's V2 format: some hundred characters."""
        return hdr.encode(self._counts)

    def record(self, seconds: float) -> None:
        """Count one latency; anything below a microsecond counts as one, anything above an hour as an hour."""
        self._counts[hdr.step_of(min(max(1, round(seconds * 1e6)), hdr.LONGEST))] += 1

    def add(self, other: Latencies) -> None:
        """Count all of ``other``'s latencies too."""
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        return self._counts.total()

    def percentile(self, percent: float) -> float | None:
        """Return the latency in seconds that ``percent`` per cent do not exceed; None when nothing was counted.

        Of those too close to be told apart it is the greatest; of the least latency, 0 per cent, the least.
        """
        rank = max(int(min(percent, 100) * self.count / 100 + 0.5), 1)
        counted = 0
        for step in sorted(self._counts):
            counted += self._counts[step]
            if counted >= rank:
                least, greatest = hdr.bounds(step)
                return (greatest if percent else least) / 1e6
        return None

    def values(self) -> Iterator[tuple[float, int]]:
        """Yield each latency in seconds, the least first, and how often it was counted.

        Those too close to be told apart, by a thousandth, are one: the middle of where they are.
        """
        for step in sorted(self._counts):
            yield sum(hdr.bounds(step)) / 2e6, self._counts[step]
