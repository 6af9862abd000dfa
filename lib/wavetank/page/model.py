"""What the page shows, as plain values."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from wavetank.bootstrap import WHAT_FOR, Progress, doing, minutes, read_progress, running, standing
from wavetank.bundle import STAGES, Stage
from wavetank.cluster import ClusterSpec, find_spec, load_spec
from wavetank.lesson.lab import Lab
from wavetank.lesson.library import LABS, find_lab, lab_ids
from wavetank.lesson.readiness import readiness

__all__ = ["describe", "state"]


def state() -> dict[str, Any]:
    """Return how far every lab and every stage is, now."""
    labs = [_read(id_, (LABS / id_ / "lab.yaml").stat().st_mtime_ns) for id_ in lab_ids()]
    spec = _cluster(tuple(addon for lab in labs for addon in lab.addons))
    progress = read_progress()
    going = progress if progress and running() else None
    ready = standing(spec)
    wrong = progress.error if progress and (going or ready != STAGES) else ""
    return describe(labs, ready, going, wrong, time.time())


@cache
def _read(id_: str, changed: int) -> Lab:
    """Return the lab as its file is since ``changed``: the page asks each second, and reading takes its time."""
    return find_lab(id_)


@cache
def _cluster(addons: tuple[str, ...]) -> ClusterSpec:
    return load_spec(find_spec("kind")).with_addons(addons)


def describe(
    labs: Sequence[Lab], ready: Sequence[Stage], going: Progress | None, error: str, now: float
) -> dict[str, Any]:
    """Return the page's content: ``going`` is what goes on in the background, ``error`` what went wrong there last."""
    return {
        "labs": [_lab(lab, ready) for lab in labs],
        "stages": [_stage(stage, ready, going, now) for stage in STAGES],
        "steps": [
            {"name": step.name, "state": step.state, "seconds": round(step.seconds(now), 1), "note": step.note}
            for step in (going.steps if going else ())
        ],
        "doing": doing(going) if going else "",
        "error": error,
    }


def _lab(lab: Lab, ready: Sequence[Stage]) -> dict[str, Any]:
    how = readiness(lab, ready)
    return {
        "id": lab.id,
        "title": lab.title,
        "minutes": lab.minutes,
        "objectives": list(lab.objectives),
        "state": "ready" if how.waits_for is None else "begun" if how.begun else "waits",
        "words": str(how),
    }


def _stage(stage: Stage, ready: Sequence[Stage], going: Progress | None, now: float) -> dict[str, Any]:
    left = going.left(stage, now) if going and stage not in ready else None
    words = "ready" if stage in ready else "on its way" if going else "not there"
    return {"name": WHAT_FOR[stage], "words": words + (f", made in about {minutes(left)}" if left is not None else "")}
