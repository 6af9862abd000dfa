"""Topology: who calls whom in the lab's namespace, drawn and as a table, as the mesh's own sidecars have counted it."""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.observe import Edge, Mesh, Mtls, Node, Signals, watch
from wavetank.observe import Topology as Picture
from wavetank.observe.reasons import Reason
from wavetank.observe.roster import Role
from wavetank.observe.topology import HEAD, cells
from wavetank.widgets.graph import Box, Line, graph
from wavetank.widgets.looking import LookFeed
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import list_items, mark, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["Topology"]

_MANY = 0.05
"""Above this share of failed requests an edge is in a bad way."""
_WORDS = (1, len(HEAD) - 2, len(HEAD) - 1)


class Topology(LiveView):
    """Who calls whom, live, over the last ten seconds. In a terminal: `wavetank.observe.watch`."""

    def __init__(self, place: Place) -> None:
        super().__init__("Topology", f"namespace {place.namespace}")
        self._place = place
        self._mesh: Mesh | None = None
        self._feed = self.following(LookFeed(place.kube, self._look, self.touch))
        self._drawing, self._numbers, self._reasons = Html(), Html(), Html()
        self.body.children = (self._drawing, self._numbers, self._reasons)

    @property
    def picture(self) -> Picture | None:
        """The model: what the view knows now; None before the first second has passed."""
        return self._feed.latest

    def text(self) -> str:
        """Return the edges as a table, and why some are missing."""
        return repr(self.picture or "not looked at yet")

    def draw(self) -> None:
        """Show the latest topology."""
        picture = self._feed.latest
        if picture is None:
            self.tell("looking")
            return
        self.tell(f"{len(picture.nodes)} nodes, {len(picture.edges)} edges, over {picture.seconds:.0f} s")
        self._drawing.value = _drawing(picture)
        self._numbers.value = _numbers(picture.edges)
        self._reasons.value = _reasons(picture.reasons)

    def notice(self) -> str:
        """Return why the last look saw nothing."""
        return self._feed.trouble

    def _look(self, _: Picture | None) -> Picture:
        self._mesh = self._mesh or watch(self._place.kube, self._place.namespace)
        return self._mesh.topology()


def _drawing(picture: Picture) -> Markup:
    drawn = graph(
        [_box(node) for node in picture.nodes], [_line(edge) for edge in picture.edges], "who calls whom, drawn"
    )
    return drawn and html('<div class="wt-scroll" tabindex="0" role="group" aria-label="drawing">{}</div>', drawn)


def _box(node: Node) -> Box:
    beyond = node.role in (Role.OUTSIDE, Role.SERVICE) or not node.pods or node.sidecars < node.pods
    return Box(node.name, node.words, outlined=beyond)


def _line(edge: Edge) -> Line:
    signals = edge.signals
    p95 = signals.percentile(95)
    failed = f" · {signals.error_share:.0%} failed" if signals.errors else ""
    rate = f"{_rate(signals.rate)}{failed}" if signals.requests else "idle"
    latency = "" if p95 is None or not signals.requests else f"p95 {p95:.0f} ms · "
    locked = None if signals.mtls is None else signals.mtls is Mtls.YES
    return Line(edge.source, edge.target, (rate, f"{latency}{signals.mtls or 'mTLS unknown'}"), _tone(signals), locked)


def _tone(signals: Signals) -> Tone:
    if not signals.requests:
        return Tone.WAIT
    if signals.error_share > _MANY:
        return Tone.BAD
    return Tone.WARN if signals.errors or signals.flags else Tone.GOOD


def _numbers(edges: Sequence[Edge]) -> Markup:
    if not edges:
        return NOTHING
    rows = []
    for edge in edges:
        source, *told = cells(edge)
        rows.append((html("{}{}", mark(_tone(edge.signals)), source), *told))
    shown = table(HEAD, rows, caption="who calls whom", words=_WORDS)
    return html('<div class="wt-scroll" tabindex="0" role="group" aria-label="numbers">{}</div>', shown)


def _reasons(reasons: Sequence[Reason]) -> Markup:
    items = (
        html("<li>{}{}</li>", reason.words, html("<br><code>{}</code>", reason.command) if reason.command else "")
        for reason in reasons
    )
    listed = list_items(items, "wt-bullets", "why something is not seen")
    return html("<h5>What is not seen, and why</h5>{}", listed) if listed else NOTHING


def _rate(rate: float) -> str:
    return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
