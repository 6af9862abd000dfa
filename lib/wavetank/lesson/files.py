"""The files a learner edits: laid out from the starters, solved, started over - and never lost.

Starters and solutions are shipped and never edited; the learner works on copies in the lab's ``exercises/``, which git
does not know. Before such a copy is replaced, what the learner wrote is kept beside it, as ``<name>.mine``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from wavetank.errors import InputError
from wavetank.lesson.lab import ExerciseFile

__all__ = ["lay_out", "solve", "start_over"]


def lay_out(files: Iterable[ExerciseFile]) -> None:
    """Give the learner a copy of each starter they do not have yet."""
    for file in files:
        file.learner.parent.mkdir(exist_ok=True)
        _create(file.learner, file.starter.read_bytes())


def solve(files: Iterable[ExerciseFile]) -> list[Path]:
    """Put the solutions in place of the learner's files; return where what they wrote is kept."""
    return _replace([(file, file.solution) for file in files])


def start_over(files: Iterable[ExerciseFile]) -> list[Path]:
    """Put the starters in place of the learner's files; return where what they wrote is kept."""
    return _replace([(file, file.starter) for file in files])


def _replace(replacements: list[tuple[ExerciseFile, Path]]) -> list[Path]:
    for _, source in replacements:
        if not source.is_file():
            raise InputError(f"there is no file {source}", expected="every exercise's starter and solution are shipped")
    kept = [backup for file, _ in replacements if (backup := _keep(file))]
    for file, source in replacements:
        new = file.learner.with_name(f".{file.name}.new")
        new.write_bytes(source.read_bytes())
        new.replace(file.learner)
    return kept


def _keep(file: ExerciseFile) -> Path | None:
    """Keep what the learner wrote, unless it is shipped or was kept before; return where it went."""
    if not file.learner.is_file():
        return None
    mine = file.learner.read_bytes()
    if any(path.is_file() and path.read_bytes() == mine for path in (file.starter, file.solution)):
        return None
    number = 1
    while True:
        backup = file.learner.with_name(f"{file.name}.mine" + (f"-{number}" if number > 1 else ""))
        if _create(backup, mine):
            return backup
        if backup.read_bytes() == mine:
            return None
        number += 1


def _create(path: Path, content: bytes) -> bool:
    """Write a new file; tell whether it was new: a file that is there stays as it is."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
