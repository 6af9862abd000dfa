"""The files a learner edits: laid out from the starters, solved, started over - and never lost.

Starters and solutions are shipped and never edited; the learner works on copies in the lab's ``exercises/``, which git
does not know. Before such a copy is replaced, what the learner wrote is kept beside it, as ``<name>.mine``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wavetank.errors import InputError
from wavetank.lesson.lab import ExerciseFile
from wavetank.pasted import pasted

__all__ = ["create", "keep", "lay_out", "saving", "solve", "start_over", "write_whole"]


def lay_out(files: Iterable[ExerciseFile], told: Callable[[str], str] = str) -> None:
    """Give the learner a copy of each starter they do not have yet.

    In one they have, names of the registry and of nodes are put right by ``told``: the cluster may have got others.
    """
    for file in files:
        with saving(file.learner):
            file.learner.parent.mkdir(parents=True, exist_ok=True)
            if not create(file.learner, file.starter.read_bytes()):
                _put_right(file.learner, told)


def solve(files: Iterable[ExerciseFile]) -> list[Path]:
    """Put the solutions in place of the learner's files; return where what they wrote is kept."""
    return _replace([(file, file.solution) for file in files])


def start_over(files: Iterable[ExerciseFile]) -> list[Path]:
    """Put the starters in place of the learner's files; return where what they wrote is kept."""
    return _replace([(file, file.starter) for file in files])


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Say in words what keeps the learner's files at ``path`` from being written in this block, as an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written",
            observed=f"{error.strerror or error}: {error.filename}" if error.filename else str(error),
            expected="a folder that is yours, with room in it",
            command=pasted("ls", "-ld", error.filename or path.parent),
            hint="have its owner give it to you; or set XDG_DATA_HOME and XDG_STATE_HOME to folders of your own",
        ) from error


def keep(path: Path, name: str, suffix: str = "", *, unless: Collection[bytes]) -> Path | None:
    """Keep what is at ``path`` beside it, as ``name`` and ``suffix``, with a number between them from the second on.

    Returns where it went; None where it was kept before, or is one of ``unless``, whatever its line ends.
    """
    mine = path.read_bytes()
    if any(_unix(mine) == _unix(shipped) for shipped in unless):
        return None
    number = 1
    while True:
        backup = path.with_name(name + (f"-{number}" if number > 1 else "") + suffix)
        if create(backup, mine):
            return backup
        if backup.read_bytes() == mine:
            return None
        number += 1


def create(path: Path, content: bytes) -> bool:
    """Write a new file; tell whether it was new: a file that is there stays as it is."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it meanwhile sees the old one or the new one."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def _put_right(path: Path, told: Callable[[str], str]) -> None:
    mine = path.read_bytes()
    with suppress(UnicodeDecodeError):  # whoever applies it says so
        if (here := told(mine.decode()).encode()) != mine:
            write_whole(path, here)


def _replace(replacements: list[tuple[ExerciseFile, Path]]) -> list[Path]:
    for _, source in replacements:
        if not source.is_file():
            raise InputError(f"there is no file {source}", expected="every exercise's starter and solution are shipped")
    kept = []
    for file, _ in replacements:
        with saving(file.learner):
            if file.learner.is_file() and (backup := keep(file.learner, f"{file.name}.mine", unless=_shipped(file))):
                kept.append(backup)
    for file, source in replacements:
        with saving(file.learner):
            write_whole(file.learner, source.read_bytes())
    return kept


def _shipped(file: ExerciseFile) -> list[bytes]:
    return [path.read_bytes() for path in (file.starter, file.solution) if path.is_file()]


def _unix(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")
