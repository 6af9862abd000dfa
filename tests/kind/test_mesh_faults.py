"""Faults in a real mesh: injected beside what a learner has in place, measured by a caller, gone without a trace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.mesh import KIND, apply_as
from tests.support.waiting import eventually

from wavetank.cluster.addons import ADDONS
from wavetank.errors import KubeError
from wavetank.faults import Fault, inject
from wavetank.kube import Kube, Obj

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif("istio" not in ADDONS, reason="there is no addon istio in this version"),
]

MANIFESTS = Path(__file__).parents[2] / "labs/tidewater/manifests"
ASK = """
import time, urllib.error, urllib.request
started = time.monotonic()
try:
    status = urllib.request.urlopen("http://payment/healthz", timeout=10).status
except urllib.error.HTTPError as error:
    status = error.code
except OSError:
    status = 0
print(status, time.monotonic() - started)
"""
SLOW, QUICK = 1.9, 1.0
"""Seconds: a delay of two is at least the one, and an answer without it less than the other."""


@dataclass(frozen=True)
class Mesh:
    """The payment service in a mesh, and the timetable's pods, which have sidecars and can call it."""

    kube: Kube
    namespace: str

    def ask(self) -> tuple[int, float]:
        """Return the status payment answers a caller with a sidecar with, 0 for none, and after how many seconds."""
        caller = self.kube.list("Pod", self.namespace, selector="app=timetable")[0]["metadata"]["name"]
        told = self.kube.exec(caller, self.namespace, ["python3", "-c", ASK], container="timetable")
        assert told.exit_code == 0, told.stderr
        status, seconds = told.stdout.split()
        return int(status), float(seconds)

    def is_well(self) -> bool:
        status, seconds = self.ask()
        return status == 200 and seconds < QUICK

    def is_slow(self) -> bool:
        status, seconds = self.ask()
        return status == 200 and seconds > SLOW

    def stored(self) -> Obj:
        return self.kube.get(KIND, "payment", self.namespace)

    def virtual_services(self) -> list[str]:
        return [obj["metadata"]["name"] for obj in self.kube.list(KIND, self.namespace)]


@pytest.fixture
def mesh(kube: Kube, namespace: str) -> Mesh:
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {"istio-injection": "enabled"}}})
    for name in ("payment", "timetable"):
        kube.apply(MANIFESTS / f"{name}.yaml", namespace=namespace)
    for name in ("payment", "timetable"):
        kube.rollout(name, namespace, timeout=120)
    mesh = Mesh(kube, namespace)
    eventually(mesh.is_well, "payment to answer through the mesh", within=30)
    return mesh


def learners(namespace: str, **rest: Any) -> Obj:
    """Return a learner's VirtualService: one route with an own delay, one with retries and a timeout."""
    own = {"percentage": {"value": 100}, "fixedDelay": "7s"}
    refunds = {
        "name": "refunds",
        "match": [{"uri": {"prefix": "/refunds"}}],
        "fault": {"delay": own},
        "route": [{"destination": {"host": "payment"}}],
    }
    everything = {
        "route": [{"destination": {"host": "payment"}, "weight": 100}],
        "timeout": "9s",
        "retries": {"attempts": 2, "retryOn": "5xx"},
        **rest,
    }
    metadata = {
        "name": "payment",
        "namespace": namespace,
        "labels": {"team": "harbour"},
        "annotations": {"why": "a canary"},
    }
    spec = {"hosts": ["payment"], "http": [refunds, everything]}
    return {"apiVersion": KIND[0], "kind": KIND[1], "metadata": metadata, "spec": spec}


def trouble(name: str, kind: str, duration: str = "20s", **parameters: float) -> Fault:
    spec = {"kind": kind, "target": {"service": "payment"}, "duration": duration, "parameters": parameters}
    return Fault.from_spec(name, spec)


def traces(obj: Obj) -> Any:
    """Return all that a fault might leave behind."""
    metadata = obj["metadata"]
    return obj["spec"], [metadata.get(part) for part in ("labels", "annotations", "managedFields", "ownerReferences")]


@pytest.mark.parametrize("kind", ["mesh-delay", "mesh-abort"])
def test_it_is_measured_ends_by_itself_and_leaves_no_trace(mesh: Mesh, kind: str) -> None:
    manifest = learners(mesh.namespace)
    before = traces(apply_as(mesh.kube, "learner", manifest))
    parameters = {"status": 418} if kind == "mesh-abort" else {}
    run = inject(mesh.kube, trouble("trouble", kind, **parameters), mesh.namespace)
    status = run.wait_active()
    assert (status.phase, status.affected) == ("Active", ("payment",)), status.message
    if kind == "mesh-abort":
        eventually(lambda: mesh.ask()[0] == 418, "the caller to get the status", within=15)
    else:
        eventually(mesh.is_slow, "the caller to wait", within=15)
    direct = mesh.kube.request("service:payment:80", "/healthz", mesh.namespace, timeout=SLOW)
    assert direct.status == 200, "who has no sidecar notices nothing"
    assert traces(mesh.stored())[1] == before[1], "the routes are still the learner's to change"

    ended = run.wait_reverted()
    assert ended.phase == "Reverted", ended.message
    assert traces(mesh.stored()) == before
    eventually(mesh.is_well, "payment to be well again", within=15)

    another = learners(mesh.namespace, timeout="8s")
    applied = apply_as(mesh.kube, "learner", another)  # without force: a conflict would be refused
    assert applied["spec"] == another["spec"]
    apply_as(mesh.kube, "pipeline", another)


def test_an_edit_meanwhile_stays(mesh: Mesh) -> None:
    apply_as(mesh.kube, "learner", learners(mesh.namespace))
    run = inject(mesh.kube, trouble("trouble", "mesh-delay", duration="60s"), mesh.namespace)
    run.wait_active()
    obj = mesh.stored()
    obj["spec"]["http"][1]["timeout"] = "5s"
    mesh.kube.replace(obj, manager="kubectl-edit")
    assert run.stop().phase == "Stopped"
    assert mesh.stored()["spec"] == learners(mesh.namespace, timeout="5s")["spec"]


def test_where_nothing_is_in_place_both_faults_share_what_they_bring(mesh: Mesh) -> None:
    delay = inject(mesh.kube, trouble("slow", "mesh-delay", duration="60s"), mesh.namespace)
    abort = inject(mesh.kube, trouble("broken", "mesh-abort", duration="60s", status=503), mesh.namespace)
    for run in (delay, abort):
        status = run.wait_active()
        assert status.phase == "Active", status.message
    assert len(mesh.virtual_services()) == 1

    def slow_and_broken() -> bool:
        status, seconds = mesh.ask()
        return status == 503 and seconds > SLOW

    eventually(slow_and_broken, "the caller to wait for an error", within=15)
    abort.stop()
    eventually(mesh.is_slow, "the delay to go on alone", within=15)
    delay.stop()
    assert mesh.virtual_services() == []
    eventually(mesh.is_well, "payment to be well again", within=15)


def test_a_second_delay_is_refused_in_words(mesh: Mesh) -> None:
    run = inject(mesh.kube, trouble("one", "mesh-delay", duration="60s"), mesh.namespace)
    run.wait_active()
    with pytest.raises(KubeError, match="another fault has changed the delay in VirtualService wavetank-one already"):
        inject(mesh.kube, trouble("two", "mesh-delay", ms=5), mesh.namespace)
    run.stop()
