"""LoadSeries: what a load's chart draws, growing while it is drawn.

One thread adds seconds, others add marks, the page takes snapshots; each sees a whole picture.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from wavetank.traffic.record import Second, Summary

__all__ = ["LoadSeries", "Mark", "MarkKind", "Snapshot"]

MarkKind = Literal["fault", "rollout", "scaling"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to the application: when (seconds since the load began), of which kind, in words."""

    second: float
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One picture of a load: lists of one length, one entry a second, and the marks on their time line.

    ``rate`` is what was sent and ``answered`` what was answered well, per second; ``p50``, ``p95`` and ``p99`` are
    milliseconds; ``error_share`` is from 0 to 1. A second in which nothing ended has no latency and no error share:
    nan.
    """

    seconds: tuple[int, ...] = ()
    rate: tuple[int, ...] = ()
    answered: tuple[int, ...] = ()
    p50: tuple[float, ...] = ()
    p95: tuple[float, ...] = ()
    p99: tuple[float, ...] = ()
    error_share: tuple[float, ...] = ()
    marks: tuple[Mark, ...] = ()


class LoadSeries:
    """The seconds of one load and what happened meanwhile. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._rows: list[tuple[int, int, int, float, float, float, float]] = []
        self._marks: list[tuple[datetime, MarkKind, str]] = []
        self._summary = Summary()

    def add(self, second: Second) -> None:
        """Append the load's next second."""
        row = _row(second)
        with self._lock:
            if self._began is None:
                self._began = second.began - timedelta(seconds=second.t)
            self._rows.append(row)
            self._summary.add(second)

    def mark(self, kind: MarkKind, text: str, at: datetime | None = None) -> None:
        """Mark the time line at ``at`` (by default now)."""
        with self._lock:
            self._marks.append((at or datetime.now(UTC), kind, text))

    def snapshot(self) -> Snapshot:
        """Return the picture as it is now; marks appear once the load has begun."""
        with self._lock:
            began, rows, marks = self._began, list(self._rows), list(self._marks)
        if began is None:
            return Snapshot()
        placed = (Mark((at - began).total_seconds(), kind, text) for at, kind, text in marks)
        in_order = tuple(sorted(placed, key=lambda mark: mark.second))
        seconds, rate, answered, p50, p95, p99, error_share = zip(*rows, strict=True)
        return Snapshot(seconds, rate, answered, p50, p95, p99, error_share, in_order)

    def summary(self) -> Summary:
        """Return the sum of all seconds so far; it does not grow any more."""
        whole = Summary()
        with self._lock:
            whole.add_up(self._summary)
        return whole

    def __str__(self) -> str:
        with self._lock:
            return str(self._summary)


def _row(second: Second) -> tuple[int, int, int, float, float, float, float]:
    p50, p95, p99 = (
        math.nan if (latency := second.latencies.percentile(percent)) is None else latency * 1000
        for percent in (50, 95, 99)
    )
    error_share = second.failed / second.ended if second.ended else math.nan
    return second.t, second.sent, second.ended - second.failed, p50, p95, p99, error_share
