"""How long a build from source will take on this machine: told before it begins, by arithmetic alone.

What each artifact takes was measured once (costs.yaml). It is scaled by the machine's own speed, what is in the cache
already counts nothing, and the steps are then played through in the order in which `run_steps` starts them: Go builds
one after the other, what is light beside them, at most as many steps at once as there are cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wavetank.bundle.costs import Costs
from wavetank.bundle.graph import Graph
from wavetank.bundle.plan import Plan
from wavetank.bundle.stages import STAGES, Stage

__all__ = ["Estimate", "Work", "estimate", "play"]


@dataclass(frozen=True, slots=True)
class Work:
    """A step that is yet to run: how long it takes, what it needs, and what it has to itself (see `Step`)."""

    name: str
    seconds: float
    needs: tuple[str, ...] = ()
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """``stages``: seconds from the beginning of the build until the bundle holds each stage."""

    stages: Mapping[Stage, float]

    @property
    def seconds(self) -> float:
        """Seconds until the bundle is whole."""
        return max(self.stages.values())

    def __str__(self) -> str:
        if not self.seconds:
            return "all of it has been made before"
        parts = ", ".join(f"{stage} after {seconds / 60:.1f}" for stage, seconds in self.stages.items())
        return f"about {self.seconds / 60:.1f} minutes on this machine: {parts}"


def estimate(graph: Graph, plan: Plan, costs: Costs, speed: float, workers: int) -> Estimate:
    """Return how long the steps of ``plan`` will take where the yardstick takes ``speed`` seconds.

    ``workers`` is how many steps `run_steps` has under way at once.
    """
    factor = speed / costs.speed
    missing = {artifact.name for artifact in graph.missing()}
    works: list[Work] = []
    planned: set[str] = set()
    held: dict[Stage, str] = {}
    for stage in STAGES:
        own = graph.with_needs(plan.artifacts(stage)) - planned
        planned |= own
        for artifact in (artifact for name, artifact in graph.artifacts.items() if name in own):
            seconds = factor * costs.of(artifact.name) if artifact.name in missing else 0.0
            works.append(Work(artifact.name, seconds, artifact.needs, artifact.alone))
        seconds = factor * costs.of(f"bundle-{stage}") if missing & own else 0.0
        before = tuple(held.values())
        held[stage] = f"bundle-{stage}"
        works.append(Work(held[stage], seconds, (*before, *sorted(own))))
    ends = play(works, workers)
    return Estimate({stage: ends[name] for stage, name in held.items()})


def play(works: Sequence[Work], workers: int) -> dict[str, float]:
    """Return when each of ``works`` ends, in seconds from the beginning, started as `run_steps` starts them."""
    waiting = list(works)
    running: dict[str, tuple[float, str]] = {}
    ends: dict[str, float] = {}
    now = 0.0
    while waiting or running:
        for work in list(waiting):
            taken = {alone for _, alone in running.values() if alone}
            if len(running) < workers and work.alone not in taken and ends.keys() >= set(work.needs):
                waiting.remove(work)
                running[work.name] = (now + work.seconds, work.alone)
        if not running:
            raise ValueError(f"{waiting[0].name} can never run: it needs {', '.join(waiting[0].needs)}")
        first = min(running, key=lambda name: running[name][0])
        now, _ = running.pop(first)
        ends[first] = now
    return ends
