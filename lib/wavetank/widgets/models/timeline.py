"""What happens to an application while loads run at it: the loads, and the marks for a chart's time line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wavetank.faults import CATALOGUE, FaultStatus
from wavetank.kube import Obj
from wavetank.traffic.series import MarkKind
from wavetank.widgets.models.change import LISTED, Change, merged

__all__ = ["Event", "Timeline", "after"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something a chart marks: when, of which kind, in words."""

    at: datetime
    kind: MarkKind
    text: str


Teller = Callable[[Obj | None, Obj, datetime], Event | None]
"""Compares an object as it was (None: it was not there) with how it is now."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The Loads by name, as the API has them, and what happened, oldest first."""

    loads: Mapping[str, Obj] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    faults: Mapping[str, Obj] = field(default_factory=dict)
    deployments: Mapping[str, Obj] = field(default_factory=dict)

    @property
    def latest_load(self) -> Obj | None:
        """The Load that was created last."""
        return max(self.loads.values(), key=lambda load: load["metadata"]["creationTimestamp"], default=None)


def after(timeline: Timeline, change: Change) -> Timeline:
    """Return the time line after ``change``; kinds it does not know leave it as it is."""
    match change.kind:
        case "Load":
            return replace(timeline, loads=merged(timeline.loads, change, dict))
        case "Fault":
            told = _told(_fault_event, timeline.faults, change)
            return replace(timeline, faults=merged(timeline.faults, change, dict), events=(*timeline.events, *told))
        case "Deployment":
            told = [] if change.type == LISTED else _told(_deployment_event, timeline.deployments, change)
            deployments = merged(timeline.deployments, change, dict)
            return replace(timeline, deployments=deployments, events=(*timeline.events, *told))
        case _:
            return timeline


def _told(tell: Teller, before: Mapping[str, Obj], change: Change) -> list[Event]:
    if change.type == "DELETED":
        return []
    told = (tell(before.get(obj["metadata"]["name"]), obj, change.at) for obj in change.objects)
    return [event for event in told if event]


def _fault_event(before: Obj | None, now: Obj, at: datetime) -> Event | None:
    """Tell a fault's beginning, and its end if it was seen to end and is not over as soon as it has acted."""
    was, is_ = FaultStatus.from_resource(before) if before else None, FaultStatus.from_resource(now)
    if is_.started_at and (was is None or was.started_at != is_.started_at):
        return Event(is_.started_at, "fault", f"{is_.kind} at {is_.target}")
    if is_.ended and was and not was.ended and not CATALOGUE[is_.kind].once:
        return Event(at, "fault", f"{is_.kind} at {is_.target} is over")
    return None


def _deployment_event(before: Obj | None, now: Obj, at: datetime) -> Event | None:
    name = now["metadata"]["name"]
    if before is None:
        return Event(at, "rollout", f"{name} is created")
    if before["spec"]["template"] != now["spec"]["template"]:
        return Event(at, "rollout", f"{name} gets new pods")
    was, wants = before["spec"].get("replicas", 1), now["spec"].get("replicas", 1)
    if was != wants:
        return Event(at, "scaling", f"{name} from {was} to {wants} pods")
    return None
