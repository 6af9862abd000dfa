"""The build cache: one folder per artifact, named by the hash of what it is made from.

An artifact is made in a temporary folder and renamed when it is complete. A build that is killed, at any point, leaves
either a whole artifact or a temporary folder that the next build removes: no finished step is ever repeated, no
unfinished one is ever taken for finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wavetank.errors import BundleError
from wavetank.pasted import pasted

__all__ = ["Cache", "fingerprint"]

LOCK_SECONDS = 1800.0
UNFINISHED = ".unfinished-"


def fingerprint(*parts: object) -> str:
    """Return a hash of ``parts``: plain values, and the content of every `Path` (a file, or all files of a folder)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file() and "__pycache__" not in file.parts:
                    content = hashlib.sha256(file.read_bytes()).hexdigest()
                    executable = os.access(file, os.X_OK)
                    digest.update(f"{file.relative_to(part)}\0{executable}\0{content}\n".encode())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
    return digest.hexdigest()[:24]


class Cache:
    """Artifacts under one folder; `locked` while a build writes to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._used: set[Path] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the cache for one build at a time; another one is waited for, at most half an hour."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w", encoding="utf-8") as lock:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _try_lock(lock.fileno()):
                if time.monotonic() > deadline:
                    raise BundleError(
                        "another build holds the cache",
                        observed=f"{self.path}/lock was held for {LOCK_SECONDS / 60:.0f} minutes",
                        command=pasted("fuser", "-v", self.path / "lock"),
                    )
                time.sleep(0.2)
            for leftover in self.path.glob(f"{UNFINISHED}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield

    def artifact(self, name: str, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        """Return the folder of the artifact, and whether it was there already; else have ``make`` fill it."""
        folder = self.path / f"{name}-{key}"
        self._used.add(folder)
        if folder.is_dir():
            return folder, True
        unfinished = self.path / f"{UNFINISHED}{name}-{key}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
        return folder, False

    def drop_superseded(self, names: Iterable[str]) -> None:
        """Remove the artifacts of these names that this build did not use: what they were made from has changed."""
        for name in names:
            for folder in self.path.glob(f"{name}-*"):
                if folder.name.removeprefix(f"{name}-").isalnum() and folder not in self._used:
                    shutil.rmtree(folder, ignore_errors=True)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
