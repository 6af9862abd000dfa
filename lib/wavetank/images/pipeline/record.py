"""What a run of a pipeline has done: written to disk with every change, so that any process can follow any run."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_state_path

from wavetank.errors import InputError

__all__ = ["ENDED", "Records", "RunRecord", "StageRecord", "StageState"]

StageState = Literal["waiting", "running", "passed", "failed", "skipped"]
Outcome = Literal["running", "promoted", "deployed", "rolled back", "failed"]
ENDED = frozenset({"promoted", "deployed", "rolled back", "failed"})

_KEPT_LINES = 200
"""Lines of a stage's log that are kept: its last ones."""


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One stage. ``said`` is what it came to, in a line; ``log`` are its last lines; ``seconds`` how long it took."""

    name: str
    state: StageState = "waiting"
    seconds: float = 0.0
    said: str = ""
    log: tuple[str, ...] = ()

    def with_line(self, line: str) -> StageRecord:
        """Return it with one more line in its log."""
        return replace(self, log=(*self.log, line)[-_KEPT_LINES:])


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: ``number`` counts the runs of a pipeline from 1, ``began`` is when (RFC 3339, UTC).

    ``digest`` is what was built and pushed, ``before`` and ``after`` the image the Deployment ran before and runs now.
    ``requests`` counts what the verification met, by outcome as a load reports it (a status, or a way to fail).
    ``why`` says in words what decided the outcome.
    """

    pipeline: str
    number: int
    version: str
    began: str
    outcome: Outcome = "running"
    why: str = ""
    digest: str = ""
    before: str = ""
    after: str = ""
    requests: Mapping[str, int] = field(default_factory=dict)
    stages: tuple[StageRecord, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.outcome in ENDED

    def stage(self, name: str) -> StageRecord:
        """Return a stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)

    def with_stage(self, name: str, **changes: Any) -> RunRecord:
        """Return it with one stage changed."""
        stages = tuple(replace(stage, **changes) if stage.name == name else stage for stage in self.stages)
        return replace(self, stages=stages)

    def __str__(self) -> str:
        """Say what came of it: a line, and one for each stage that was reached."""
        head = f"run {self.number} of {self.pipeline}, {self.version}: {self.outcome}"
        lines = [head + (f": {self.why}" if self.why else "")]
        for stage in self.stages:
            if stage.state not in ("waiting", "skipped"):
                lines.append(f"  {stage.state:8}{stage.name:9}{stage.seconds:5.1f} s  {stage.said}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__


class Records:
    """The runs of one pipeline on disk, a file each; by default among the user's state."""

    def __init__(self, pipeline: str, folder: Path | None = None) -> None:
        self._folder = (folder or user_state_path("wavetank") / "pipelines") / pipeline

    def numbers(self) -> list[int]:
        """Return the numbers of all runs, in their order."""
        return sorted(int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdigit())

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Hold the pipeline for one run, and give it its number. Raises `InputError` when a run is under way.

        A run whose process ended without a word is over: its record says so from now on. A record that cannot be read
        is put aside; its number is not given again.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"a run of {self._folder.name} is under way",
                    observed=str(self.read()).splitlines()[0],
                    expected="one run at a time",
                    hint="wait until it has ended",
                ) from None
            for number in (known := self.numbers()):
                try:
                    abandoned = self.read(number)
                except InputError:
                    path = self._folder / f"{number}.json"
                    path.replace(path.with_suffix(".json.damaged"))
                    continue
                if not abandoned.ended:
                    self.write(replace(abandoned, outcome="failed", why="its process ended in the middle"))
            yield max(known, default=0) + 1

    def write(self, record: RunRecord) -> None:
        """Write a run, in place of what was known of it before; a reader never sees half of it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f".{record.number}.unfinished"
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record), indent=1))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / f"{record.number}.json")

    def read(self, number: int | None = None) -> RunRecord:
        """Return a run by its number, by default the last one. Raises `InputError` when there is none."""
        known = self.numbers()
        number = number if number is not None else max(known, default=0)
        if number not in known:
            raise InputError(
                f"there is no run {number or ''} of {self._folder.name}".replace("  ", " "),
                expected=f"one of {', '.join(map(str, known))}" if known else "a pipeline that has run",
                hint="`wavetank pipeline run FILE --version v1` runs the pipeline of a file",
            )
        path = self._folder / f"{number}.json"
        try:
            return _parse(path.read_bytes())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(
                f"the record of run {number} of {self._folder.name} cannot be read",
                observed=f"{path}: {type(error).__name__}: {error}",
                expected="what a run has written",
                hint="the next run puts it aside",
            ) from error


def _parse(text: bytes) -> RunRecord:
    data = json.loads(text)
    stages = tuple(StageRecord(**{**stage, "log": tuple(stage["log"])}) for stage in data.pop("stages"))
    return RunRecord(**data, stages=stages)
