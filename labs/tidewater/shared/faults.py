"""A fault switch: trouble on demand, and never for longer than asked.

Every fault carries its own expiry and runs in its own thread, which cleans up after itself. A forgotten fault is over
when its time is over, whoever set it, whether they are still there, and though the machine has slept meanwhile.
"""

from __future__ import annotations

import mmap
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

MAX_SECONDS = 3600.0
MIB = 1024 * 1024
ID = re.compile(r"[a-z0-9.-]{1,80}")

MAX_FAULTS = 32  # each has a thread


@dataclass(frozen=True)
class Range:
    """A number that a kind of fault takes, from ``least`` to ``most``; ``whole`` numbers only, or any."""

    default: float
    least: float
    most: float
    whole: bool = True


# What each kind takes; anything else is refused. The bounds are those of the resource Fault.
KINDS: dict[str, dict[str, Range]] = {
    "latency": {"ms": Range(500, 1, 30_000), "jitter_ms": Range(0, 0, 30_000)},
    "errors": {"share": Range(0.5, 0.01, 1, whole=False), "status": Range(503, 500, 599)},
    "cpu-burn": {"threads": Range(1, 1, 8)},
    "memory-leak": {"mib_per_second": Range(8, 1, 256), "limit_mib": Range(256, 1, 4096)},
    "crash": {},
    "unready": {},
}


# A clock that nobody sets and that, other than time.monotonic, goes on while the machine sleeps: on macOS the second.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
LONGEST_WAIT = 1.0  # seconds; a wait itself stops while the machine sleeps


def now() -> float:
    """Return seconds since some moment."""
    return time.clock_gettime(CLOCK)


class FaultError(ValueError):
    """A fault that cannot be set, and why."""


@dataclass(frozen=True)
class Fault:
    """One fault that is on, until ``ends`` on the clock of `now` or until ``over`` is set."""

    id: str
    kind: str
    parameters: dict[str, float]
    ends: float
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds_left(self) -> float:
        """Time left, in seconds."""
        return max(0.0, self.ends - now())

    def wait(self) -> None:
        """Return when it is over."""
        while (left := self.seconds_left) and not self.over.wait(min(left, LONGEST_WAIT)):
            pass

    def describe(self) -> dict[str, Any]:
        """Return the fault as ``GET /faults`` shows it."""
        return {"id": self.id, "kind": self.kind, "seconds_left": round(self.seconds_left, 1), **self.parameters}


class FaultSwitch:
    """The faults of one process."""

    def __init__(self) -> None:
        self._active: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self._ids = count(1)

    def start(self, order: Any) -> Fault:
        """Switch on the fault in ``order``: its ``kind``, for how many ``seconds``, and the kind's parameters.

        An order may bring its own ``id``; it then takes the place of the fault that has it, so that giving the same
        order twice is the same as giving it once. Raises `FaultError` when the order is not one of `KINDS`, has no end,
        or has a parameter that does not fit, or when too many are on.
        """
        kind, seconds, parameters = _read(order)
        fault = Fault(order.get("id", str(next(self._ids))), kind, parameters, now() + seconds)
        with self._lock:
            replaced = self._active.get(fault.id)
            if replaced is None and len(self._active) >= MAX_FAULTS:
                raise FaultError(f"{MAX_FAULTS} faults are on already: end one first")
            self._active[fault.id] = fault
        if replaced:
            replaced.over.set()
        threading.Thread(target=self._run, args=(fault,), name=f"fault-{fault.id}", daemon=True).start()
        return fault

    def stop(self, fault_id: str | None = None) -> int:
        """End one fault, or all of them; return how many ended."""
        with self._lock:
            ended = [fault for fault in self._active.values() if fault_id in (None, fault.id)]
            for fault in ended:
                del self._active[fault.id]
        for fault in ended:
            fault.over.set()
        return len(ended)

    def active(self, kind: str | None = None) -> list[Fault]:
        """Return the faults that are on now (of one kind, if given)."""
        with self._lock:
            return [fault for fault in self._active.values() if fault.seconds_left and kind in (None, fault.kind)]

    def disturb(self) -> int | None:
        """Delay the request at hand, and return the status it must fail with, if any."""
        for fault in self.active("latency"):
            wobble = random.uniform(-1, 1) * fault.parameters["jitter_ms"]
            time.sleep(max(0.0, fault.parameters["ms"] + wobble) / 1000)
        for fault in self.active("errors"):
            if random.random() < fault.parameters["share"]:
                return int(fault.parameters["status"])
        return None

    def _run(self, fault: Fault) -> None:
        try:
            if fault.kind == "cpu-burn":
                _burn(fault)
            elif fault.kind == "memory-leak":
                _leak(fault)
            elif fault.kind == "crash":
                fault.over.wait(0.1)  # the answer to whoever asked for it has left by then
                os._exit(1)
            else:
                fault.wait()
        finally:
            with self._lock:
                if self._active.get(fault.id) is fault:
                    del self._active[fault.id]


