"""Two owners on one engine: one does Lab 0 and takes their own down, and the other does not notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from platformdirs import user_state_path

from wavetank.bundle import open_bundle
from wavetank.cluster import ClusterSpec, settled, status
from wavetank.engine import connect
from wavetank.kube import Kube

pytestmark = [pytest.mark.kind, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
WAVETANK = (sys.executable, "-m", "wavetank")
NOTEBOOK = (sys.executable, "-m", "pytest", "--nbval-lax", "--timeout=300", "-p", "no:cacheprovider")
SOLVED = ROOT / "solutions" / "00-start" / "lab.ipynb"


class Owner:
    """Somebody with a state folder of their own, who uses the same engine and the same bundle."""

    def __init__(self, folder: Path, spec: Path) -> None:
        self.state, self.spec = folder / "wavetank", spec
        tools = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder),
            "KUBECONFIG": str(self.state / "clusters" / "wavetank" / "kubeconfig"),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, command: Sequence[object]) -> str:
        words = [str(word) for word in command]
        ran = subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=400)
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
        return ran.stdout

    def wavetank(self, *words: str) -> str:
        return self.run([*WAVETANK, *words, "--cluster", self.spec])

    def up(self) -> None:
        self.wavetank("up", "--for", "00-start")

    def do_lab_0(self) -> None:
        self.run([*NOTEBOOK, SOLVED])

    @property
    def id(self) -> str:
        return (self.state / "owner").read_text().strip()


def on_the_engine(but: Sequence[str] = ()) -> dict[str, object]:
    """Return what there is, with what would tell that it was changed, but for what belongs to the owners ``but``."""
    client = connect()
    networks = {network: network.attrs["Labels"] or {} for network in client.networks.list()}
    names = {network.name for network, labels in networks.items() if labels.get("dev.wavetank.owner") in but}

    def counts(labels: dict[str, str] | None) -> bool:
        own = labels or {}
        return own.get("dev.wavetank.owner") not in but and own.get("io.x-k8s.kind.cluster") not in names

    everybodys = {image.ref for image in open_bundle().images}  # the engine has them from whoever came first
    containers = [each for each in client.containers.list(all=True) if counts(each.labels)]
    return {
        "containers": {each.name: (each.id, each.attrs["State"]["StartedAt"], each.status) for each in containers},
        "networks": {network.name: network.id for network in networks if network.name not in names},
        "volumes": {
            volume.name: volume.attrs["CreatedAt"]
            for volume in client.volumes.list()
            if counts(volume.attrs.get("Labels")) and _mounted_by(volume.name, containers)
        },
        "images": {
            (image.id, tag)
            for image in client.images.list(all=True)
            if image.labels.get("dev.wavetank.build", "").partition("/")[0] not in but
            for tag in image.tags
            if tag not in everybodys
        },
    }


def _mounted_by(volume: str, containers: Sequence[object]) -> bool:
    """An anonymous volume of a node has no label: it is whose the node is."""
    return any(mount.get("Name") == volume for each in containers for mount in each.attrs["Mounts"])  # type: ignore[attr-defined]


def test_two_owners_on_one_engine(kube: Kube, spec: ClusterSpec, tmp_path: Path) -> None:
    """The first is whoever runs the tests; two more would be more than the engine of a small machine has room for."""
    small = tmp_path / "small.yaml"
    small.write_text('provider: kind\nkubernetes: "1.36"\nworkers: 1\n')
    other, before = Owner(tmp_path / "other", small), on_the_engine()
    try:
        other.up()
        other.do_lab_0()
        berth = json.loads((other.state / "clusters/wavetank/berth.json").read_text())
        mine = asdict(settled(spec).ports)
        assert berth["name"] != settled(spec).on_engine
        assert not set(berth["ports"].values()) & set(mine.values())
        assert str(user_state_path("wavetank")) in other.wavetank("status")
        assert [each.owner for each in status(spec).neighbours] == [other.id]
        assert on_the_engine(but=[other.id]) == before
    finally:
        other.wavetank("down")
    assert on_the_engine() == before
    assert kube.alive()
    left = [path for path in other.state.rglob("*") if "progress" not in path.parts and path.is_file()]
    assert left == []
