"""The traces of one service as they were last read: a line for each, and one as a waterfall. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wavetank.observe.traces import Hop, Stats, Trace
from wavetank.widgets.models.tone import Tone

__all__ = ["FAILED", "LATEST", "ORDERS", "SLOWEST", "Bar", "TraceBoard", "bars", "line"]

LATEST, SLOWEST, FAILED = "the latest", "the slowest", "the latest that failed"
ORDERS = (LATEST, SLOWEST, FAILED)
"""Which traces may be looked at."""


@dataclass(frozen=True, slots=True)
class TraceBoard:
    """What was read at ``at``: ``traces`` of ``service`` in one of `ORDERS`, or ``why`` there are none."""

    service: str
    order: str
    at: datetime
    traces: tuple[Trace, ...]
    stats: Stats
    why: str = ""

    def chosen(self, trace_id: str | None) -> Trace | None:
        """Return the trace of that id, else the first; None when there are none."""
        return next((trace for trace in self.traces if trace.id == trace_id), next(iter(self.traces), None))

    def text(self, trace_id: str | None = None) -> str:
        """Return the traces in words, and the chosen one hop by hop."""
        chosen = self.chosen(trace_id)
        if chosen is None:
            return f"no trace of {self.service}: {self.why}"
        lines = [f"  {trace.summary}" for trace in self.traces]
        return "\n".join([f"{self.order} of the traces of {self.service}:", *lines, "", str(chosen)])


@dataclass(frozen=True, slots=True)
class Bar:
    """One hop as a bar: it begins at ``left`` and is ``width`` long, both shares (0 to 1) of the whole trace."""

    hop: Hop
    left: float
    width: float
    slowest: bool

    @property
    def tone(self) -> Tone:
        """How the hop did: a failure says more than being the slowest."""
        return Tone.BAD if self.hop.span.failed else Tone.WARN if self.slowest else Tone.GOOD


def bars(trace: Trace) -> Iterator[Bar]:
    """Yield the hops of ``trace`` as bars on one time line."""
    whole, slowest = trace.duration or 1.0, trace.slowest
    for hop in trace.hops:
        yield Bar(hop, hop.offset / whole, hop.duration / whole, hop is slowest)


def line(trace: Trace) -> str:
    """Return the line of a trace in a list: when it began, and what became of it."""
    return f"{trace.began.astimezone():%H:%M:%S}  {trace.summary}"
