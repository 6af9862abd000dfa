"""Running a program whose words go to a log, whose failure becomes an error, and which never outlives this process."""

from __future__ import annotations

import atexit
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from wavetank.engine import refusal
from wavetank.pasted import pasted
from wavetank.processes import tied_to_us

__all__ = ["end_all", "run"]

_running: set[subprocess.Popen[str]] = set()


def run(
    command: Sequence[str], *, doing: str, log: Path, env: Mapping[str, str], given: str = "", timeout: float
) -> None:
    """Run ``command`` with ``given`` on standard input and all it says in ``log``.

    ``env`` comes on top of this process's own. Raises the `WavetankError` that fits what it said when it fails or does
    not end within ``timeout`` seconds.
    """
    with log.open("w", encoding="utf-8") as words:
        # In a session of its own: Ctrl-C reaches only this process, which then ends it in its own way (`end_all`).
        process = subprocess.Popen(
            [*tied_to_us(), *command],
            stdin=subprocess.PIPE,
            stdout=words,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **env},
            start_new_session=True,
        )
        _running.add(process)
        try:
            process.communicate(given, timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            words.write(f"\nended: it took more than {timeout:.0f} s\n")
        finally:
            _running.discard(process)
    if process.returncode != 0:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        error = refusal(doing, "\n".join(lines[-40:]), lines[-10:])
        raise type(error)(
            error.summary,
            observed=f"exit code {process.returncode}; all it said is in {log}",
            logs=error.help.logs,
            command=" ".join([*(f"{key}={pasted(value)}" for key, value in env.items()), pasted(*command)]),
            hint=error.help.hint,
        )


@atexit.register
def end_all() -> None:
    """End every program that `run` has started and that still runs."""
    for process in list(_running):
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 15)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
