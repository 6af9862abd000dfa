"""What a proof has found, case by case: what went as it should, what did not, and what nobody could try."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from wavetank.lesson.lab import Lab

__all__ = ["SUMMARY", "Case", "Proof", "State", "percentile"]

SUMMARY = Path(__file__).with_name("summary.schema.json")
"""The schema of `Proof.summary`."""
VERSION = 1


class State(StrEnum):
    """What is known of a case."""

    PROVEN = "proven"
    WRONG = "wrong"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tried: ``seconds`` in all, of which ``judging`` until the verdict was there.

    ``passes`` says what an answer should come to, ``why`` why; ``told`` is what is wrong, or why nobody could try.
    """

    lab: str
    part: str
    name: str
    state: State
    seconds: float = 0.0
    told: str = ""
    exercise: str = ""
    passes: bool | None = None
    why: str = ""
    judging: float | None = None


@dataclass(slots=True)
class Proof:
    """All cases of the labs that were proven, in the order they were tried."""

    labs: list[Lab] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def code(self) -> int:
        """The exit code: 1 when something is wrong, 2 when nothing is but not all could be tried, else 0."""
        states = {case.state for case in self.cases}
        return 1 if State.WRONG in states else 2 if State.UNPROVEN in states else 0

    def minutes(self, lab: str = "") -> dict[str, float]:
        """Return the minutes of each part, of one lab or of all."""
        spent: dict[str, float] = {}
        for case in self.cases:
            if not lab or case.lab == lab:
                spent[case.part] = spent.get(case.part, 0.0) + case.seconds / 60
        return spent

    def verdicts(self) -> dict[tuple[str, str], list[float]]:
        """Return the seconds of each verdict, by lab and exercise."""
        taken: dict[tuple[str, str], list[float]] = {}
        for case in self.cases:
            if case.judging is not None:
                taken.setdefault((case.lab, case.exercise), []).append(case.judging)
        return taken

    def summary(self) -> dict[str, Any]:
        """Return all of it as data, described in `SUMMARY`."""
        return {
            "version": VERSION,
            "began": self.began.isoformat(timespec="seconds"),
            "code": self.code,
            "labs": [self._lab(lab) for lab in self.labs],
            "cases": [_data(case) for case in self.cases],
        }

    def _lab(self, lab: Lab) -> dict[str, Any]:
        verdicts = self.verdicts()
        return {
            "id": lab.id,
            "title": lab.title,
            "minutes": {part: round(spent, 3) for part, spent in self.minutes(lab.id).items()},
            "exercises": [
                {
                    "id": exercise.id,
                    "title": exercise.title,
                    "task": exercise.task,
                    "checkpoint": exercise.checkpoint,
                    "hints": list(exercise.hints),
                    "verdict": _spread(verdicts.get((lab.id, exercise.id), ())),
                }
                for exercise in lab.exercises
            ],
        }


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the least of ``values`` that so many percent of them do not exceed; there has to be one."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {"p50": round(percentile(seconds, 50), 2), "p95": round(percentile(seconds, 95), 2), "count": len(seconds)}


def _data(case: Case) -> dict[str, Any]:
    data: dict[str, Any] = {
        "lab": case.lab,
        "part": case.part,
        "name": case.name,
        "state": str(case.state),
        "seconds": round(case.seconds, 2),
    }
    told = {"told": case.told, "exercise": case.exercise, "why": case.why}
    data |= {key: value for key, value in told.items() if value}
    if case.passes is not None:
        data["passes"] = case.passes
    if case.judging is not None:
        data["judging"] = round(case.judging, 2)
    return data
