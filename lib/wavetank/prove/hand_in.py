"""One answer handed in as a learner would do it: to the checkpoint, Apply, Check; and the way out of it again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from wavetank.errors import WavetankError
from wavetank.lesson.result import CheckResult
from wavetank.lesson.session import LabSession
from wavetank.prove.answers import Answer

__all__ = ["Tried", "hand_in", "way_out"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of an answer: the verdict, or what was raised in its place; all times are in seconds."""

    answer: Answer
    verdict: CheckResult | None
    raised: str
    refused: str
    going: float
    judging: float

    @property
    def trouble(self) -> str:
        """What is wrong with the verdict, in a line; empty when it is the right one."""
        if self.verdict is None:
            return f"no verdict: {self.raised}"
        told = str(self.verdict)
        if self.verdict.passed is not self.answer.passes:
            return f"{'passed, and it is wrong' if self.verdict.passed else 'refused, and it is right'}: {told}"
        if self.answer.says and not re.search(self.answer.says, told):
            return f"the verdict does not say {self.answer.says!r}: {told}"
        return ""


def hand_in(session: LabSession, answer: Answer) -> Tried:
    """Give ``answer`` to the lab of ``session``, which hands in that answer's files.

    What Apply refuses is checked all the same, as a learner may. Nothing is raised but
    `TimeoutError`, by whoever bounds it.
    """
    began = time.monotonic()
    verdict, raised, refused = None, "", ""
    there = began
    try:
        session.goto(answer.exercise.checkpoint)
        there = time.monotonic()
        if answer.exercise.applied:
            try:
                session.apply(answer.exercise.id)
            except WavetankError as error:
                refused = str(error)
        verdict = session.check(answer.exercise.id)
    except WavetankError as error:
        raised = str(error)
    except TimeoutError:
        raise
    except Exception as error:  # what a learner would get as a traceback is what is looked for here
        raised = f"{type(error).__name__}: {error}"
    return Tried(answer, verdict, raised, refused, there - began, time.monotonic() - there)


def way_out(session: LabSession, answer: Answer) -> str:
    """Go to another checkpoint and back from what ``answer`` has left behind; return what was in the way."""
    others = [one.id for one in session.model.checkpoints if one.id != answer.exercise.checkpoint]
    for checkpoint in (*others[:1], answer.exercise.checkpoint):
        try:
            session.goto(checkpoint)
        except WavetankError as error:
            return f"afterwards goto {checkpoint} fails: {error}"
    return ""
