"""What the collector keeps: the latest traces, in memory, never more than its bounds.

When it is full the oldest trace goes, whole: half a trace would look like a broken one. What came, was refused and had
to go is counted, because a reader has to know whether the trace that is missing was ever there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from wavetank.observe.traces.query import Query
from wavetank.observe.traces.span import Span

__all__ = ["MAX_SPANS", "MAX_SPANS_OF_A_TRACE", "MAX_TRACES", "Stats", "Store"]

MAX_SPANS = 20_000
"""Most of a minute of a busy lesson: fifty requests a second, eight spans each. About 60 MB."""

MAX_TRACES = 5_000

MAX_SPANS_OF_A_TRACE = 500
"""Whoever sends the same trace id with every request fills one trace, and must not empty all others."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of spans since the collector began, and what is held of how much at most.

    ``received`` are good ones; of these ``dropped`` are gone again. ``refused`` are bad ones, and bodies that cannot be
    read; ``refusal`` says what was wrong with the last.
    """

    received: int = 0
    refused: int = 0
    dropped: int = 0
    spans: int = 0
    traces: int = 0
    max_spans: int = MAX_SPANS
    max_traces: int = MAX_TRACES
    refusal: str = ""

    def __str__(self) -> str:
        told = f"{_count(self.received, 'span')} received; {self.spans} held, in {_count(self.traces, 'trace')}"
        if self.dropped:
            told += f"; {self.dropped} let go of, the oldest first, because there is room for {self.max_spans} spans"
            told += f" in {self.max_traces} traces"
        if self.refused:
            told += f"; {self.refused} refused, the last because: {self.refusal}"
        return told

    def as_dict(self) -> dict[str, Any]:
        """Return the counts by name, for JSON."""
        return asdict(self)


class Store:
    """The latest spans by trace. For one thread: the collector's event loop."""

    def __init__(
        self,
        max_spans: int = MAX_SPANS,
        max_traces: int = MAX_TRACES,
        max_spans_of_a_trace: int = MAX_SPANS_OF_A_TRACE,
    ) -> None:
        self._max_spans, self._max_traces, self._max_of_a_trace = max_spans, max_traces, max_spans_of_a_trace
        self._traces: dict[str, list[Span]] = {}  # in the order their first spans came
        self._spans = self._received = self._refused = self._dropped = 0
        self._refusal = ""

    def add(self, spans: Iterable[Span]) -> None:
        """Keep ``spans``, and let go of the oldest traces as far as it takes."""
        for span in spans:
            self._received += 1
            trace = self._traces.setdefault(span.trace_id, [])
            if len(trace) >= self._max_of_a_trace:
                self._dropped += 1
                continue
            trace.append(span)
            self._spans += 1
            while self._spans > self._max_spans or len(self._traces) > self._max_traces:
                self._let_go_of_the_oldest()

    def refuse(self, reasons: Sequence[str]) -> None:
        """Count what could not be kept, one of ``reasons`` for each."""
        if reasons:
            self._refused += len(reasons)
            self._refusal = reasons[-1]

    def find(self, query: Query) -> list[Sequence[Span]]:
        """Return the spans of each trace that ``query`` asks for."""
        return query.pick(self._traces.values())

    def get(self, trace_id: str) -> Sequence[Span]:
        """Return the spans of one trace, in the order they came; none when it is not there."""
        return tuple(self._traces.get(trace_id, ()))

    def stats(self) -> Stats:
        """Return what has been counted."""
        return Stats(
            received=self._received,
            refused=self._refused,
            dropped=self._dropped,
            spans=self._spans,
            traces=len(self._traces),
            max_spans=self._max_spans,
            max_traces=self._max_traces,
            refusal=self._refusal,
        )

    def _let_go_of_the_oldest(self) -> None:
        gone = self._traces.pop(next(iter(self._traces)))
        self._spans -= len(gone)
        self._dropped += len(gone)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
