"""Whether a port on loopback is free, and if not, who has it."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

__all__ = ["is_taken", "listener", "taken_by"]


def is_taken(port: int) -> bool:
    """Tell whether something listens on 127.0.0.1:``port`` (or the port may not be used at all)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno in {errno.EADDRINUSE, errno.EACCES}
    return False


def taken_by(port: int) -> str | None:
    """Return who listens on 127.0.0.1:``port``, "" when that cannot be told; None when the port is free."""
    return listener(port) if is_taken(port) else None


def listener(port: int, proc: Path = Path("/proc")) -> str:
    """Return who listens on ``port``, as ``name (process 12)``; "" when it cannot be told."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    if not inodes:
        return ""
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in inodes for link in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text(encoding='utf-8').strip()} (process {entry.name})"
        except OSError:  # it has ended, or is somebody else's
            continue
    return ""


def _listening_inodes(port: int, proc: Path) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text(encoding="utf-8").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            listening = fields[3] == "0A"
            if listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return inodes
