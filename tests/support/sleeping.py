"""A machine that has slept: the clocks that go on in its sleep have, and `time.monotonic` has stood still."""

from __future__ import annotations

import time

import pytest

__all__ = ["asleep"]

GOES_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def asleep(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have the machine slept for ``seconds`` just now."""
    ask = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: ask(clock) + (seconds if clock == GOES_ON else 0))
