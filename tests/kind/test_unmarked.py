"""A second real cluster, made by plain kind as anybody would: nothing of Wavetank's ever writes to it.

It has one node, tainted and cordoned as a person does it with kubectl, and in it everything that Wavetank could take
for its own: its kinds, its namespace with its label, a Load and a Fault. Every object of every kind is compared before
and after, with its resourceVersion and its owners. Left out is what a cluster changes by itself: leases, events, and
what the kubelet reports of its node.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wavetank.bundle import open_bundle
from wavetank.cluster import beside
from wavetank.engine import about, connect, find_engine
from wavetank.errors import ClusterError, KubeError
from wavetank.kube import Kube, Obj
from wavetank.kube.mark import read_mark
from wavetank.lesson import LabSession, open_lab

pytestmark = [pytest.mark.kind, pytest.mark.elsewhere, pytest.mark.timeout(600)]

NAME = "somebody-elses"
ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "clusters" / "manifests"
REFUSED = "is not marked as Wavetank's: nothing is written to it"
LAB, EXERCISE = "00-start", "second-pod"

CREATE_SECONDS = 300
SETTLED_WITHIN, STILL_FOR = 180.0, 15.0
"""Seconds: a cluster is at work for a while after it was made, and is settled once nothing has changed for so long."""
COMMAND_SECONDS = 120

# A kubelet of today runs on control groups of version 1 only where it is told to; see `kind_config`.
CONFIG = {
    "kind": "Cluster",
    "apiVersion": "kind.x-k8s.io/v1alpha4",
    "name": NAME,
    "networking": {"apiServerAddress": "127.0.0.1", "disableDefaultCNI": True},
    "nodes": [{"role": "control-plane"}],
    "kubeadmConfigPatches": [
        json.dumps(
            {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": False}
        )
    ],
}

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: tidewater, labels: {app.kubernetes.io/managed-by: wavetank}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: tidewater}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: wavetank.dev/v1alpha1
kind: Load
metadata: {name: steady, namespace: tidewater}
spec: {target: {service: web}, profile: steady, rate: 5, duration: 60s}
---
apiVersion: wavetank.dev/v1alpha1
kind: Fault
metadata: {name: slow, namespace: tidewater}
spec: {kind: latency, target: {selector: {app: web}}, parameters: {ms: 300}, duration: 30s}
"""


