"""The last file of all: an interrupted `up` is continued, and `down` leaves the machine as it was before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_state_path
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec, Provider, down, find_spec, load_spec, status, up
from wavetank.engine import connect

pytestmark = [pytest.mark.kind, pytest.mark.timeout(600)]


def belongings() -> dict[str, set[str]]:
    """Return everything on this machine that a cluster might leave behind."""
    client = connect()
    processes = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if any(word in command for word in ("kubelet", "kube-apiserver", "kind create", "wavetank power")):
                processes.add(command)
    return {
        "containers": {str(container.name) for container in client.containers.list(all=True, ignore_removed=True)},
        "networks": {str(network.name) for network in client.networks.list()},
        "volumes": {volume.id or "" for volume in client.volumes.list()},
        "files": {str(path) for path in (user_state_path("wavetank") / "clusters").rglob("*")},
        "processes": processes,
    }


def test_down_leaves_nothing_and_up_and_down_again_neither(spec: ClusterSpec, provider: Provider) -> None:
    down(spec)
    beside_the_nodes = load_spec(find_spec("kind")).with_addons(("registry", "operator"))
    before = belongings()
    assert not any(spec.name in name for name in before["containers"] | before["networks"])
    assert before["files"] == before["processes"] == set()
    up(beside_the_nodes)
    assert belongings() != before
    down(beside_the_nodes)
    assert belongings() == before


@pytest.mark.parametrize("at", ["network", "first node", "joining"])
def test_ctrl_c_in_the_middle_of_up_then_up_again(spec: ClusterSpec, provider: Provider, at: str) -> None:
    bare = load_spec(find_spec("kind"))
    down(bare)
    client = connect()

    def reached() -> bool:
        if at == "network":
            return bool(client.networks.list(names=[f"^{spec.name}$"]))
        nodes = {node.name: node for node in provider.nodes(spec.name)}
        if at == "first node":
            return bool(nodes)
        if len(nodes) < len(spec.node_names):
            return False
        control_plane = client.containers.get(spec.control_plane)
        return control_plane.exec_run(["test", "-f", "/etc/kubernetes/admin.conf"]).exit_code == 0

    process = subprocess.Popen([sys.executable, "-m", "wavetank", "up"], env=os.environ, stderr=subprocess.DEVNULL)
    try:
        eventually(reached, f"`up` to have reached: {at}", within=120)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
    if at == "joining":
        up(bare)
        assert status(bare).state == "up"
    down(spec)
    assert list(provider.list()) == []
