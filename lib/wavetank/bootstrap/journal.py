"""The journal of the process behind a lab: one JSON record a line, written by it alone, read by anybody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from wavetank.bootstrap.progress import Progress, of_records
from wavetank.bundle import STAGES, Stage
from wavetank.steps import Report, StepEvent

__all__ = ["Journal", "folder", "follow", "read_progress"]

LOOKS_AGAIN = 0.5


def folder() -> Path:
    """Return the folder of the process behind a lab: its lock, its journal and what it has said."""
    return user_state_path("wavetank") / "bootstrap"


class Journal:
    """Writes records as they come, from any thread."""

    def __init__(self, path: Path, asked: Sequence[Stage] = STAGES) -> None:
        self._lock = threading.Lock()
        draft = path.with_suffix(".new")
        self._file = draft.open("w", buffering=1, encoding="utf-8")
        self._began = time.time()
        self._write({"began": self._began, "asked": list(asked)})
        draft.replace(path)  # a reader sees the last run's, or this one's from its beginning

    def step(self, event: StepEvent) -> None:
        """Note what happened to a step."""
        self._write({"step": asdict(event), "at": time.time()})

    def estimates(self, stages: Mapping[Stage, float]) -> None:
        """Note in how many seconds from now the bundle is likely to hold each stage."""
        since = time.time() - self._began
        self._write({"estimates": {stage: since + seconds for stage, seconds in stages.items()}})

    def ready(self, stages: Sequence[Stage]) -> None:
        """Note which stages can be used."""
        self._write({"ready": list(stages)})

    def error(self, words: str) -> None:
        """Note what went wrong, in full; "" when nothing is wrong any more."""
        self._write({"error": words})

    def end(self) -> None:
        """Note that nothing more will come."""
        self._write({"ended": True})

    def _write(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(record) + "\n")


def follow(report: Report, over: Callable[[], bool], complain: Callable[[str], None] = lambda error: None) -> None:
    """Hand every step of the journal to ``report`` as it is noted, until the process has ended or it is ``over``.

    ``complain`` is told what goes wrong.
    """
    told = 0
    while True:
        last = over()  # asked first: what is noted last is there before it is over
        records = _records()
        for record in records[told:]:
            if "step" in record:
                report(StepEvent(**record["step"]))
            elif record.get("error"):
                complain(record["error"])
        told = len(records)
        if last or (records and "ended" in records[-1]):
            return
        time.sleep(LOOKS_AGAIN)


def read_progress() -> Progress | None:
    """Return how far the process is, or was when it ended; None where there has been none."""
    records = _records()
    return of_records(records) if records else None


def _records() -> list[dict[str, Any]]:
    try:
        lines = (folder() / "journal.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("\n")]  # the last one may be on its way
