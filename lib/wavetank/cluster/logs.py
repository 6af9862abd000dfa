"""Everything that helps to understand a cluster that went wrong, gathered into one folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from docker.models.containers import Container

from wavetank.cluster.state import Folder
from wavetank.engine import run_in, telling
from wavetank.errors import WavetankError

__all__ = ["collect"]

_FROM_NODES: Mapping[str, Sequence[str]] = {
    "kubelet.log": ("journalctl", "--no-pager", "-u", "kubelet"),
    "containerd.log": ("journalctl", "--no-pager", "-u", "containerd"),
    "network.txt": ("sh", "-c", "ip address; ip route; iptables-save"),
    "images.txt": ("ctr", "-n", "k8s.io", "images", "ls"),
    "pods.log": ("sh", "-c", "tail -n 500 /var/log/pods/*/*/*.log"),
}
_FROM_CONTROL_PLANE: Mapping[str, Sequence[str]] = {
    "objects.txt": ("kubectl", "get", "nodes,pods,events", "-A", "-o", "wide"),
}


def collect(nodes: Sequence[Container], others: Sequence[Container], state: Folder, folder: Path) -> None:
    """Write a folder for each node, a file for each container beside them, and what kind said.

    What cannot be read is replaced by the reason: a broken cluster is the usual case here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for node in nodes:
        own = folder / str(node.name)
        own.mkdir(exist_ok=True)
        (own / "console.log").write_text(_console(node), encoding="utf-8")
        commands = {**_FROM_NODES, **(_FROM_CONTROL_PLANE if node is nodes[0] else {})}
        for file, command in commands.items():
            (own / file).write_text(_said(node, command), encoding="utf-8")
    for container in others:
        (folder / f"{container.name}.log").write_text(_console(container), encoding="utf-8")
    with suppress(FileNotFoundError):
        shutil.copy(state.log, folder)


def _console(container: Container) -> str:
    with telling(f"reading the log of {container.name}"):
        return str(container.logs().decode(errors="replace"))


def _said(node: Container, command: Sequence[str]) -> str:
    if node.status != "running":
        return f"{node.name} is {node.status}\n"
    try:
        return run_in(node, command)
    except WavetankError as error:
        return f"{error}\n"