@dataclass(frozen=True)
class Elsewhere:
    """The other cluster: its kubeconfig, and a folder that is the whole state of a user who points at it."""

    kubeconfig: Path
    state: Path

    @property
    def kube(self) -> Kube:
        return Kube.connect(self.kubeconfig)

    def kubectl(self, *arguments: str, given: str = "", check: bool = True) -> None:
        """Do something as a person does."""
        kubectl = shutil.which("kubectl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        assert kubectl
        command = [kubectl, "--kubeconfig", str(self.kubeconfig), *arguments]
        subprocess.run(command, input=given, text=True, check=check, timeout=COMMAND_SECONDS, capture_output=True)

    def wavetank(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a shell that points at it."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "XDG_STATE_HOME": str(self.state),
        }
        return subprocess.run(
            [sys.executable, "-m", "wavetank", *arguments],
            env=environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """Make it with the program and the node image of the bundle, and nothing else of Wavetank's; remove it again."""
    bundle, client, folder = open_bundle(), connect(), tmp_path_factory.mktemp("elsewhere")
    kind = shutil.which("kind") or bundle.binary("kind")
    assert kind, "the bundle has no kind program"
    beside.ensure_images(client, bundle, [bundle.node_image])
    environment = {**os.environ, **about(client).environment_of_kind(find_engine(), NAME)}
    kubeconfig, state = folder / "kubeconfig", folder / "state"

    def run_kind(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(kind), *arguments, "--name", NAME, "--kubeconfig", str(kubeconfig)]
        return subprocess.run(
            command,
            env=environment,
            input=given,
            text=True,
            capture_output=True,
            timeout=CREATE_SECONDS,
            check=False,
        )

    def remove() -> None:
        run_kind("delete", "cluster")
        for network in client.networks.list(names=[f"^{NAME}$"]):
            network.remove()

    try:
        remove()  # what a killed run has left
        # A network of its own: kind's own, called "kind", would be left behind. Ours would carry our label.
        client.networks.create(NAME, driver="bridge")
        made = run_kind("create", "cluster", "--image", bundle.node_image, "--config", "-", given=json.dumps(CONFIG))
        assert made.returncode == 0, made.stderr
        # `wavetank load` and `wavetank fault` look for a kubeconfig by the cluster's name.
        own = state / "wavetank" / "clusters" / "wavetank"
        own.mkdir(parents=True)
        shutil.copy(kubeconfig, own / "kubeconfig")
        there = Elsewhere(kubeconfig, state)
        _furnish(there)
        yield there
    finally:
        remove()
        client.close()


def _furnish(there: Elsewhere) -> None:
    """Put into it what could be mistaken for Wavetank's, and do to its node what a person does."""
    for crd in ("crd-load", "crd-fault"):
        there.kubectl("create", "-f", str(MANIFESTS / f"{crd}.yaml"))
    for kind in ("loads", "faults"):
        there.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{kind}.wavetank.dev")
    there.kubectl("create", "-f", "-", given=OBJECTS)
    for namespace in ("kube-system", "local-path-storage"):  # pods that without a network would be tried for ever
        there.kubectl("-n", namespace, "scale", "deployment", "--all", "--replicas=0", check=False)
    node = f"{NAME}-control-plane"
    there.kubectl("taint", "nodes", node, "team=gpu:NoSchedule")
    there.kubectl("cordon", node)


CHANGES_BY_ITSELF = {"Lease", "Event"}


def everything(kube: Kube) -> dict[str, Obj]:
    """Return every object of every kind that can be kept and changed, by kind, namespace and name."""
    found = {}
    for resource in kube.kinds.all():
        if resource.kind in CHANGES_BY_ITSELF or not {"list", "patch"} <= resource.verbs:
            continue
        for obj in kube.list((resource.api_version, resource.kind)):
            metadata = obj["metadata"]
            place = f"{resource.api_version} {resource.kind} {metadata.get('namespace', '')}/{metadata['name']}"
            found[place] = obj
    return found


def said(objects: dict[str, Obj]) -> dict[str, Obj]:
    """Return the objects without what kubelets and controllers report of them."""
    return {place: _without_reports(obj) for place, obj in objects.items()}


def _without_reports(obj: Obj) -> Obj:
    """Return an object without what kubelets and controllers report of it, which moves its resourceVersion as well."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    metadata["managedFields"] = [
        entry for entry in metadata.get("managedFields", []) if entry.get("subresource") != "status"
    ]
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


@pytest.fixture(scope="module")
def settled(elsewhere: Elsewhere) -> dict[str, Obj]:
    """What is in it once it has come to rest."""
    kube, deadline = elsewhere.kube, time.monotonic() + SETTLED_WITHIN
    seen, since = said(everything(kube)), time.monotonic()
    while time.monotonic() - since < STILL_FOR:
        assert time.monotonic() < deadline, "it does not come to rest"
        time.sleep(1)
        if (now := said(everything(kube))) != seen:
            seen, since = now, time.monotonic()
    return seen


@pytest.fixture
def untouched(elsewhere: Elsewhere, settled: dict[str, Obj]) -> Iterator[None]:
    """After the test, everything in it is as it was, and nobody called Wavetank has ever written anything there."""
    yield
    now = everything(elsewhere.kube)
    assert [place for place, obj in said(now).items() if settled.get(place) != obj] == [], "new, or changed"
    assert settled.keys() - now.keys() == set(), "gone"
    managers = {entry["manager"] for obj in now.values() for entry in obj["metadata"].get("managedFields") or ()}
    assert not {name for name in managers if "wavetank" in name or "kopf" in name or "python" in name.lower()}


@pytest.fixture
def session(elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabSession:
    """Open Lab 0 in a kernel whose shell pointed elsewhere."""
    monkeypatch.setenv("KUBECONFIG", str(elsewhere.kubeconfig))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return open_lab(LAB)


def assert_told(elsewhere: Elsewhere, words: str) -> None:
    """It says which server, and where its address came from."""
    assert REFUSED in words
    assert elsewhere.kube.connection.server in words
    assert f"kind-{NAME}" in words, "the context, as kind calls it"


NOTEBOOK: dict[str, Callable[[LabSession], Any]] = {
    "goto": lambda lab: lab.goto("afloat"),
    "reset": lambda lab: lab.reset(),
    "check": lambda lab: lab.check(EXERCISE),
    "apply": lambda lab: lab.apply(EXERCISE),
    "load": lambda lab: lab.load("passengers"),
    "fault": lambda lab: lab.fault("slow-timetable"),
    "emergency stop": lambda lab: lab.emergency_stop(),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("asked", NOTEBOOK)
def test_a_notebook_writes_nothing(asked: str, session: LabSession, elsewhere: Elsewhere) -> None:
    with pytest.raises(ClusterError) as refused:
        NOTEBOOK[asked](session)
    assert_told(elsewhere, str(refused.value))
    assert f"in {elsewhere.kubeconfig}, by way of $KUBECONFIG" in str(refused.value)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "command",
    [
        f"goto {LAB} afloat",
        f"reset {LAB}",
        f"check {LAB} {EXERCISE}",
        "load run web",
        "load stop steady",
        "fault inject latency app=web",
        f"fault inject node-stop node/{NAME}-control-plane",
        "fault stop slow",
        "fault stop-all",
        "operator",
    ],
)
def test_a_command_writes_nothing(command: str, elsewhere: Elsewhere) -> None:
    ended = elsewhere.wavetank(*command.split())
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert_told(elsewhere, ended.stderr)


@pytest.mark.usefixtures("untouched")
def test_reading_is_allowed(elsewhere: Elsewhere) -> None:
    assert "tidewater/slow" in elsewhere.wavetank("fault", "list").stdout
    assert "steady" in elsewhere.wavetank("load", "list").stdout
    assert read_mark(elsewhere.kube.connection) is None


def test_taints_and_the_cordon_are_as_the_person_left_them(elsewhere: Elsewhere, settled: dict[str, Obj]) -> None:
    (node,) = elsewhere.kube.list("Node")
    assert node["spec"]["unschedulable"] is True
    assert {"key": "team", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]


def test_who_means_it_adopts_it_and_gives_it_back(elsewhere: Elsewhere, settled: dict[str, Obj]) -> None:
    """It comes last: the mark is the first thing that is written here."""
    which = ("--kubeconfig", str(elsewhere.kubeconfig), "--context", f"kind-{NAME}")
    assert elsewhere.wavetank("adopt", *which, "--yes").returncode == 0
    kube = elsewhere.kube
    nodes = [_without_reports(node) for node in kube.list("Node")]
    assert nodes == [obj for place, obj in settled.items() if place.startswith("v1 Node ")]
    kube.patch("Service", "web", "tidewater", {"metadata": {"labels": {"adopted": "yes"}}})
    for kind, name in (("Load", "steady"), ("Fault", "slow")):  # no operator is here that would end them
        kube.delete_object(kind, name, "tidewater")
    given_back = elsewhere.wavetank("adopt", *which, "--undo")
    assert given_back.returncode == 0, given_back.stderr
    with pytest.raises((ClusterError, KubeError), match=REFUSED):
        elsewhere.kube.patch("Service", "web", "tidewater", {"metadata": {"labels": {"adopted": None}}})
