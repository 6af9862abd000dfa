"""What a lab answers to whoever calls it: plain values whose text is short, and the same on every cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wavetank.lesson.lab import Lab, Number, Prediction
from wavetank.lesson.predictions import Answer
from wavetank.lesson.progress import Progress

__all__ = ["Applied", "Asked", "Hint", "Kept", "Put", "Reached", "Report", "Stopped"]


class _Text:
    """The same text in a terminal, in a notebook and in nbval."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True, repr=False)
class Reached(_Text):
    """The cluster is at a checkpoint."""

    checkpoint: str
    title: str

    def __str__(self) -> str:
        return f"at {self.checkpoint}: {self.title}"


@dataclass(frozen=True, slots=True, repr=False)
class Applied(_Text):
    """Objects that were applied, each as ``Kind/name``; ``notes`` are sentences on those that have no effect."""

    objects: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            [f"applied: {', '.join(self.objects) or 'nothing'}", *(f"  note: {one}" for one in self.notes)]
        )


@dataclass(frozen=True, slots=True, repr=False)
class Put(_Text):
    """What was put into the cluster, and the text of its manifest."""

    applied: Applied
    text: str

    def __str__(self) -> str:
        return f"{self.applied}\n\n{self.text.rstrip()}"


@dataclass(frozen=True, slots=True, repr=False)
class Hint(_Text):
    """One of the three hints of an exercise."""

    number: int
    text: str

    def __str__(self) -> str:
        return f"hint {self.number} of 3: {self.text}"


@dataclass(frozen=True, slots=True, repr=False)
class Stopped(_Text):
    """What the emergency stop has ended."""

    ended: tuple[str, ...]

    def __str__(self) -> str:
        return f"ended: {', '.join(self.ended) or 'nothing was on'}"


@dataclass(frozen=True, slots=True, repr=False)
class Kept(_Text):
    """Files that were replaced, and where what the learner had written in them is kept."""

    files: tuple[Path, ...]
    kept: tuple[Path, ...]

    def __str__(self) -> str:
        written = f"wrote {', '.join(file.name for file in self.files)}"
        return written + (f"; yours is kept as {', '.join(file.name for file in self.kept)}" if self.kept else "")


@dataclass(frozen=True, slots=True, repr=False)
class Asked(_Text):
    """A prediction's question, and what the learner has committed to (None: nothing yet)."""

    prediction: Prediction
    answer: Answer | None

    def __str__(self) -> str:
        match self.prediction.answers:
            case Number(unit):
                answers = [f"  a number of {unit}"]
                said = f"{self.answer:g} {unit}" if isinstance(self.answer, float) else ""
            case choices:
                answers = [f"  {number} {choice.text}" for number, choice in enumerate(choices, 1)]
                said = str(self.answer)
        told = f"  you said: {said}" if self.answer is not None else "  you have not answered yet"
        return "\n".join([self.prediction.question, *answers, told])


@dataclass(frozen=True, slots=True, repr=False)
class Report(_Text):
    """How far a learner is in a lab. ``notice`` is what went wrong with the progress file, usually empty."""

    lab: Lab
    progress: Progress
    notice: str = ""

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(self.progress.exercise(exercise.id).passed for exercise in self.lab.exercises)

    @property
    def right(self) -> int:
        """How many predictions turned out right."""
        return sum(prediction.right is True for prediction in self.progress.predictions.values())

    def __str__(self) -> str:
        made = sum(prediction.answer is not None for prediction in self.progress.predictions.values())
        lines = [f"{self.lab.title}: {self.passed} of {len(self.lab.exercises)} exercises passed"]
        for exercise in self.lab.exercises:
            state = self.progress.exercise(exercise.id)
            notes = [f"{state.hints} of 3 hints"] * bool(state.hints) + ["solution shown"] * state.solution_shown
            verdict = "passed" if state.passed else "not yet"
            lines.append(f"  {verdict:8}{exercise.id}" + (f" ({', '.join(notes)})" if notes else ""))
        lines.append(f"  {made} of {len(self.lab.predictions)} predictions made, {self.right} right")
        return "\n".join([*lines, *([f"  note: {self.notice}"] if self.notice else [])])
