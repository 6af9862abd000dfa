"""ClusterView: the nodes, the pods of a namespace on them, and what happened, in words."""

from __future__ import annotations

from wavetank.traffic.manifest import LOAD_LABEL
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.markup import Html, Markup, html, joined
from wavetank.widgets.models.cluster import ClusterPicture, Happening, after
from wavetank.widgets.models.pods import Node, Pod
from wavetank.widgets.style import clock, list_items, mark
from wavetank.widgets.view import LiveView, Place

__all__ = ["ClusterView"]

_SHOWN = 9
"""How many happenings are shown."""


class ClusterView(LiveView):
    """The cluster as it is now, live, without the pods that make the waves. ``print(view)`` takes one look."""

    def __init__(self, place: Place) -> None:
        namespace = place.namespace
        super().__init__("Cluster", f"pods in namespace {namespace}")
        watched = (Watched("Node"), Watched("Pod", namespace, selector=f"!{LOAD_LABEL}"), Watched("Event", namespace))
        self._feed = self.following(Feed(place.kube, watched, ClusterPicture(), after, self.touch))
        self._cards, self._log = Html(), Html()
        self.body.children = (self._cards, self._log)

    @property
    def picture(self) -> ClusterPicture:
        """The model: what the view knows now."""
        return self._feed.picture

    def text(self) -> str:
        """Return counts, then whatever is not as it should be."""
        return self.picture.text()

    def draw(self) -> None:
        """Show the latest picture."""
        picture = self._feed.picture
        self.tell(picture.summary())
        self._cards.value = _cards(picture)
        self._log.value = _log(picture.happenings[:_SHOWN])


def _cards(picture: ClusterPicture) -> Markup:
    cards = [_card(node.name, _state(node), picture.pods_on(node.name)) for node in picture.nodes.values()]
    if waiting := picture.pods_on(""):
        cards.insert(0, _card("no node yet", "", waiting))
    return html('<div class="wt-cards">{}</div>', joined(cards))


def _card(name: str, state: str, pods: list[Pod]) -> Markup:
    inside = (
        list_items(map(_pod, pods), "wt-pods", f"pods on {name}")
        if pods
        else html('<span class="wt-dim">no pods</span>')
    )
    return html(
        '<section class="wt-card" aria-label="{}"><h4><span>{}</span>{}</h4>{}</section>', name, name, state, inside
    )


def _state(node: Node) -> Markup:
    return html("<span>{}{}</span>", mark(node.tone), node.words)


def _pod(pod: Pod) -> Markup:
    """Return a pod's line: its words only when it is not ready, as most are; a screen reader gets them always."""
    words = html('<span class="{}">{}</span>', "wt-hidden" if pod.ready else "w", pod.words)
    again = html('<span class="w">restarted {}&times;</span>', pod.restarts) if pod.restarts else ""
    version = html('<span class="v">{}</span>', pod.version)
    name = html('<span class="n">{}</span>', pod.name)
    return html('<li class="wt-{}">{}{}{}{}{}</li>', pod.tone, mark(pod.tone), name, version, words, again)


def _log(happenings: tuple[Happening, ...]) -> Markup:
    if not happenings:
        return html('<h5>What happened</h5><span class="wt-dim">nothing yet</span>')
    items = (html("<li>{}<span>{}{}</span></li>", clock(h.at), mark(h.tone), h.words) for h in happenings)
    return html("<h5>What happened, latest first</h5>") + list_items(items, "wt-log", "what happened, latest first")
