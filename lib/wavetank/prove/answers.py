"""The answers that are kept beside a lab: ``tests/answers/<lab>/<exercise>/<answer>/``.

In each folder ``answer.yaml`` says whether the answer is right, and why, and the other files are what is handed in. Of
an exercise's files, those that are neither there nor named in ``answer.yaml`` are the solution's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wavetank.document import Document, load_document, load_schema
from wavetank.errors import InputError
from wavetank.lesson.lab import Exercise, ExerciseFile, Lab

__all__ = ["Answer", "read_answers"]

ABOUT = "answer.yaml"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a learner might hand in for ``exercise``; ``says`` is a pattern for the verdict on a wrong one."""

    exercise: Exercise
    name: str
    folder: Path
    passes: bool
    why: str
    says: str = ""
    starters: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.exercise.id}/{self.name}"

    def file(self, file: ExerciseFile) -> Path:
        """Return what is handed in for a file of the exercise; it is not there when it is ``missing``."""
        own = self.folder / file.name
        if own.is_file() or file.name in self.missing:
            return own
        return file.starter if file.name in self.starters else file.solution


def read_answers(lab: Lab, folder: Path) -> list[Answer]:
    """Return the answers in ``folder``, by exercise in the lab's order, the right ones of each first.

    Raises `InputError`, with file and line where there is one, for a folder or a file that belongs to nothing.
    """
    exercises = {exercise.id: exercise for exercise in lab.exercises}
    of = [(_known(path, exercises), path) for path in _folders(folder)]  # one that is empty has to belong, too
    found = [_read(exercise, answer) for exercise, path in of for answer in _folders(path)]
    order = list(exercises)
    return sorted(found, key=lambda each: (order.index(each.exercise.id), not each.passes, each.name))


def _folders(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", expected="answers: <exercise>/<answer>/answer.yaml")
    for path in sorted(folder.iterdir()):
        if not path.is_dir():
            raise InputError(f"{path} is no folder", expected="only folders here")
        yield path


def _known(path: Path, exercises: dict[str, Exercise]) -> Exercise:
    if path.name not in exercises:
        raise InputError(f"{path} belongs to no exercise", expected=f"one of {', '.join(exercises)}")
    return exercises[path.name]


def _read(exercise: Exercise, folder: Path) -> Answer:
    document = load_document(folder / ABOUT, load_schema(Path(__file__).with_name("answer.schema.json")))
    data, names = document.data, {file.name for file in exercise.files}
    for key in ("starters", "missing"):
        for number, name in enumerate(data.get(key, ())):
            _require(name in names, document, (key, number), name, names)
    for path in sorted(folder.iterdir()):
        if path.name != ABOUT and path.name not in names:
            raise InputError(f"{path} is no file of the exercise", expected=", ".join(sorted(names)))
    try:
        re.compile(data.get("says", ""))
    except re.error as error:
        raise InputError(f"says: no regular expression: {error}", where=document.where("says")) from error
    return Answer(
        exercise,
        folder.name,
        folder,
        data["passes"],
        data["why"],
        data.get("says", ""),
        tuple(data.get("starters", ())),
        tuple(data.get("missing", ())),
    )


def _require(well: bool, document: Document, keys: tuple[str | int, ...], name: str, names: set[str]) -> None:
    if not well:
        raise InputError(
            f"{name} is no file of the exercise", where=document.where(*keys), expected=", ".join(sorted(names))
        )
