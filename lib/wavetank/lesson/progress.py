"""What a learner has done so far, kept in a file that survives whatever happens to the kernel.

A write goes to a new file beside the old one, which then takes its place in one step: at every moment there is one
whole file, the old or the new. Notebook and command line may write at once, so each change is made under a lock on the
lab's own lock file. A file that cannot be read is put aside, never thrown away.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from wavetank.document import find_mistake, load_schema, read_json
from wavetank.errors import InputError
from wavetank.lesson.files import saving

__all__ = ["ExerciseProgress", "PredictionProgress", "Progress", "ProgressFile", "progress_path"]

VERSION = 1
_SCHEMA = Path(__file__).with_name("progress.schema.json")


@dataclass(frozen=True, slots=True)
class ExerciseProgress:
    """How far the learner is with an exercise: ``hints`` is how many of the three were seen."""

    passed: bool = False
    hints: int = 0
    solution_shown: bool = False


@dataclass(frozen=True, slots=True)
class PredictionProgress:
    """What the learner committed to (None: to nothing), and what was measured afterwards (None before it was)."""

    answer: float | str | None
    truth: float | str | bool | None = None
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A learner's progress in one lab. What is not in the mappings has not been touched yet."""

    checkpoint: str = ""
    exercises: Mapping[str, ExerciseProgress] = field(default_factory=dict)
    predictions: Mapping[str, PredictionProgress] = field(default_factory=dict)

    def exercise(self, id_: str) -> ExerciseProgress:
        """Return how far an exercise is."""
        return self.exercises.get(id_, ExerciseProgress())

    def at(self, checkpoint: str) -> Progress:
        """Return this progress at another checkpoint."""
        return replace(self, checkpoint=checkpoint)

    def committed(self, prediction: str, answer: float | str) -> Progress:
        """Return this progress with an answer committed to; one whose truth is known already stands."""
        known = self.predictions.get(prediction)
        if known and known.answer is not None and known.truth is not None:
            return self
        return self.with_prediction(prediction, PredictionProgress(answer))

    def with_exercise(self, id_: str, **changes: Any) -> Progress:
        """Return this progress with fields of one exercise changed."""
        return replace(self, exercises={**self.exercises, id_: replace(self.exercise(id_), **changes)})

    def with_prediction(self, id_: str, prediction: PredictionProgress) -> Progress:
        """Return this progress with one prediction set."""
        return replace(self, predictions={**self.predictions, id_: prediction})


def progress_path(lab: str) -> Path:
    """Return where the progress in ``lab`` is kept."""
    return platformdirs.user_state_path("wavetank") / "progress" / f"{lab}.json"


class ProgressFile:
    """One lab's progress on disk. ``notice`` says in words that a damaged file had to be put aside; usually empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice = ""

    def read(self) -> Progress:
        """Return what is on disk; an empty `Progress` when there is nothing, or nothing that can be read.

        Raises `InputError` when a newer Wavetank wrote the file.
        """
        try:
            return self._parse()
        except ValueError:
            with self._locked():
                return self._read_or_put_aside()

    def update(self, change: Callable[[Progress], Progress]) -> Progress:
        """Read, ``change`` and write under the lock; return what was written.

        Raises `InputError` when that cannot be: a folder that is somebody else's, a full disk.
        """
        with saving(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked():
                progress = change(self._read_or_put_aside())
                _write(self.path, progress)
        return progress

    def _parse(self) -> Progress:
        try:
            return _parse(self.path.read_bytes(), self.path)
        except FileNotFoundError:
            return Progress()

    def _read_or_put_aside(self) -> Progress:
        """Under the lock: somebody else may have put a damaged file aside meanwhile."""
        try:
            return self._parse()
        except ValueError as error:
            self._put_aside(str(error).partition("\n")[0])
            return Progress()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _put_aside(self, reason: str) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        self.path.rename(aside)
        self.notice = f"the progress file could not be read ({reason}); it was put aside as {aside}, a new one begins"


def _parse(text: bytes, path: Path) -> Progress:
    data = read_json(text)
    if isinstance(data, dict) and isinstance(data.get("version"), int) and data["version"] > VERSION:
        raise InputError(
            f"{path} was written by a newer Wavetank",
            observed=f"version {data['version']}",
            expected=f"version {VERSION}",
            hint="update Wavetank, or move the file away to begin anew",
        )
    if mistake := find_mistake(data, load_schema(_SCHEMA)):
        raise ValueError(str(mistake))
    return Progress(
        checkpoint=data["checkpoint"],
        exercises={id_: ExerciseProgress(**told) for id_, told in data["exercises"].items()},
        predictions={id_: PredictionProgress(**told) for id_, told in data["predictions"].items()},
    )


def _write(path: Path, progress: Progress) -> None:
    text = json.dumps(_finite({"version": VERSION, **asdict(progress)}), indent=2)
    new = path.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _finite(told: Any) -> Any:
    """Return data without numbers that JSON does not have: a truth may be none, where nothing was measured."""
    if isinstance(told, dict):
        return {key: _finite(value) for key, value in told.items()}
    return None if isinstance(told, float) and not math.isfinite(told) else told
