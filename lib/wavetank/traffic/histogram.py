"""Latencies: a histogram of microseconds that can be sent as text and added to others without losing precision.

HDR histograms (http://hdrhistogram.org, Gil Tene) keep three significant digits of every value from a microsecond to an
hour in a fixed set of buckets; adding two of them is exact, which averaging their percentiles would not be.
"""

from __future__ import annotations

import zlib
from binascii import Error as BinasciiError
from collections.abc import Iterator

from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from wavetank.errors import InputError

__all__ = ["Latencies"]

_LONGEST = 3_600_000_000
"""The longest latency told apart, in microseconds: an hour, the longest load there is."""

_DIGITS = 3


class Latencies:
    """A set of latencies in seconds, kept as an HDR histogram of microseconds."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, _LONGEST, _DIGITS)

    @classmethod
    def decode(cls, text: str) -> Latencies:
        """Read what `encode` wrote. Raises `InputError` when it is something else."""
        decoded = cls()
        try:
            decoded._histogram.decode_and_add(text.encode())
        except (BinasciiError, HdrCookieException, HdrLengthException, zlib.error, IndexError, ValueError) as error:
            raise InputError("not a latency histogram", observed=repr(text[:60]), expected="base64 HDR, V2") from error
        return decoded

    def encode(self) -> str:
        """Return the histogram as base64 text in HDR's V2 format: some hundred characters."""
        text: str = self._histogram.encode().decode()
        return text

    def record(self, seconds: float) -> None:
        """Count one latency; anything below a microsecond counts as one, anything above an hour as an hour."""
        self._histogram.record_value(min(max(1, round(seconds * 1e6)), _LONGEST))

    def add(self, other: Latencies) -> None:
        """Count all of ``other``'s latencies too."""
        if other.count:
            self._histogram.add(other._histogram)

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        total: int = self._histogram.get_total_count()
        return total

    def percentile(self, percent: float) -> float | None:
        """Return the latency in seconds that ``percent`` per cent do not exceed; None when nothing was counted."""
        return self._histogram.get_value_at_percentile(percent) / 1e6 if self.count else None

    def values(self) -> Iterator[tuple[float, int]]:
        """Yield each latency in seconds, the least first, and how often it was counted.

        Those too close to be told apart, by a thousandth, are one: the middle of where they are.
        """
        for step in self._histogram.get_recorded_iterator():
            highest = step.value_iterated_to
            lowest = self._histogram.get_lowest_equivalent_value(highest)
            yield (lowest + highest) / 2e6, step.count_at_value_iterated_to
