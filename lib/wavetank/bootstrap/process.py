"""The one process behind a lab: started once, found by anybody, ended when the cluster is taken down."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wavetank.bootstrap.journal import folder
from wavetank.errors import ClusterError
from wavetank.pasted import pasted

__all__ = ["end", "forget", "held", "running", "start"]

STARTS_WITHIN = 20.0
"""Seconds until a process that was started has begun its journal."""
LOOK_SECONDS = 0.5
ENDS_WITHIN = 15.0
"""Seconds in which it ends what it has begun."""


def start(cluster: str, addons: tuple[str, ...] = ()) -> bool:
    """Have the cluster of the spec ``cluster`` come up with ``addons`` in a process of its own; tell whether it is new.

    One that runs already goes on, whatever it was asked for. Raises `ClusterError` with its last words when it does not
    begin.
    """
    if running():
        return False
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = place / "journal.jsonl"
    before = journal.stat().st_ino if journal.exists() else None
    command = [sys.executable, "-m", "wavetank.bootstrap", cluster, *addons]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + STARTS_WITHIN
    while not journal.exists() or journal.stat().st_ino == before:
        if process.poll() == 0:  # somebody else's was quicker
            return False
        if process.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(
                "what shall go on behind the lab did not begin",
                observed=f"exit code {process.poll()}" if process.poll() else f"no journal in {STARTS_WITHIN:.0f} s",
                expected=f"a journal at {journal}",
                logs=(place / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-10:],
                command=pasted(*command),
                hint="`wavetank up` does the same in this terminal",
            )
        time.sleep(0.05)
    return True


def running() -> bool:
    """Tell whether the process runs."""
    return _holder() is not None


def end() -> None:
    """End the process if it runs, and remove what it has left on disk; what it has made stays.

    Raises `ClusterError` when it does not end.
    """
    deadline = time.monotonic() + ENDS_WITHIN
    holder = _holder()
    if holder:
        with suppress(ProcessLookupError):
            os.kill(holder, signal.SIGTERM)
    while holder and _holder() == holder:
        if time.monotonic() > deadline:
            raise ClusterError(
                "what goes on behind the lab does not end",
                observed=f"process {holder} still runs after {ENDS_WITHIN:.0f} s",
                command=f"kill -9 {holder}",
                hint="then run the same command again",
            )
        time.sleep(0.05)
    shutil.rmtree(folder(), ignore_errors=True)
    with suppress(OSError):
        folder().parent.rmdir()


def forget() -> None:
    """Remove the journal of a process that has ended: somebody else has brought up what it did not."""
    if not running():
        (folder() / "journal.jsonl").unlink(missing_ok=True)


@contextmanager
def held() -> Iterator[bool]:
    """Hold the lock of the one process; gives False where another process holds it."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock_path().open("a+", encoding="utf-8") as lock:
        if not _locked(lock.fileno()):
            yield False
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield True


def _locked(descriptor: int) -> bool:
    """Take the lock; one who only looks whether it is held holds it for an instant, and is waited for."""
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        else:
            return True


def _holder() -> int | None:
    """Return the id of the process that holds the lock."""
    try:
        with _lock_path().open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


def _lock_path() -> Path:
    return folder() / "lock"
