"""A container next to an ordinary process: what each sees, and what of it is the container's own.

    with ordinary_process(["python3", "-m", "http.server"]) as pid:
        compare(container, pid)

Both sides are read from the running things, by the same script (`probe`): in the container, where it looks at the
first process, and on this machine.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from wavetank.document import read_json, shaped
from wavetank.errors import ImageError, InputError
from wavetank.images.engine import Container
from wavetank.images.model import Ended, megabytes
from wavetank.images.probe import NAMESPACES

__all__ = ["Comparison", "Row", "Sight", "compare", "look_here", "look_inside", "ordinary_process"]

_LOOK_SECONDS = 20.0
_END_SECONDS = 5.0
_MOST_TOLD = 500
"""Characters of what was printed instead that are shown."""
_UNKNOWN = "cannot be read"
_NAMESPACE_OF = {
    "pid": "process numbers",
    "mnt": "mounts",
    "net": "network",
    "uts": "host name",
    "ipc": "shared memory",
    "user": "user numbers",
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What a process sees. ``pid`` is the number it sees itself under, ``processes`` how many it sees, itself included.

    ``namespaces`` names each kind of namespace with its identity, ``root`` is the kind of its root file system and
    ``root_device`` which one it is. ``memory`` is in bytes and ``cpus`` in cores, None where nothing limits it.
    ``readable`` is false where the machine has no /proc: then only ``pid``, ``hostname`` and ``kernel`` are known.
    """

    pid: int
    hostname: str
    kernel: str
    namespaces: Mapping[str, str | None] = field(default_factory=dict)
    processes: int | None = None
    user: int | None = None
    root: str | None = None
    root_device: str | None = None
    mounts: int | None = None
    memory: int | None = None
    cpus: float | None = None

    @property
    def readable(self) -> bool:
        """Whether its machine has a /proc to read."""
        return bool(self.namespaces)

    @classmethod
    def from_output(cls, output: str) -> Sight:
        """Read what the probe has printed. Raises `ValueError` for anything else."""
        lines = output.strip().splitlines()
        return shaped(cls, read_json(lines[-1]) if lines else {})


