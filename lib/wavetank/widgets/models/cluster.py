"""The cluster as one picture: nodes, the pods of a namespace, and what happened, in words.

`after` is the whole model: it takes a picture and a `Change` and returns the next picture. What happened comes from
two places: from comparing a pod or node with how it was before, and from Kubernetes' own Events that say *why*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wavetank.widgets.models.change import LISTED, Change, merged, moment
from wavetank.widgets.models.pods import Node, Pod, read_node, read_pod
from wavetank.widgets.models.tone import Tone

__all__ = ["ClusterPicture", "Happening", "after"]

_REMEMBERED = 60
_LONGEST = 110
_TELLING = {"ScalingReplicaSet", "SuccessfulRescale", "TaintManagerEviction", "DisruptionBlocked"}
"""Reasons of Normal events that are told; of Warnings, all are."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened. ``key`` is the same when it happens again."""

    at: datetime
    about: str
    words: str
    tone: Tone
    key: str


@dataclass(frozen=True, slots=True)
class ClusterPicture:
    """Nodes and pods by name, and what happened, latest first."""

    nodes: Mapping[str, Node] = field(default_factory=dict)
    pods: Mapping[str, Pod] = field(default_factory=dict)
    happenings: tuple[Happening, ...] = ()

    @property
    def _staying(self) -> list[Pod]:
        """The pods that are not on their way out: those that count."""
        return [pod for pod in self.pods.values() if pod.tone is not Tone.GONE]

    def pods_on(self, node: str) -> list[Pod]:
        """Return the pods on ``node`` by name; those that are placed nowhere yet for an empty name."""
        return sorted((pod for pod in self.pods.values() if pod.node == node), key=lambda pod: pod.name)

    def summary(self) -> str:
        """Return one line of counts: how many nodes and pods are ready."""
        ready_nodes, ready_pods = sum(n.ready for n in self.nodes.values()), sum(p.ready for p in self._staying)
        return f"{ready_nodes} of {len(self.nodes)} nodes ready, {ready_pods} of {len(self._staying)} pods ready"

    def text(self) -> str:
        """Return the picture in words: counts by application, then only what is not as it should be."""
        by_app = Counter(pod.app for pod in self._staying)
        ready = Counter(pod.app for pod in self._staying if pod.ready)
        lines = [self.summary(), *(f"  {app}: {ready[app]} of {count} ready" for app, count in sorted(by_app.items()))]
        lines += [f"  node {n.name} {n.words}" for n in self.nodes.values() if n.tone is not Tone.GOOD]
        lines += [f"  pod {p.name}: {p.words}" for p in self.pods.values() if p.tone is not Tone.GOOD]
        return "\n".join(lines)


def after(picture: ClusterPicture, change: Change) -> ClusterPicture:
    """Return the picture after ``change``; kinds it does not know leave it as it is."""
    if change.kind == "Node":
        nodes = merged(picture.nodes, change, read_node)
        told = [] if change.type == LISTED else _node_news(picture.nodes, nodes, change)
        return replace(picture, nodes=nodes, happenings=_remember(picture.happenings, told))
    if change.kind == "Pod":
        pods = merged(picture.pods, change, read_pod)
        told = [] if change.type == LISTED else _pod_news(picture.pods, pods, change)
        return replace(picture, pods=pods, happenings=_remember(picture.happenings, told))
    if change.kind == "Event" and change.type != "DELETED":
        told = [_event_news(event, change.at) for event in change.objects if _is_telling(event)]
        return replace(picture, happenings=_remember(picture.happenings, told))
    return picture


def _node_news(before: Mapping[str, Node], nodes: Mapping[str, Node], change: Change) -> list[Happening]:
    name = change.object["metadata"]["name"]
    was, now = before.get(name), nodes.get(name)
    if now is None:
        return [_news(change, name, f"node {name} left the cluster", Tone.GONE)]
    if was is None:
        return [_news(change, name, f"node {name} joined the cluster", Tone.BUSY)]
    return [_news(change, name, f"node {name} {now.words}", now.tone)] if was.words != now.words else []


def _pod_news(before: Mapping[str, Pod], pods: Mapping[str, Pod], change: Change) -> list[Happening]:
    name = change.object["metadata"]["name"]
    was, now = before.get(name), pods.get(name)
    if now is None:
        return [_news(change, name, f"{name} is gone", Tone.GONE)] if was else []
    told = []
    if was is None:
        told.append(_news(change, name, f"{name} is created", Tone.BUSY))
    elif now.restarts > was.restarts:
        why = f" ({now.last_end})" if now.last_end else ""
        told.append(_news(change, name, f"{name}: a container ended{why} and is started again", Tone.WARN))
    if was and was.words == now.words:
        return told
    if now.tone is Tone.GOOD:
        told.append(_news(change, name, f"{name} is ready on {now.node}", Tone.GOOD))
    elif now.tone is Tone.WARN and was and was.ready:
        told.append(_news(change, name, f"{name} is no longer ready: no more traffic for it", Tone.WARN))
    elif now.tone is Tone.BAD:
        told.append(_news(change, name, f"{name} {now.words}", Tone.BAD))
    elif now.tone is Tone.GONE:
        told.append(_news(change, name, f"{name} {now.words}", Tone.GONE))
    return told


def _news(change: Change, name: str, words: str, tone: Tone) -> Happening:
    return Happening(change.at, name, words, tone, key=f"{change.kind}/{name}/{words}/{change.at.isoformat()}")


def _is_telling(event: Mapping[str, Any]) -> bool:
    return event.get("type") == "Warning" or event.get("reason") in _TELLING


def _event_news(event: Mapping[str, Any], otherwise: datetime) -> Happening:
    about = event.get("involvedObject", {})
    name, times = about.get("name", ""), event.get("count") or event.get("series", {}).get("count") or 1
    last = event.get("lastTimestamp") or event.get("series", {}).get("lastObservedTime") or event.get("eventTime")
    message = " ".join(event.get("message", "").split())
    if len(message) > _LONGEST:
        message = message[:_LONGEST].rstrip() + " ..."
    again = f" ({times} times)" if times > 1 else ""
    tone = Tone.WARN if event.get("type") == "Warning" else Tone.BUSY
    words = f"{name}: {message} [{event.get('reason', '')}]{again}"
    return Happening(moment(last, otherwise), name, words, tone, key=event["metadata"].get("uid", words))


def _remember(before: tuple[Happening, ...], told: Iterable[Happening]) -> tuple[Happening, ...]:
    """Put what is ``told`` among what is known, latest first; the same event told again replaces itself."""
    fresh = {happening.key: happening for happening in told}
    if not fresh:
        return before
    kept = [happening for happening in before if happening.key not in fresh]
    return tuple(sorted([*fresh.values(), *kept], key=lambda happening: happening.at, reverse=True)[:_REMEMBERED])
