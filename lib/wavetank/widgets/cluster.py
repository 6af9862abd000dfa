"""ClusterView: the nodes, the pods of a namespace on them, and what happened, in words."""

from __future__ import annotations

import ipywidgets as ipw

from wavetank.traffic.manifest import LOAD_LABEL
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.models.cluster import ClusterPicture, Happening, after
from wavetank.widgets.models.pods import Node, Pod
from wavetank.widgets.style import clock, escape, list_items, mark
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
        self._cards, self._log = ipw.HTML(), ipw.HTML()
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
    return f"<span>{mark(node.tone)}{escape(node.words)}</span>"


def _pod(pod: Pod) -> str:
    """Return a pod's line: its words only when it is not ready, as most are; a screen reader gets them always."""
    words = f'<span class="{"wt-hidden" if pod.ready else "w"}">{escape(pod.words)}</span>'
    again = f'<span class="w">restarted {pod.restarts}&times;</span>' if pod.restarts else ""
    version = f'<span class="v">{escape(pod.version)}</span>'
    name = f'<span class="n">{escape(pod.name)}</span>'
    return f'<li class="wt-{pod.tone}">{mark(pod.tone)}{name}{version}{words}{again}</li>'


def _log(happenings: tuple[Happening, ...]) -> str:
    if not happenings:
        return '<h5>What happened</h5><span class="wt-dim">nothing yet</span>'
    items = (f"<li>{clock(h.at)}<span>{mark(h.tone)}{escape(h.words)}</span></li>" for h in happenings)
    return "<h5>What happened, latest first</h5>" + list_items(items, "wt-log", "what happened, latest first")
