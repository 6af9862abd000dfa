"""What a lab is: the frozen model of a ``lab.yaml``. `wavetank.lesson.reading` makes it from the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from wavetank.bundle import Stage
from wavetank.cluster import SHIPPED, Berth
from wavetank.document import Document
from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.images import Recipe
from wavetank.traffic import Load, Question

__all__ = [
    "Ask",
    "Checkpoint",
    "Choice",
    "Exercise",
    "ExerciseFile",
    "Lab",
    "LabImage",
    "Named",
    "Number",
    "Prediction",
]


@dataclass(frozen=True, slots=True)
class Named:
    """A word of a vocabulary (a check, or the reading of a truth) with its parameters; ``where`` is ``file:line``."""

    name: str
    parameters: Any
    where: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A known state of the lab: what it adds to the checkpoints before it, and what it takes away (``Kind/name``).

    ``images`` are the lab's images that are in the registry then, by their names. ``sidecars`` says whether pods are in
    the mesh from here on; None leaves that as it was.
    """

    id: str
    title: str
    manifests: tuple[Path, ...] = ()
    without: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    sidecars: bool | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that is asked from a pod of the Deployment ``workload``."""

    workload: str
    question: Question


@dataclass(frozen=True, slots=True)
class LabImage:
    """An image of the lab: how it is built, and the ``tag`` it gets, registry and all."""

    name: str
    tag: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class ExerciseFile:
    """A file of an exercise, three times: as shipped, as the learner edits it, and solved."""

    starter: Path
    learner: Path
    solution: Path

    @property
    def name(self) -> str:
        """The file's name, the same in all three places."""
        return self.starter.name


@dataclass(frozen=True, slots=True)
class Exercise:
    """Something the learner does on their own: files to edit, and checks that say whether it works.

    ``applied`` are those of the files that are manifests of the cluster's.
    """

    id: str
    title: str
    checkpoint: str
    task: str
    files: tuple[ExerciseFile, ...]
    checks: tuple[Named, ...]
    hints: tuple[str, str, str]
    applied: tuple[ExerciseFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A prediction is a number of ``unit``; within ``close`` of the truth it counts as right."""

    unit: str
    close: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A prediction is one of several texts; this one stands for a measured word, or for a range of numbers."""

    text: str
    word: str | bool | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question answered before the experiment, and how the truth is read after it."""

    id: str
    question: str
    answers: Number | tuple[Choice, ...]
    truth: Named


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab as its file declares it, told for a cluster at ``berth``.

    ``begins`` is what its first sections need, if that is less than its addons do.
    """

    id: str
    title: str
    minutes: int
    objectives: tuple[str, ...]
    addons: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]
    folder: Path
    begins: Stage | None = None
    namespace: str = "tidewater"
    exercises: tuple[Exercise, ...] = ()
    images: Mapping[str, LabImage] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    asks: Mapping[str, Ask] = field(default_factory=dict)
    material: Mapping[str, Path] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    berth: Berth = SHIPPED
    document: Document | None = field(default=None, repr=False, compare=False)

    def exercise(self, id_: str) -> Exercise:
        """Return an exercise; raises `InputError` that names the known ones."""
        return _find("exercise", id_, self.exercises)

    def prediction(self, id_: str) -> Prediction:
        """Return a prediction; raises `InputError` that names the known ones."""
        return _find("prediction", id_, self.predictions)

    def image(self, name: str) -> LabImage:
        """Return an image; raises `InputError` that names the known ones."""
        if name not in self.images:
            raise _unknown("image", name, self.images)
        return self.images[name]

    def file(self, path: Path) -> ExerciseFile | None:
        """Return the exercise's file that the learner edits at ``path``; None for any other file."""
        files = (file for exercise in self.exercises for file in exercise.files)
        return next((file for file in files if file.learner == path), None)

    @property
    def elsewhere(self) -> str:
        """Where the learner's files are when it is not in the lab's folder, in words; else empty."""
        places = {file.learner.parent for exercise in self.exercises for file in exercise.files}
        return "".join(f"your files are in {place}" for place in places if place.parent != self.folder)

    def load(self, name: str) -> Load:
        """Return a load; raises `InputError` that names the known ones."""
        if name not in self.loads:
            raise _unknown("load", name, self.loads)
        return self.loads[name]

    def fault(self, name: str) -> Fault:
        """Return a fault; raises `InputError` that names the known ones."""
        if name not in self.faults:
            raise _unknown("fault", name, self.faults)
        return self.faults[name]

    def ask(self, name: str) -> Ask:
        """Return a question; raises `InputError` that names the known ones."""
        if name not in self.asks:
            raise _unknown("ask", name, self.asks)
        return self.asks[name]

    def manifest(self, name: str) -> Path:
        """Return the file of a piece of material; raises `InputError` that names the known ones."""
        if name not in self.material:
            raise _unknown("material", name, self.material)
        return self.material[name]

    def up_to(self, checkpoint: str) -> tuple[Checkpoint, ...]:
        """Return the checkpoints that make up ``checkpoint``: those before it, and itself last."""
        last = self.checkpoints.index(_find("checkpoint", checkpoint, self.checkpoints))
        return self.checkpoints[: last + 1]


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


def _find(what: str, id_: str, items: tuple[T, ...]) -> T:
    for item in items:
        if item.id == id_:
            return item
    raise _unknown(what, id_, [item.id for item in items])


def _unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    return InputError(f"this lab has no {what} {name!r}", expected=f"one of: {', '.join(known) or 'none declared'}")
