"""What can be said of a lab as it is written, without a cluster: that all of it is there, and fits together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from wavetank.document import Document
from wavetank.errors import InputError
from wavetank.kube.manifest import parse
from wavetank.lesson.escape import lab_function
from wavetank.lesson.lab import Lab
from wavetank.lesson.library import find_lab
from wavetank.prove.answers import read_answers
from wavetank.prove.notebook import mistakes_in_notebooks

__all__ = ["answers_of", "mistakes", "stray_answers"]


def answers_of(labs: Path, id_: str) -> Path:
    """Return the folder of the answers that are kept for the lab ``id_`` of the folder ``labs``."""
    return labs.parent / "tests" / "answers" / id_


def mistakes(id_: str, labs: Path) -> list[InputError]:
    """Return what is wrong with a lab as it is written, each with file and line or by name; nothing is raised."""
    try:
        lab = find_lab(id_, labs)
    except InputError as error:
        return [error]
    found = [*_in_files(lab), *mistakes_in_notebooks(lab)]
    if (folder := answers_of(labs, id_)).exists():
        found += _refusals(partial(read_answers, lab, folder))
    return found


def stray_answers(labs: Path, known: list[str]) -> list[InputError]:
    """Return what lies among the answers and belongs to no lab."""
    folder = answers_of(labs, "")
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    expected = f"one of: {', '.join(known)}"
    return [InputError(f"{path} belongs to no lab", expected=expected) for path in there if path.name not in known]


def _in_files(lab: Lab) -> Iterator[InputError]:
    document = lab.document
    if document is None:
        return
    yield from _images(lab, document)
    for checkpoint in lab.checkpoints:
        for path in checkpoint.manifests:
            yield from _refusals(partial(parse, path))
    for path in lab.material.values():
        yield from _refusals(partial(parse, path))
    yield from _exercises(lab, document)
    yield from _functions(lab)


def _images(lab: Lab, document: Document) -> Iterator[InputError]:
    for name, image in lab.images.items():
        edited = lab.file(image.recipe.dockerfile)
        dockerfile = edited.starter if edited else image.recipe.dockerfile
        if not dockerfile.is_file():
            yield InputError(
                f"the image {name} has no Dockerfile",
                where=document.where("images", name, "context"),
                expected=f"a file {dockerfile}",
            )


def _exercises(lab: Lab, document: Document) -> Iterator[InputError]:
    for index, exercise in enumerate(lab.exercises):
        lacking = False
        for number, file in enumerate(exercise.files):
            if not file.solution.is_file():
                lacking = True
                yield InputError(
                    f"{exercise.id} has no solution of {file.name}",
                    where=document.where("exercises", index, "files", number),
                    expected=f"a file {file.solution}",
                )
            elif file in exercise.applied:
                yield from _refusals(partial(parse, file.solution))
        if not lacking and all(file.starter.read_bytes() == file.solution.read_bytes() for file in exercise.files):
            yield InputError(
                f"the solution of {exercise.id} is its starter",
                where=document.where("exercises", index, "files"),
                expected="a starter that leaves something to do",
            )


def _functions(lab: Lab) -> Iterator[InputError]:
    """Try to import every function that the lab names."""
    named = [check for exercise in lab.exercises for check in exercise.checks]
    for one in [*named, *(prediction.truth for prediction in lab.predictions)]:
        if one.name == "python":
            for error in _refusals(partial(lab_function, lab.folder, one.parameters)):
                yield InputError(error.summary, where=one.where, **error.help.parts())


def _refusals(read: Callable[[], object]) -> list[InputError]:
    try:
        read()
    except InputError as error:
        return [error]
    return []
