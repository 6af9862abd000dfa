"""Awaits a condition instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], what: str, within: float = 10.0, every: float = 0.02) -> None:
    """Return as soon as ``condition`` holds; fail with ``what`` was waited for after ``within`` seconds.

    It is looked at once in ``every`` seconds: where a look asks a real cluster, not too often.
    """
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"waited {within:g} s for {what}"
        time.sleep(every)
