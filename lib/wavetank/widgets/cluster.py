"""ClusterView: the nodes, the pods of a namespace on them, and what happened, in words."""

from __future__ import annotations

import ipywidgets as ipw

from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.models.cluster import ClusterPicture, Happening, after
from wavetank.widgets.models.pods import Node, Pod
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import clock, escape, list_items, mark
from wavetank.widgets.view import LiveView, Place

__all__ = ["ClusterView"]

_SHOWN = 9
"""How many happenings are shown."""


class ClusterView(LiveView):
    """The cluster as it is now, live. In a terminal: ``print(view)`` takes one look."""

    def __init__(self, place: Place) -> None:
        namespace = place.namespace
        super().__init__("Cluster", f"pods in namespace {namespace}")
        watched = (Watched("Node"), Watched("Pod", namespace), Watched("Event", namespace))
        self._feed = Feed(place.kube, watched, ClusterPicture(), after, self.touch)
        self._cards, self._log = ipw.HTML(), ipw.HTML()
        self.body.children = (self._cards, self._log)

    @property
    def picture(self) -> ClusterPicture:
        """The model: what the view knows now."""
        return self._feed.picture

    def text(self) -> str:
        """Return counts, then whatever is not as it should be."""
        return self.picture.text()

    def start(self) -> None:
        """Begin to follow the cluster."""
        self._feed.start()
        super().start()

    def close(self) -> None:
        """Stop following, at once, and take the view off the page."""
        self._feed.close()
        super().close()

    def lost_for(self) -> float | None:
        """Return for how many seconds the API server has not answered; None while it does."""
        return self._feed.lost_for()

    def draw(self) -> None:
        """Show the latest picture."""
        picture = self._feed.picture
        self.tell(picture.summary())
        self._cards.value = _cards(picture)
        self._log.value = _log(picture.happenings[:_SHOWN])


def _cards(picture: ClusterPicture) -> str:
    cards = [_card(node.name, _state(node), picture.pods_on(node.name)) for node in picture.nodes.values()]
    if waiting := picture.pods_on(""):
        cards.insert(0, _card("no node yet", "", waiting))
    return f'<div class="wt-cards">{"".join(cards)}</div>'


def _card(name: str, state: str, pods: list[Pod]) -> str:
    inside = (
        list_items(map(_pod, pods), "wt-pods", f"pods on {name}") if pods else '<span class="wt-dim">no pods</span>'
    )
    name = escape(name)
    return f'<section class="wt-card" aria-label="{name}"><h4><span>{name}</span>{state}</h4>{inside}</section>'


def _state(node: Node) -> str:
    role = "control plane, " if node.control_plane else ""
    return f"<span>{mark(node.tone)}{role}{escape(node.words)}</span>"


def _pod(pod: Pod) -> str:
    again = f", restarted {pod.restarts}&times;" if pod.restarts and pod.tone is not Tone.GONE else ""
    words = escape(pod.words)
    title = escape(f"{pod.name} ({pod.version}): {pod.words}")
    return (
        f'<li class="wt-{pod.tone}" title="{title}">{mark(pod.tone)}<span class="n">{escape(pod.name)}</span>'
        f'<span class="w">{words}{again}</span></li>'
    )


def _log(happenings: tuple[Happening, ...]) -> str:
    if not happenings:
        return '<h5>What happened</h5><span class="wt-dim">nothing yet</span>'
    items = (f"<li>{clock(h.at)}<span>{mark(h.tone)}{escape(h.words)}</span></li>" for h in happenings)
    return "<h5>What happened, latest first</h5>" + list_items(items, "wt-log", "what happened, latest first")
