"""How far it is: the steps that have begun, the stages that are ready, and what went wrong. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wavetank.bundle import STAGES, Stage
from wavetank.steps import StepEvent

__all__ = ["Progress", "StepSeen", "after", "of_records"]


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
        return max(0.0, now - self.began) if self.took is None else self.took


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps in the order they began, the stages that were ``asked`` for, and those that can be used.

    ``estimates`` has, for each stage, the seconds from the beginning after which it is likely to be ready; ``ended``
    says that nothing more will come, ``error`` in full what is wrong. Times are seconds since 1970.
    """

    began: float = 0.0
    asked: tuple[Stage, ...] = STAGES
    steps: tuple[StepSeen, ...] = ()
    ready: tuple[Stage, ...] = ()
    estimates: Mapping[Stage, float] = field(default_factory=dict)
    error: str = ""
    ended: bool = False

    def named(self, state: str) -> list[str]:
        """Return the names of the steps in ``state``."""
        return [step.name for step in self.steps if step.state == state]

    def summary(self) -> str:
        """Return one line: how many are done, and which are under way."""
        done, going = len(self.named("done")), self.named("under way")
        return f"{done} {'step' if done == 1 else 'steps'} done" + (f", under way: {', '.join(going)}" if going else "")

    def left(self, stage: Stage, now: float) -> float | None:
        """Return the seconds until ``stage`` is likely to be ready, None where that is not known or long past."""
        due = self.estimates.get(stage)
        return None if due is None or self.began + due <= now else self.began + due - now

    def __str__(self) -> str:
        """Return the steps that have ended, one line each."""
        ended = [step for step in self.steps if step.took is not None]
        lines = [f"{step.state:<6} {step.name:<24} {step.took:6.1f} s  {step.note}".rstrip() for step in ended]
        return "\n".join(lines) or "no step has ended yet"

    __repr__ = __str__


def after(progress: Progress, event: StepEvent, now: float) -> Progress:
    """Return the progress after ``event``, which happened at ``now`` on the caller's clock.

    A step that comes again after it was done, as with each stage of a cluster, stays as it was.
    """
    known = next((step for step in progress.steps if step.name == event.step), None)
    if known is not None and known.state == "done":
        return progress
    if event.state == "started":
        others = tuple(step for step in progress.steps if step.name != event.step)
        return replace(progress, steps=(*others, StepSeen(event.step, now)))
    if known is None:
        return progress
    if event.state == "running":
        seen = replace(known, note=event.note)
    else:
        seen = replace(known, state=event.state, took=event.seconds, note=event.note)
    return replace(progress, steps=tuple(seen if step is known else step for step in progress.steps))


def of_records(records: Iterable[Mapping[str, Any]]) -> Progress:
    """Return the progress that the records of a journal tell (see `journal`)."""
    progress = Progress()
    for record in records:
        match record:
            case {"began": float(began), "asked": asked}:
                progress = Progress(began=began, asked=tuple(asked))
            case {"step": event, "at": float(at)}:
                progress = after(progress, StepEvent(**event), at)
            case {"ready": ready}:
                progress = replace(progress, ready=tuple(ready))
            case {"estimates": estimates}:
                progress = replace(progress, estimates=estimates)
            case {"error": str(error)}:
                progress = replace(progress, error=error)
            case {"ended": True}:
                progress = replace(progress, ended=True)
    return progress
