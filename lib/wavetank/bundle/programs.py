"""Running the programs a build is made of: quiet while they work, quoted when they fail, and never left behind."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from wavetank.errors import BundleError
from wavetank.processes import tied_to_us

__all__ = ["run"]

LAST_WORDS = 15


def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> str:
    """Run ``command`` and return what it wrote to standard output.

    Raises `BundleError` with its last words when it fails, is not there, or takes more than ``timeout`` seconds.
    """
    words = [str(word) for word in command]
    environment = {**os.environ, **(env or {})}
    pasted = f"cd {shlex.quote(str(cwd))} && {shlex.join(words)}" if cwd else shlex.join(words)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        try:
            done = subprocess.run(
                [*tied_to_us(), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=cwd,
                env=environment,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BundleError(
                f"`{words[0]}` took too long", observed=f"not done after {timeout:.0f} s", command=pasted, hint=hint
            ) from error
        except FileNotFoundError as error:
            raise BundleError(f"the program `{words[0]}` is not on this machine", command=pasted, hint=hint) from error
        output = done.stdout.decode(errors="replace")
        if done.returncode == 0:
            return output
        said.seek(0)
        last = [line for line in (said.read() or output).splitlines() if line.strip()][-LAST_WORDS:]
    full = "no space left on device" in "\n".join(last).lower()
    raise BundleError(
        f"`{words[0]}` ran out of disk space" if full else f"`{words[0]}` failed",
        observed=f"exit code {done.returncode}",
        logs=last,
        command="df -h" if full else pasted,
        hint="free some space and run the same command again: no finished step is repeated" if full else hint,
    )