@dataclass(frozen=True, slots=True)
class Row:
    """One aspect, as the process and as the container sees it; ``isolated`` is None where it cannot be told."""

    aspect: str
    process: str
    container: str
    isolated: bool | None

    @property
    def words(self) -> str:
        """Whose it is, in words."""
        return {True: "the container's own", False: "the same", None: "not known"}[self.isolated]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A container and an ordinary process, aspect by aspect."""

    rows: tuple[Row, ...]
    notice: str = ""
    """Why one side cannot be read, in words; empty when both can."""

    @classmethod
    def of(cls, process: Sight, container: Sight) -> Comparison:
        """Compare what the two see."""
        missing = [name for name, sight in (("process", process), ("container", container)) if not sight.readable]
        notice = f"Where the {' and the '.join(missing)} runs there is no /proc to read." if missing else ""
        return cls((*_namespaces(process, container), *_values(process, container)), notice)

    @property
    def own(self) -> tuple[str, ...]:
        """The aspects in which the container has something of its own."""
        return tuple(row.aspect for row in self.rows if row.isolated)

    @property
    def same(self) -> tuple[str, ...]:
        """The aspects in which both see the same."""
        return tuple(row.aspect for row in self.rows if row.isolated is False)

    def __str__(self) -> str:
        """Say it as a table, a line for each aspect."""
        lines = [("", "process", "container", ""), *((r.aspect, r.process, r.container, r.words) for r in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(3)]
        told = ["  ".join([*(w.ljust(n) for w, n in zip(line, widths, strict=False)), line[3]]) for line in lines]
        return "\n".join([line.rstrip() for line in told] + ([self.notice] if self.notice else []))

    __repr__ = __str__


def compare(container: Container, pid: int) -> Comparison:
    """Read what the first process of ``container`` and the process ``pid`` of this machine see, and compare it.

    Raises `ImageError` when the container cannot be looked into, `InputError` when there is no process ``pid``.
    """
    return Comparison.of(look_here(pid), look_inside(container))


def look_inside(container: Container) -> Sight:
    """Return what the first process of a running container sees; its image has to have a python3."""
    ended = container.exec(["python3", "-c", _probe(), "1"])
    try:
        return _read(ended)
    except ValueError:
        raise ImageError(
            f"{container.name} cannot be looked into",
            observed=f"exit code {ended.code}: {ended.output.strip()[-_MOST_TOLD:]}",
            expected="a running container whose image has a python3",
            command=f"docker exec {container.name} python3 --version",
            hint="start the container again, and look while it runs",
        ) from None


def look_here(pid: int) -> Sight:
    """Return what the process ``pid`` of this machine sees."""
    command = [sys.executable, "-c", _probe(), str(pid)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=_LOOK_SECONDS)
    try:
        return _read(Ended(done.returncode, done.stdout))
    except ValueError:
        raise InputError(
            f"the process {pid} cannot be looked at",
            observed=done.stderr.strip() or f"exit code {done.returncode}",
            expected="a process that runs, and belongs to the same user",
            command=f"ps -p {pid}",
        ) from None


@contextmanager
def ordinary_process(
    command: Sequence[str], *, within: float = 60.0, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a program as an ordinary process, with no shell, and give its number; it ends with the block.

    However long the block takes, the process is ended after ``within`` seconds.
    """
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError as error:
        raise InputError(
            f"{command[0]} cannot be started", observed=str(error), expected="a program of this machine"
        ) from error
    watchdog = threading.Timer(within, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield process.pid
    finally:
        watchdog.cancel()
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _probe() -> str:
    return files("wavetank.images").joinpath("probe.py").read_text(encoding="utf-8")


def _read(ended: Ended) -> Sight:
    if ended.code != 0:
        raise ValueError(ended.output)
    return Sight.from_output(ended.output)


def _namespaces(process: Sight, container: Sight) -> Iterator[Row]:
    for name in NAMESPACES:
        here, inside = process.namespaces.get(name), container.namespaces.get(name)
        isolated = here != inside if here and inside else None
        yield Row(f"namespace of {_NAMESPACE_OF[name]} ({name})", _number(here), _number(inside), isolated)


def _number(namespace: str | None) -> str:
    """Return the number in ``pid:[4026531836]``."""
    return namespace.partition("[")[2].rstrip("]") if namespace else _UNKNOWN


def _values(process: Sight, container: Sight) -> Iterator[Row]:
    both = (process, container)
    known = process.readable and container.readable
    own_numbers = process.namespaces.get("pid") != container.namespaces.get("pid")
    yield _row("its own process number", [f"{sight.pid}" for sight in both])
    yield _row("processes it sees", [_or_unknown(sight.processes) for sight in both], own_numbers if known else None)
    yield _row("user it runs as", [_or_unknown(sight.user) for sight in both])
    yield _row("host name", [sight.hostname for sight in both])
    roots = [_UNKNOWN if sight.root is None else f"{sight.root}, {sight.mounts} mounts" for sight in both]
    devices = [sight.root_device for sight in both]
    yield _row("root file system", roots, devices[0] != devices[1] if None not in devices else None)
    yield _row("memory limit", [_limit(sight, sight.memory and megabytes(sight.memory)) for sight in both])
    yield _row("CPU limit", [_limit(sight, sight.cpus and f"{sight.cpus:g} cores") for sight in both])
    yield _row("kernel", [sight.kernel for sight in both])


def _row(aspect: str, values: Sequence[str], isolated: bool | None = None) -> Row:
    """Compare two values by their words, unless somebody knows better; what cannot be read cannot be told."""
    if isolated is None and _UNKNOWN not in values:
        isolated = values[0] != values[1]
    return Row(aspect, values[0], values[1], isolated)


def _or_unknown(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value}"


def _limit(sight: Sight, words: str | float | None) -> str:
    if not sight.readable:
        return _UNKNOWN
    return str(words) if words else "none"
