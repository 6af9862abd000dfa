"""A trace: the spans of one request as a waterfall, and which hop of it took longest.

A hop's own time is its duration without what its children took. So the time between two services shows up where it was
spent: a caller's (CLIENT) span holds the called one's (SERVER) span, and what it has on its own went to the network and
the two proxies, delays that a proxy injects included; what a SERVER span has on its own went to the service.

Who is whose child is Zipkin's rule (b3 propagation): the caller's span id travels with the request, and the called
makes a span of its own below it, or, where ids are shared, one with the very same id. All nodes have one clock, so no
times are corrected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wavetank.observe.traces.flags import DELAY, flag_words
from wavetank.observe.traces.span import CLIENT, SERVER, Span

__all__ = ["Hop", "Trace", "in_ms"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One span in its place: ``depth`` below the first, begun ``offset`` after the trace. All times in milliseconds.

    ``own`` is its time without what its children took. ``lost``: its parent is not there. ``answered``: the called
    one's span is there too.
    """

    span: Span
    depth: int
    offset: float
    duration: float
    own: float
    lost: bool
    answered: bool

    @property
    def words(self) -> str:
        """Who did what: ``web: GET /api/sailings``, ``web calls timetable``."""
        if self.span.kind == CLIENT:
            return f"{self.span.app} calls {self.span.called or 'somebody'}"
        return f"{self.span.app}: {self.span.asked or 'something'}"

    @property
    def outcome(self) -> str:
        """What came of it: the status, and what the proxy had to say: ``504, the caller hung up (DC)``."""
        status = str(self.span.status) if self.span.status else "no answer"
        return ", ".join(filter(None, (status, flag_words(self.span.flags))))

    @property
    def reason(self) -> str:
        """Where its own time went."""
        injected = DELAY in self.span.flags
        if self.span.kind != CLIENT:
            return f"a delay that its proxy injected ({DELAY})" if injected else "in the service itself"
        if injected:
            return f"a delay that the proxy of {self.span.app} injected ({DELAY})"
        if self.answered:
            return "on the way: proxies, network, retries"
        if self.span.flags:
            return flag_words(self.span.flags)
        return f"{self.span.called or 'the other side'} itself has reported no span"


@dataclass(frozen=True, slots=True)
class Trace:
    """One request: its ``hops`` in the order of a waterfall, each below its caller; ``duration`` in milliseconds."""

    id: str
    began: datetime
    duration: float
    hops: tuple[Hop, ...]

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Trace:
        """Put together the spans of one trace, in whatever order they came. There must be at least one."""
        began = min(span.began for span in spans)
        ended = max(span.ended for span in spans)
        hops = tuple(_waterfall(spans, began))
        return cls(spans[0].trace_id, datetime.fromtimestamp(began / 1e6, UTC), (ended - began) / 1000, hops)

    @property
    def slowest(self) -> Hop:
        """The hop that took most time on its own."""
        return max(self.hops, key=lambda hop: hop.own)

    @property
    def failed(self) -> bool:
        """Whether any hop failed; the first may have made up for it."""
        return any(hop.span.failed for hop in self.hops)

    @property
    def lost(self) -> int:
        """How many hops name a parent that is not there."""
        return sum(hop.lost for hop in self.hops)

    @property
    def services(self) -> tuple[str, ...]:
        """The services it came through, in the order it came to them."""
        return tuple(dict.fromkeys(hop.span.app for hop in self.hops))

    @property
    def summary(self) -> str:
        """The whole in a line: ``web: GET /api/sailings, 840 ms, 7 spans, 200``."""
        first = self.hops[0]
        count = f"{len(self.hops)} span{'s' if len(self.hops) > 1 else ''}"
        within = "" if first.span.failed or not self.failed else ", a failure within"
        return f"{first.words}, {in_ms(self.duration)}, {count}, {first.outcome}{within}"

    @property
    def verdict(self) -> str:
        """The slowest hop in a line: ``slowest: payment, 812 of 840 ms, in the service itself``."""
        hop = self.slowest
        who = hop.words if hop.span.kind == CLIENT else hop.span.app
        return f"slowest: {who}, {_digits(hop.own)} of {in_ms(self.duration)}, {hop.reason}"

    @property
    def gaps(self) -> str:
        """What is missing, in words; empty when nothing is."""
        if not self.lost:
            return ""
        count = "1 span names a parent that is" if self.lost == 1 else f"{self.lost} spans name parents that are"
        return f"incomplete: {count} not there; its proxy has not sent it yet, or is not in the mesh"

    def __str__(self) -> str:
        slowest = self.slowest
        lines = [f"  {_line(hop, hop is slowest)}" for hop in self.hops]
        return "\n".join([self.summary, *lines, *([self.gaps] if self.gaps else []), self.verdict])


def in_ms(milliseconds: float) -> str:
    """Return a time with as many digits as an eye can use: ``0.42 ms``, ``8.5 ms``, ``840 ms``."""
    return f"{_digits(milliseconds)} ms"


def _digits(milliseconds: float) -> str:
    return f"{milliseconds:.{0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2}f}"


def _line(hop: Hop, slowest: bool) -> str:
    times = f"at {in_ms(hop.offset)} for {in_ms(hop.duration)}, {in_ms(hop.own)} on its own"
    return f"{'  ' * hop.depth}{hop.words}: {times}, {hop.outcome}{' (slowest)' if slowest else ''}"


def _waterfall(spans: Sequence[Span], began: int) -> Iterator[Hop]:
    """Yield each span once, below its parent, siblings in the order they began."""
    by_id = defaultdict[str, list[int]](list)
    for index, span in enumerate(spans):
        by_id[span.id].append(index)
    parents = [_parent(index, spans, by_id) for index in range(len(spans))]
    in_time = sorted(range(len(spans)), key=lambda index: (spans[index].began, spans[index].kind != CLIENT))
    children = defaultdict[int | None, list[int]](list)
    for index in in_time:
        children[parents[index]].append(index)
    told = set[int]()
    # Spans whose parents go round in a circle hang below none of the first: they begin with the earliest.
    for first in [*children[None], *in_time]:
        to_tell = [(first, 0)]
        while to_tell:
            index, depth = to_tell.pop()
            if index in told:
                continue
            told.add(index)
            to_tell += [(child, depth + 1) for child in reversed(children[index])]
            span, below = spans[index], [spans[child] for child in children[index]]
            yield Hop(
                span=span,
                depth=depth,
                offset=(span.began - began) / 1000,
                duration=span.duration / 1000,
                own=_own(span, below) / 1000,
                lost=bool(span.parent_id) and parents[index] is None,
                answered=any(child.kind == SERVER for child in below),
            )


def _parent(index: int, spans: Sequence[Span], by_id: Mapping[str, Sequence[int]]) -> int | None:
    """Return which span is above the one at ``index``; None when there is none, or it is not there."""
    span = spans[index]
    if span.kind == SERVER:
        for other in by_id[span.id]:
            if spans[other].kind == CLIENT:
                return other
    above = [other for other in by_id.get(span.parent_id, ()) if other != index]
    # Of two spans that share an id, the one of the same service: it is who called on.
    return min(above, key=lambda other: spans[other].service != span.service, default=None)


def _own(span: Span, below: Sequence[Span]) -> int:
    """Return the microseconds of ``span`` in which none of those ``below``, in the order they began, was going on."""
    own, until = span.duration, span.began
    for child in below:
        start, end = max(child.began, until), min(child.ended, span.ended)
        if start < end:
            own -= end - start
            until = end
    return own
