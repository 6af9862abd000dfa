"""TraceView: the latest or slowest requests that came through a service, and one of them hop by hop."""

from __future__ import annotations

from datetime import UTC, datetime

from wavetank.observe.traces import Query, Trace, find_traces, read_stats, why_no_trace
from wavetank.observe.traces.span import CLIENT
from wavetank.observe.traces.trace import in_ms
from wavetank.widgets.controls import button, choice, listing, row
from wavetank.widgets.markup import Html, Markup, html, visible
from wavetank.widgets.models.traces import FAILED, ORDERS, SLOWEST, Bar, TraceBoard, bars, line
from wavetank.widgets.style import mark, note, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["TraceView"]


class TraceView(LiveView):
    """The traces of ``service``, read when the view is shown and when its button is pressed.

    They are not followed: whoever studies one does not want it to move. In a terminal: `wavetank.observe.traces`.
    """

    def __init__(self, place: Place, service: str) -> None:
        super().__init__("Traces", f"service {service}")
        self._kube, self._service, self._namespace = place.kube, service, place.namespace
        self._board: TraceBoard | None = None
        self._order = choice("show", ORDERS, width="260px")
        self._refresh = button("Refresh", self._press_refresh, css="wt-primary", explained="read what has arrived")
        self._list = listing("requests")
        self._words, self._waterfall, self._held = Html(), Html(), Html()
        self._order.observe(lambda _: self._press_refresh(), "value")
        self._list.observe(lambda _: self.touch(), "value")
        self.body.children = (row(self._order, self._refresh), self._list, self._words, self._waterfall, self._held)

    def start(self) -> None:
        """Begin to draw, and read the traces if that has not been done."""
        super().start()
        if self._board is None:
            self._press_refresh()

    def text(self) -> str:
        """Return the traces in words, and the chosen one hop by hop; one look at them while the view is not shown."""
        if self._thread is None:
            self._board = self._look()
        return self._board.text(self._list.value) if self._board else "reading the traces"

    def draw(self) -> None:
        """Show what was last read."""
        board = self._board
        if board is None:
            self.tell("reading ...")
            return
        self.tell(f"read at {board.at.astimezone():%H:%M:%S}")
        self._offer(board)
        trace = board.chosen(self._list.value)
        self._words.value = _words(trace) if trace else note(f"No trace to show: {board.why}")
        self._waterfall.value = _waterfall(trace) if trace else ""
        self._held.value = html('<p class="wt-dim wt-told">The collector: {}.</p>', str(board.stats))

    def _offer(self, board: TraceBoard) -> None:
        """Let the learner choose among the traces that were read; the one chosen stays chosen."""
        offered = [(visible(line(trace)), trace.id) for trace in board.traces]
        if list(self._list.options) != offered:
            chosen = board.chosen(self._list.value)
            with self._list.hold_sync():
                self._list.options = offered
                self._list.value = chosen.id if chosen else None
        self._list.disabled = not offered

    def _press_refresh(self) -> None:
        self.in_background(self._read, busy=[self._refresh])

    def _read(self) -> None:
        board = self._look()
        if board.order == self._order.value:  # else another one is on its way
            self._board = board
            self.touch()

    def _look(self) -> TraceBoard:
        name, order = f"{self._service}.{self._namespace}", self._order.value
        traces = find_traces(self._kube, Query(name, failed=order == FAILED, slowest=order == SLOWEST))
        why = "" if traces else self._why(name, order)
        return TraceBoard(self._service, order, datetime.now(UTC), tuple(traces), read_stats(self._kube), why)

    def _why(self, name: str, order: str) -> str:
        if order == FAILED and find_traces(self._kube, Query(name, limit=1)):
            return "none of those that are held has failed"
        return str(why_no_trace(self._kube, name))


def _words(trace: Trace) -> Markup:
    gaps = note(trace.gaps) if trace.gaps else ""
    return html('<p class="wt-told"><b>{}</b><br>{}</p>{}', trace.summary, trace.verdict, gaps)


def _waterfall(trace: Trace) -> Markup:
    head = ("hop", "", "began at", "took", "on its own", "what came of it")
    return table(head, map(_cells, bars(trace)), caption="hops of the request", words=(1, 5))


def _cells(bar: Bar) -> tuple[str, ...]:
    hop = bar.hop
    calls = hop.span.kind == CLIENT
    pod = "" if calls or not hop.span.pod else html(' <span class="wt-dim">in {}</span>', hop.span.pod)
    slowest = html(" <b>slowest</b>") if bar.slowest else ""
    name = html('<div style="padding-left:{}px">{}{}{}</div>', 12 * hop.depth, hop.words, slowest, pod)
    drawn = html('<i style="left:{:.2%};width:{:.2%}"></i>', bar.left, bar.width)
    css = "slow" if bar.slowest else "calls" if calls else "did"
    fall = html('<span class="wt-fall {}" aria-hidden="true">{}</span>', css, drawn)
    times = (in_ms(hop.offset), in_ms(hop.duration), in_ms(hop.own))
    return name, fall, *times, html("{}{}", mark(bar.tone), hop.outcome)