def _read(order: Any) -> tuple[str, float, dict[str, float]]:
    if not isinstance(order, dict) or order.get("kind") not in KINDS:
        raise FaultError(f"kind: expected one of {', '.join(KINDS)}")
    if "id" in order and not (isinstance(order["id"], str) and ID.fullmatch(order["id"])):
        raise FaultError("id: expected 1 to 80 small letters, digits, dots or hyphens")
    given = {name: value for name, value in order.items() if name not in ("id", "kind", "seconds")}
    takes = KINDS[order["kind"]]
    if unknown := sorted(set(given) - set(takes)):
        raise FaultError(f"{unknown[0]}: {order['kind']} takes {', '.join(takes) or 'no parameters'}")
    for name, value in given.items():
        if not _is_number(value) or not takes[name].least <= value <= takes[name].most:
            raise FaultError(f"{name}: expected {takes[name].least:g} to {takes[name].most:g}, not {value!r}")
        if takes[name].whole and value != int(value):
            raise FaultError(f"{name}: expected a whole number, not {value!r}")
    seconds = order.get("seconds")
    if not _is_number(seconds) or not 0 < seconds <= MAX_SECONDS:
        raise FaultError(f"seconds: expected more than 0 and at most {MAX_SECONDS:.0f}, so that every fault ends")
    return order["kind"], float(seconds), {**{name: one.default for name, one in takes.items()}, **given}


def _is_number(value: Any) -> bool:
    """Tell a number from what only compares like one; NaN is within no bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _burn(fault: Fault) -> None:
    """Keep cores busy with processes, not threads.

    Threads of one interpreter share its lock: they would burn one core at most, and mostly starve the service's own
    requests. A child also knows its own end, so that it stops even if this process dies first.
    """
    clock = f"time.clock_gettime({CLOCK})"
    program = f"import time\nend = {fault.ends}\nwhile {clock} < end: pass"
    burners = [subprocess.Popen([sys.executable, "-S", "-c", program]) for _ in range(int(fault.parameters["threads"]))]
    try:
        fault.wait()
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def _leak(fault: Fault) -> None:
    """Take memory bit by bit, and touch it: pages never written to cost nothing.

    Anonymous maps, because the kernel has them back the moment they are closed; an allocator may keep what it frees.
    """
    leaked: list[mmap.mmap] = []
    try:
        while not fault.over.wait(min(0.25, fault.seconds_left)) and fault.seconds_left:
            size = int(fault.parameters["mib_per_second"] * 0.25 * MIB)
            if size and sum(map(len, leaked)) + size <= fault.parameters["limit_mib"] * MIB:
                leaked.append(mmap.mmap(-1, size))
                leaked[-1][:: mmap.PAGESIZE] = b"\xff" * len(range(0, size, mmap.PAGESIZE))
    finally:
        for piece in leaked:
            piece.close()
