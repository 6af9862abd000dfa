"""Whether a lab can be begun while the rest still comes up, and waiting for what it needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wavetank.bootstrap import WHAT_FOR, doing, read_progress, running, stage_of, waiting_for
from wavetank.bundle import Stage
from wavetank.errors import ClusterError, WaitTimeoutError
from wavetank.lesson.lab import Lab

__all__ = ["Readiness", "await_stage", "on_its_way", "readiness"]

WAIT_SECONDS = 3600.0
"""How long a cell waits for what still comes up: a bundle that is built on a slow machine, and some."""
LOOKS_AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far a lab can be done: whether it can be ``begun``, and the stage it ``waits_for`` next (None: nothing)."""

    begun: bool
    waits_for: Stage | None

    def __str__(self) -> str:
        if self.waits_for is None:
            return "ready"
        return f"{'can be begun; later parts wait' if self.begun else 'waits'} for {WHAT_FOR[self.waits_for]}"


def readiness(lab: Lab, ready: Sequence[Stage]) -> Readiness:
    """Return how far ``lab`` can be done when these stages are ready."""
    needs = stage_of(lab.addons)
    begins = lab.begins or needs
    waits_for = next((stage for stage in (begins, needs) if stage not in ready), None)
    return Readiness(begins in ready, waits_for)


def on_its_way(stage: Stage) -> bool:
    """Tell whether ``stage`` still comes up in the background."""
    progress = read_progress() if running() else None
    return progress is not None and not progress.ended and stage in progress.asked and stage not in progress.ready


def await_stage(stage: Stage, say: Callable[[str], None]) -> None:
    """Return when ``stage`` does not come up any more in the background: it is ready, or nobody brings it.

    ``say`` is told what happens meanwhile, and what goes wrong: it is tried again while the process runs. Raises
    `ClusterError` with what went wrong in the end, `WaitTimeoutError` after an hour.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    waited = False
    told = ""
    while on_its_way(stage) and (progress := read_progress()):
        waited = True
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"{WHAT_FOR[stage]} did not come up in {WAIT_SECONDS / 60:.0f} minutes",
                observed=progress.summary(),
                command="wavetank status",
                hint="it goes on: run the same cell again",
            )
        if (now := progress.error or doing(progress)) != told:
            say(progress.error or waiting_for(progress, stage, time.time()))
            told = now
        time.sleep(LOOKS_AGAIN)
    last = read_progress() if waited else None  # what went wrong at the end is noted before the end is
    if last is not None and last.error and stage not in last.ready:
        raise ClusterError(last.error)
