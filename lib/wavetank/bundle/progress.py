"""How far a transfer is: bytes and rate, written by the thread that transfers and read by the one that reports."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress"]

MB = 1_000_000
WINDOW_SECONDS = 10.0
"""The rate is that of so many last seconds."""


class Progress:
    """Called, it answers in words: ``43 of 120 MB, 6.1 MB/s``, and what is being waited for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: float | None = None
        self._total = 0
        self._here = 0
        self._came = 0
        self._samples: deque[tuple[float, int]] = deque()
        self._waiting = ""

    def expect(self, size: int) -> None:
        """Count on ``size`` more bytes altogether."""
        self._total += size

    def had(self, size: int) -> None:
        """Take ``size`` bytes for done that did not have to come now."""
        self._here += size

    def came(self, size: int) -> None:
        """Note ``size`` bytes that have just come."""
        now = self._clock()
        if self._began is None:
            self._began = now
        self._here += size
        self._came += size
        self._samples.append((now, size))
        while now - self._samples[0][0] > WINDOW_SECONDS:
            self._samples.popleft()

    def lost(self, size: int) -> None:
        """Take back ``size`` bytes that have to come again."""
        self._here -= size

    @contextmanager
    def waiting(self, why: str) -> Iterator[None]:
        """Say ``why`` nothing comes while the block runs."""
        self._waiting = why
        try:
            yield
        finally:
            self._waiting = ""

    def __call__(self) -> str:
        """Return how far it is; of what is finished, how much it was and how fast."""
        told = [self._amount(), self._rate(), self._waiting]
        return ", ".join(part for part in told if part)

    def _amount(self) -> str:
        if not self._total:
            return f"{_megabytes(self._here)} MB" if self._here else ""
        if self._here >= self._total:
            return f"{_megabytes(self._total)} MB"
        return f"{_megabytes(self._here)} of {_megabytes(self._total)} MB"

    def _rate(self) -> str:
        if self._began is None:
            return ""
        now = self._clock()
        finished = self._total and self._here >= self._total
        if finished and self._samples:
            now = self._samples[-1][0]
            size, since = self._came, self._began
        else:
            size = sum(size for at, size in list(self._samples) if now - at <= WINDOW_SECONDS)
            since = max(self._began, now - WINDOW_SECONDS)
        seconds = now - since
        return f"{size / seconds / MB:.1f} MB/s" if seconds > 0.1 else ""


def _megabytes(size: int) -> str:
    return f"{size / MB:.0f}" if size >= 10 * MB else f"{size / MB:.1f}"
