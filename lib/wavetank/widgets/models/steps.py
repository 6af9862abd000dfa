"""A cluster on its way up: which steps have begun, which are done, and how long each took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from wavetank.cluster import ClusterSpec, Status
from wavetank.cluster.addons import ADDONS
from wavetank.steps import StepEvent

__all__ = ["StepSeen", "StepsPicture", "Up", "after", "standing"]


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step. ``state`` is "under way", "done" or "failed"; ``took`` is None while it is under way."""

    name: str
    began: float
    state: str = "under way"
    took: float | None = None
    note: str = ""

    def seconds(self, now: float) -> float:
        """Return how long it took, or (at ``now``, on the clock of ``began``) has taken so far."""
        return now - self.began if self.took is None else self.took


@dataclass(frozen=True, slots=True)
class StepsPicture:
    """The steps that have begun, in that order."""

    steps: tuple[StepSeen, ...] = ()

    def named(self, state: str) -> list[str]:
        """Return the names of the steps in ``state``."""
        return [step.name for step in self.steps if step.state == state]

    def summary(self) -> str:
        """Return one line: how many are done, and which are under way."""
        done, going = len(self.named("done")), self.named("under way")
        return f"{done} {'step' if done == 1 else 'steps'} done" + (f", under way: {', '.join(going)}" if going else "")

    def __str__(self) -> str:
        """Return the steps that have ended, one line each."""
        ended = [step for step in self.steps if step.took is not None]
        lines = [f"{step.state:<6} {step.name:<24} {step.took:6.1f} s  {step.note}".rstrip() for step in ended]
        return "\n".join(lines) or "no step has ended yet"

    __repr__ = __str__


def after(picture: StepsPicture, event: StepEvent, now: float) -> StepsPicture:
    """Return the picture after ``event``, which happened at ``now`` on the caller's clock."""
    if event.state == "started":
        return StepsPicture((*picture.steps, StepSeen(event.step, now)))
    if event.state == "running":  # a heartbeat: the clock tells as much
        return picture
    return StepsPicture(
        tuple(
            replace(step, state=event.state, took=event.seconds, note=event.note) if step.name == event.step else step
            for step in picture.steps
        )
    )


@dataclass(frozen=True, slots=True, repr=False)
class Up:
    """A cluster that is up with what was asked for: the same words on every machine."""

    name: str
    nodes: int
    addons: tuple[str, ...]

    @classmethod
    def of(cls, spec: ClusterSpec) -> Self:
        """Return what ``spec`` is when it is up."""
        return cls(spec.name, len(spec.node_names), tuple(sorted(spec.addons)))

    def __str__(self) -> str:
        return f"cluster {self.name} is up: {self.nodes} nodes, addons {', '.join(self.addons) or 'none'}"

    __repr__ = __str__


def standing(spec: ClusterSpec, seen: Status) -> str:
    """Return in words whether the cluster that was ``seen`` is what ``spec`` asks for, and what it lacks."""
    if seen.state == "absent":
        return f"there is no cluster {spec.name} yet"
    if seen.state == "down":
        return f"cluster {spec.name} is there, but its API server does not answer"
    lacking = _lacking(spec, seen)
    return f"cluster {spec.name} is there, but not yet ready: {', '.join(lacking)}" if lacking else str(Up.of(spec))


def _lacking(spec: ClusterSpec, seen: Status) -> Sequence[str]:
    ready = {node.name for node in seen.nodes if node.ready}
    nodes = [f"node {name}" for name in spec.node_names if name not in ready]
    return nodes + [f"addon {name}" for name in spec.addons if name in ADDONS and seen.addons.get(name) != "ready"]
