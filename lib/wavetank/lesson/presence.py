"""Who is at work in a namespace on this machine: a second notebook there would undo what the first one does.

Each session leaves a note in the progress folder and holds a lock on it as long as its process lives, so that a note
whose lock is free is a dead one's, and is removed. Nothing is written to the cluster.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["at_work"]

_held: dict[Path, IO[str]] = {}
"""The notes of this process, open as long as it lives."""


def at_work(folder: Path, namespace: str, lab: str) -> str:
    """Note in ``folder`` that this process is at work in ``namespace``; return who else is, in words ("": nobody).

    A note that cannot be written keeps nobody from working.
    """
    with suppress(OSError):
        mine = folder / f"{namespace}.{os.getpid()}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if mine not in _held:
            _held[mine] = _note(mine, lab)
        others = [_read(path) for path in sorted(folder.glob(f"{namespace}.*")) if path not in _held]
        if told := ", ".join(filter(None, others)):
            undone = "each undoes what the other does there: shut the other's kernel down"
            return f"also at work in {namespace}: {told}; {undone}"
    return ""


def _note(path: Path, lab: str) -> IO[str]:
    """Write a note under its lock; it comes into being with its lock held, so that nobody takes it for a dead one's."""
    draft = path.with_name(f".{path.name}")
    file = draft.open("w", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    json.dump({"lab": lab, "process": os.getpid(), "since": time.time()}, file)
    file.flush()
    draft.replace(path)
    return file


def _read(path: Path) -> str:
    """Return whose note it is, in words; "" for a dead one's, which is removed."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            note = json.load(file)
            since = time.strftime("%H:%M", time.localtime(note["since"]))
            return f"{note['lab']} (process {note['process']}, since {since})"
        path.unlink()
    return ""
