"""What Wavetank keeps on disk about a cluster: one folder each, gone when the cluster is.

The cluster itself carries its state (labels on its network and containers); the folder holds the kubeconfig, the
berth, the log and the times of its making, and a mark while it is being made. It comes into being with the cluster and
goes with it. It is called as the cluster's owner calls it, whatever the cluster is called on the engine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_state_path

from wavetank.errors import ClusterError

__all__ = ["Folder", "clusters", "kubeconfig_path", "only_one"]


def clusters() -> Path:
    """Return the folder of all clusters."""
    return user_state_path("wavetank") / "clusters"


def kubeconfig_path(name: str = "wavetank") -> Path:
    """Return where the kubeconfig of cluster ``name`` is when it is up."""
    return Folder(name).kubeconfig


class Folder:
    """The folder of one cluster. Reading it never creates it."""

    BERTH = "berth.json"

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = clusters() / name

    @property
    def berth(self) -> Path:
        """Under which name and on which ports the cluster lies on its engine, as JSON."""
        return self.path / self.BERTH

    @property
    def kubeconfig(self) -> Path:
        """The cluster's own kubeconfig."""
        return self.path / "kubeconfig"

    @property
    def log(self) -> Path:
        """What kind said while it made the nodes."""
        return self.path / "kind.log"

    @property
    def docker(self) -> Path:
        """The docker command's settings while kind makes the nodes, where the user's own do not fit."""
        return self.path / "docker"

    @property
    def being_made(self) -> Path:
        """There while the nodes are being made: what it stands for may be half of a cluster."""
        return self.path / "being-made"

    @property
    def times(self) -> Path:
        """How long each step took when the nodes were made, as JSON."""
        return self.path / "times.json"

    def create(self) -> None:
        """Create the folder, for this user alone."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write_kubeconfig(self, text: str) -> None:
        """Write the kubeconfig at once and readable by nobody else."""
        self._write(self.kubeconfig, text)

    def write_berth(self, text: str) -> None:
        """Write the berth at once and readable by nobody else."""
        self._write(self.berth, text)

    def _write(self, path: Path, text: str) -> None:
        self.create()
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)

    def remove(self) -> None:
        """Remove the folder, and those above it that are empty then."""
        shutil.rmtree(self.path, ignore_errors=True)
        for above in (self.path.parent, self.path.parent.parent):
            with suppress(OSError):
                above.rmdir()


@contextmanager
def only_one(doing: str) -> Iterator[None]:
    """Be the only process that changes clusters; raises `ClusterError` when another one is at it."""
    folder = user_state_path("wavetank")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)  # the folder itself is the lock: nothing is left to clean up
    try:
        _lock(lock, doing, folder)
        yield
    finally:
        os.close(lock)


def _lock(folder: int, doing: str, path: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ClusterError(
            f"{doing} has to wait: another process is changing a cluster",
            observed=f"{path} is locked",
            command="pgrep -af wavetank",
            hint="wait until that process has ended, or end it",
        ) from None
