"""What a load reports: one JSON line a second, and the sum of them.

The load pod prints these lines, everybody else reads them from its log. Because histograms add exactly, the sum of the
lines is the whole truth: whoever has read them all has the same `Summary` as the pod that printed them, and every
request scheduled is in it exactly once: ``scheduled = sent + unsent`` and ``sent = Σ status``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wavetank.document import read_json
from wavetank.errors import InputError, KubeError
from wavetank.traffic.histogram import Latencies

__all__ = ["SCHEDULE_TOLERANCE", "Second", "Summary", "is_ok", "not_held", "parse_line"]

SCHEDULE_TOLERANCE = 0.1
"""A schedule was held when every request was sent, 99 % of them less than this many seconds late."""


def is_ok(outcome: str) -> bool:
    """Tell whether ``outcome``, an HTTP status or the name of a failure, is what a visitor would call an answer."""
    return outcome.startswith(("2", "3"))


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a load.

    ``t`` is the second since the start, ``at`` the time it began (RFC 3339). ``scheduled`` requests were due in it;
    ``sent`` were sent, ``unsent`` could not be. ``status`` counts how requests ended in it, whenever they were sent: by
    HTTP status, or ``timeout``, ``refused``, ``reset``, ``dns``, ``cancelled``. ``histogram`` holds the latencies of
    answers and timeouts from the moment they were due; ``lateness`` how late requests were sent; both as `Latencies`
    encodes them. ``still`` is for how many seconds of it the load itself stood still, its container paused or its
    machine asleep: what was due then is unsent, and what was under way then is in no histogram.
    """

    t: int
    at: str
    scheduled: int
    sent: int
    unsent: int
    status: dict[str, int]
    histogram: str
    lateness: str
    still: float = 0.0

    @property
    def began(self) -> datetime:
        """When this second began."""
        return datetime.fromisoformat(self.at)

    @property
    def latencies(self) -> Latencies:
        """How long the answers and timeouts of this second took."""
        return Latencies.decode(self.histogram)

    @property
    def ended(self) -> int:
        """How many requests ended in this second."""
        return sum(self.status.values())

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(count for outcome, count in self.status.items() if not is_ok(outcome))

    def to_line(self) -> str:
        """Return the line of the log, without a line break."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, separators=(",", ":"))


@dataclass(slots=True)
class Summary:
    """The sum of the seconds added to it."""

    seconds: int = 0
    scheduled: int = 0
    sent: int = 0
    unsent: int = 0
    status: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)
    lateness: Latencies = field(default_factory=Latencies)
    still: float = 0.0

    @classmethod
    def of(cls, seconds: Iterable[Second]) -> Summary:
        """Add up ``seconds``."""
        summary = cls()
        for second in seconds:
            summary.add(second)
        return summary

    def add(self, second: Second) -> None:
        """Count one more second."""
        self.seconds += 1
        self.scheduled += second.scheduled
        self.sent += second.sent
        self.unsent += second.unsent
        self.status.update(second.status)
        self.latencies.add(second.latencies)
        self.lateness.add(Latencies.decode(second.lateness))
        self.still += second.still

    def add_up(self, other: Summary) -> None:
        """Count everything another summary has counted."""
        self.seconds += other.seconds
        self.scheduled += other.scheduled
        self.sent += other.sent
        self.unsent += other.unsent
        self.status.update(other.status)
        self.latencies.add(other.latencies)
        self.lateness.add(other.lateness)
        self.still += other.still

    @property
    def failed(self) -> int:
        """How many requests ended without an answer a visitor could use."""
        return sum(count for outcome, count in self.status.items() if not is_ok(outcome))

    @property
    def error_share(self) -> float:
        """The failed share of the requests that ended, 0 to 1; 0 when none has."""
        ended = self.status.total()
        return self.failed / ended if ended else 0.0

    @property
    def held(self) -> bool:
        """Whether the schedule was held, so that the latencies are the target's and not the generator's own."""
        late = self.lateness.percentile(99)
        return self.unsent == 0 and not self.still and (late is None or late < SCHEDULE_TOLERANCE)

    def require_awake(self, load: str) -> None:
        """Raise `KubeError` when the load stood still meanwhile: what it has met is not what visitors would have."""
        if self.still:
            raise KubeError(
                f"the load {load} stood still for {self.still:.0f} s, so it tells too little of the application",
                observed=repr(self),
                expected="a machine that is awake, and containers that run, while a load is sent",
                hint="again, now that they are",
            )

    def require_held(self, load: str) -> None:
        """Raise `KubeError` when the schedule was not held: the latencies may be the generator's own."""
        if not self.held:
            raise KubeError(
                f"the load {load} was late itself, so it does not tell how quick the application is",
                observed=repr(self),
                expected="a machine that has time to send requests when they are due",
                hint="again, when less runs beside it",
            )

    def __repr__(self) -> str:
        answered = f"{self.sent} sent in {self.seconds} s, {self.failed} failed ({self.error_share:.1%})"
        p50, p95, p99 = (self.latencies.percentile(percent) for percent in (50, 95, 99))
        latency = "no answer"
        if p50 is not None and p95 is not None and p99 is not None:
            latency = f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"
        schedule = "" if self.held else f"; {not_held(self.unsent, self.still)}"
        return f"{answered}; {latency}{schedule}"

    def to_line(self) -> str:
        """Return the log's last line: the figures a person looks for first, times in milliseconds."""
        told: dict[str, Any] = {
            "seconds": self.seconds,
            "scheduled": self.scheduled,
            "sent": self.sent,
            "unsent": self.unsent,
            "failed": self.failed,
            "status": dict(sorted(self.status.items())),
            "latency_ms": _milliseconds(self.latencies),
            "schedule_error_ms": _milliseconds(self.lateness),
            "held": self.held,
            "still": round(self.still, 1),
        }
        return json.dumps({"summary": told}, separators=(",", ":"))


def not_held(unsent: int, still: float) -> str:
    """Say why a schedule was not held, of a load that left out ``unsent`` requests and stood still for ``still`` s."""
    missed = f"{unsent} requests were not sent"
    if still:
        why = f"the load itself stood still for {still:.0f} s, and {missed}"
    else:
        why = missed if unsent else "the load itself was late"
    return f"the schedule was not held: {why}"


def parse_line(line: str) -> Second | dict[str, Any]:
    """Read one line of a load pod's log: a `Second`, or the figures of the last line's summary.

    Raises `InputError` when the line is neither, such as the last words of a pod that crashed.
    """
    try:
        told = read_json(line)
        if "summary" in told:
            figures: dict[str, Any] = dict(told["summary"])
            return figures
        return _checked(Second(**told))
    except (ValueError, TypeError) as error:
        raise InputError(
            "not a line of a load's log", observed=line[:200], expected="a JSON object: a second, or a summary"
        ) from error


def _checked(second: Second) -> Second:
    """Return a second that says what it should. Raises `ValueError` or `TypeError` for another."""
    counts = [second.t, second.scheduled, second.sent, second.unsent, *dict(second.status).values()]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("a count that is none")
    datetime.fromisoformat(second.at)
    Latencies.decode(second.lateness), Latencies.decode(second.histogram)
    return second


def _milliseconds(latencies: Latencies) -> dict[str, float | None]:
    named = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    return {
        name: None if (seconds := latencies.percentile(percent)) is None else round(seconds * 1000, 3)
        for name, percent in named.items()
    }
