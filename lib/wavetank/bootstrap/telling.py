"""How far it is, in words: for a terminal, and for whoever waits."""

from __future__ import annotations

import time
from dataclasses import replace

from wavetank.bootstrap.progress import Progress, StepSeen
from wavetank.bundle import STAGES, Stage

__all__ = ["WHAT_FOR", "behind", "doing", "minutes", "waiting_for"]

WHAT_FOR: dict[Stage, str] = {
    "containers": "containers, images and a registry",
    "kubernetes": "Kubernetes",
    "mesh": "the service mesh",
    "functions": "functions",
}
"""What can be done when a stage is ready, in a learner's words."""


def behind(progress: Progress, now: float | None = None, *, alive: bool = True) -> str:
    """Return a few lines: each stage, what is under way, what is wrong. One that is not ``alive`` has ended."""
    at = time.time() if now is None else now
    progress = progress if alive else replace(progress, ended=True)
    lines = ["in the background:" if not progress.ended else "what went on in the background has ended:"]
    for stage in STAGES:
        if stage in progress.ready:
            how = "ready"
        elif progress.ended:
            how = "not ready"
        else:
            how = f"on its way{_left(progress, stage, at)}"
        lines.append(f"  {WHAT_FOR[stage]:<34} {how}")
    lines += [f"  … {step.name} ({minutes(step.seconds(at))}) {step.note}".rstrip() for step in _under_way(progress)]
    if progress.error:
        lines.append(progress.error)
    return "\n".join(lines)


def doing(progress: Progress) -> str:
    """Return in a few words what is under way now."""
    return ", ".join(step.name for step in _under_way(progress)) or "beginning"


def waiting_for(progress: Progress, stage: Stage, now: float) -> str:
    """Return in one line that ``stage`` is waited for, and what happens meanwhile."""
    return f"waiting for {WHAT_FOR[stage]}{_left(progress, stage, now)}: {doing(progress)}"


def minutes(seconds: float) -> str:
    """Return a duration as one says it: 42 s, 3 min."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _left(progress: Progress, stage: Stage, now: float) -> str:
    left = progress.left(stage, now)
    return "" if left is None else f", made in about {minutes(left)}"


def _under_way(progress: Progress) -> tuple[StepSeen, ...]:
    return () if progress.ended else tuple(step for step in progress.steps if step.state == "under way")
