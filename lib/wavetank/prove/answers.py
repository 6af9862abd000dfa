"""The answers that are kept beside a lab: ``tests/answers/<lab>/<exercise>/<answer>.yaml``.

Each says whether it is right, and why, and what is handed in: whole ``files``, or ``changes`` to the solution (or, with
``of: starters``, to the starters). A file of the exercise that is not named is handed in as it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wavetank.document import Document, load_document, load_schema
from wavetank.errors import InputError
from wavetank.lesson.lab import Exercise, ExerciseFile, Lab

__all__ = ["Answer", "read_answers"]

SCHEMA = Path(__file__).with_name("answer.schema.json")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a learner might hand in for ``exercise``; ``says`` is a pattern for the verdict on a wrong one.

    ``texts`` are its files by name, as bytes; None for one that is missing.
    """

    exercise: Exercise
    name: str
    passes: bool
    why: str
    says: str = ""
    texts: Mapping[str, bytes | None] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.exercise.id}/{self.name}"

    def lay_out(self, folder: Path) -> None:
        """Write its files into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts.items():
            (folder / name).unlink(missing_ok=True)
            if text is not None:
                (folder / name).write_bytes(text)


def read_answers(lab: Lab, folder: Path) -> list[Answer]:
    """Return the answers in ``folder``, by exercise in the lab's order, the right ones of each first.

    Raises `InputError`, with file and line where there is one, for what belongs to nothing or changes nothing.
    """
    exercises = {exercise.id: exercise for exercise in lab.exercises}
    # An empty folder has to belong to an exercise, too.
    of = [(_known(path, exercises), path) for path in _inside(folder, "one folder for each exercise")]
    found = [_read(exercise, answer) for exercise, path in of for answer in _inside(path, "one file for each answer")]
    order = list(exercises)
    return sorted(found, key=lambda each: (order.index(each.exercise.id), not each.passes, each.name))


def _inside(folder: Path, expected: str) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", expected=expected)
    yield from sorted(folder.iterdir())


def _known(path: Path, exercises: Mapping[str, Exercise]) -> Exercise:
    if path.name not in exercises:
        raise InputError(f"{path} belongs to no exercise", expected=f"one of {', '.join(exercises)}")
    return exercises[path.name]


def _read(exercise: Exercise, path: Path) -> Answer:
    document = load_document(path, load_schema(SCHEMA))
    data, names = document.data, {file.name for file in exercise.files}
    for section in ("files", "changes"):
        for name in data.get(section, ()):
            _require_known(name, names, document, section, name)
    for number, name in enumerate(data.get("missing", ())):
        _require_known(name, names, document, "missing", number)
    try:
        re.compile(data.get("says", ""))
    except re.error as error:
        raise InputError(f"says is no regular expression: {error}", where=document.where("says")) from error
    texts = {file.name: _text(file, document) for file in exercise.files}
    return Answer(exercise, path.stem, data["passes"], data["why"], data.get("says", ""), texts)


def _require_known(name: str, names: set[str], document: Document, *keys: str | int) -> None:
    if name not in names:
        raise InputError(
            f"{name} is no file of the exercise", where=document.where(*keys), expected=", ".join(sorted(names))
        )


def _read_text(path: Path, document: Document) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        where, expected = document.where("passes"), "the file that this answer begins with"
        raise InputError(f"{path} cannot be read", where=where, observed=str(error), expected=expected) from error


def _text(file: ExerciseFile, document: Document) -> bytes | None:
    data = document.data
    if file.name in data.get("missing", ()):
        return None
    begins_with = file.starter if data.get("of") == "starters" else file.solution
    text = data.get("files", {}).get(file.name)
    if text is None:
        text = _read_text(begins_with, document)
    for number, change in enumerate(data.get("changes", {}).get(file.name, ())):
        if text.count(change["from"]) != 1:
            raise InputError(
                f"{change['from']!r} is {text.count(change['from'])} times in {file.name}",
                where=document.where("changes", file.name, number),
                expected="exactly once, in what the changes before it have made",
            )
        text = text.replace(change["from"], change["to"])
    return str(text).encode(data.get("encoding", "utf-8"))
