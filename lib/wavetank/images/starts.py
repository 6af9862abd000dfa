"""How long a container takes from 'run' to its first instruction, next to an ordinary process of the same program.

The program prints the time at its first instruction and ends. Both are started again and again, one after the other
and in turn, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from wavetank.errors import ImageError, InputError
from wavetank.images.engine import Engine
from wavetank.spread import Spread

__all__ = ["MOST", "Starts", "measure"]

MOST = 200
"""Starts that are measured at most."""
_OPTIONS = ("-I", "-S", "-c", "import time; print(time.time_ns())")
_TIME = re.compile(r"[0-9]{1,20}")
_ONE_SECONDS = 30.0
"""Seconds one start may take, from 'run' to the program's end."""


@dataclass(frozen=True, slots=True)
class Starts:
    """What was measured, in seconds, in the order it was; ``asked`` is how many starts were to be measured."""

    asked: int
    container: tuple[float, ...] = ()
    process: tuple[float, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether as many were measured as were asked for."""
        return len(self.container) == self.asked

    def __str__(self) -> str:
        if not self.container:
            return f"none of {self.asked} starts measured yet"
        lines = [f"{len(self.container)} of {self.asked} starts measured"]
        lines += [f"  a container: {Spread.of(self.container)}", f"  a process:   {Spread.of(self.process)}"]
        return "\n".join(lines)

    __repr__ = __str__


def measure(
    engine: Engine,
    ref: str,
    count: int = 100,
    *,
    within: float = 300.0,
    report: Callable[[Starts], None] = lambda starts: None,
    stop: threading.Event | None = None,
) -> Starts:
    """Start a container of ``ref`` ``count`` times (1 to 200), and a process as often; return what was measured.

    The image has to have a python3 and no entrypoint. ``report`` is told after each start. It ends early, with what it
    has, after ``within`` seconds or when ``stop`` is set; each container is removed, whatever happens. Raises
    `ImageError` when a container does not start or says nothing.
    """
    if not 1 <= count <= MOST:
        raise InputError("so many starts cannot be measured", observed=f"{count}", expected=f"from 1 to {MOST}")
    deadline, starts = time.monotonic() + within, Starts(count)
    while not starts.complete and time.monotonic() < deadline and not (stop and stop.is_set()):
        container, process = _start_container(engine, ref), _start_process()
        starts = replace(starts, container=(*starts.container, container), process=(*starts.process, process))
        report(starts)
    return starts


def _start_container(engine: Engine, ref: str) -> float:
    began = time.time_ns()
    container = engine.run(ref, ("python3", *_OPTIONS))
    try:
        ended = container.wait(_ONE_SECONDS)
    finally:
        container.remove()
    return _seconds(began, ended.output, f"a container of {ref}")


def _start_process() -> float:
    began = time.time_ns()
    done = subprocess.run(
        [sys.executable, *_OPTIONS], capture_output=True, encoding="utf-8", errors="replace", timeout=_ONE_SECONDS
    )
    return _seconds(began, done.stdout, "a process")


def _seconds(began: int, output: str, who: str) -> float:
    """Return the seconds from ``began`` to the time that was printed, both in nanoseconds."""
    said = output.strip()
    if not _TIME.fullmatch(said):
        raise ImageError(
            f"{who} did not say when it began",
            observed=said[:200] or "nothing was printed",
            expected="the time of its first instruction: the image needs a python3 and no entrypoint",
        )
    if int(said) < began:
        raise ImageError(
            f"{who} says that it began before it was started",
            observed=f"{(began - int(said)) / 1e9:.3f} s before",
            expected="an engine whose clock agrees with this machine's",
            hint="set the clock of the engine's machine, or start the engine again",
        )
    return (int(said) - began) / 1e9
