"""What one process sees of the machine: ``python3 -c <this file> PID`` prints it as one line of JSON.

It is run both on this machine and inside containers, whose Python may be another: it needs only the standard library,
and Python 3.9 or newer. Everything is read from /proc (man 5 proc) and from the files of the control groups, version 1
or 2; what cannot be read is null. Without a /proc, only what the system itself tells is there.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMESPACES = ("pid", "mnt", "net", "uts", "ipc", "user")
PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""Bytes from which on version 1 means no limit at all."""


def look(pid: int, proc: Path = PROC, groups: Path = GROUPS) -> dict[str, Any]:
    """Return what the process ``pid`` sees. Exits with words when there is no such process, or it has ended."""
    system = os.uname()
    seen = {"pid": pid, "hostname": socket.gethostname(), "kernel": f"{system.sysname} {system.release}"}
    if not proc.is_dir():
        return seen
    status = dict(line.split(":", 1) for line in _lines(proc / str(pid) / "status"))
    if not status or status["State"].strip().startswith("Z"):
        sys.exit(f"there is no process {pid}")
    mounts = [line.split() for line in _lines(proc / str(pid) / "mountinfo")]
    root = next((mount for mount in reversed(mounts) if mount[4] == "/"), None)
    memory, cpus = limits(pid, proc, groups)
    return {
        **seen,
        "pid": int(status.get("NSpid", str(pid)).split()[-1]),
        "namespaces": {name: _namespace(proc / str(pid) / "ns" / name) for name in NAMESPACES},
        "processes": sum(path.name.isdigit() and path.name != str(os.getpid()) for path in proc.iterdir()),
        "user": int(status["Uid"].split()[1]),
        "root": root and root[root.index("-") + 1],
        "root_device": root and root[2],
        "mounts": len(mounts) or None,
        "memory": memory,
        "cpus": cpus,
    }


def limits(pid: int, proc: Path = PROC, groups: Path = GROUPS) -> tuple[int | None, float | None]:
    """Return how much memory, in bytes, and how many cores the process may use; None where nothing limits it.

    A group is limited by the groups it is in, too: the smallest limit on the way up counts.
    """
    memory: list[int] = []
    cpus: list[float] = []
    for line in _lines(proc / str(pid) / "cgroup"):
        named, path = line.split(":", 2)[1:]
        controllers = named.split(",")
        for folder in _upwards(groups, path) if not named else ():
            memory += _whole(_lines(folder / "memory.max"))
            cpus += _cores(_lines(folder / "cpu.max"))
        for folder in _upwards(groups / "memory", path) if "memory" in controllers else ():
            memory += _whole(_lines(folder / "memory.limit_in_bytes"))
        for folder in _upwards(groups / "cpu", path) if "cpu" in controllers else ():
            parts = (_lines(folder / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
            cpus += _cores([" ".join(line for lines in parts for line in lines)])
    return min(memory, default=None), min(cpus, default=None)


def _upwards(mounted: Path, path: str) -> Iterator[Path]:
    """Yield the folder of a group and of each group it is in.

    Inside a container the path may be the machine's while what is mounted begins at the container's own group: then
    only the last folder is there, and it is the right one.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for count in range(len(parts), -1, -1):
        yield mounted.joinpath(*parts[:count])


def _whole(lines: list[str]) -> list[int]:
    """Read bytes; "max", -1 and numbers no machine has are no limit."""
    return [int(line) for line in lines[:1] if line.isdigit() and int(line) < _UNLIMITED]


def _cores(lines: list[str]) -> list[float]:
    """Read "quota period" in microseconds; "max" and -1 are no limit."""
    words = lines[0].split() if lines else []
    return [int(words[0]) / int(words[1])] if len(words) == 2 and words[0].isdigit() else []


def _namespace(link: Path) -> str | None:
    try:
        return os.readlink(link)  # noqa: PTH115 - the Path it could be is a name, not a place
    except OSError:
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    print(json.dumps(look(int(sys.argv[1]))))
