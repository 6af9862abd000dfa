"""Checks on the real cluster, both ways: what Kubernetes really shows is what they look for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import eventually

from wavetank.faults import Fault
from wavetank.kube import Kube
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.checks import run_check
from wavetank.lesson.lab import Checkpoint, Lab, Named
from wavetank.traffic import Load, Question, ask

pytestmark = [pytest.mark.kind, pytest.mark.timeout(240)]

TIMETABLE = Path(__file__).parents[2] / "labs/tidewater/manifests/timetable.yaml"
APP = {"app": "timetable"}
STEADY = Load.from_spec(
    "steady", {"target": {"service": "timetable", "path": "/sailings"}, "rate": 20, "duration": "15s"}
)
KILL = Fault.from_spec("kill", {"kind": "pod-kill", "target": {"selector": APP}, "duration": "10s"})
ERRORS = Fault.from_spec(
    "errors",
    {"kind": "errors", "target": {"selector": APP}, "parameters": {"share": 1}, "duration": "4s"},
)


@pytest.fixture
def timetable(kube: Kube, namespace: str) -> str:
    """Float the timetable, two pods of it; its namespace."""
    kube.apply(TIMETABLE, namespace=namespace)
    kube.rollout("timetable", namespace, timeout=60)
    looked = Question("http://timetable/sailings", timeout=2)
    asked = partial(ask, kube, namespace, "timetable", looked)
    eventually(lambda: asked().statuses == {200: 1}, "the nodes to know where the Service leads", within=30, every=0.5)
    return namespace


@pytest.fixture
def bench(kube: Kube, timetable: str, tmp_path: Path) -> Iterator[Bench]:
    lab = Lab(
        id="09-sample",
        title="A sample",
        minutes=1,
        objectives=(),
        addons=(),
        checkpoints=(Checkpoint("afloat", "it floats"),),
        folder=tmp_path,
        namespace=timetable,
        loads={"steady": STEADY},
        faults={"kill": KILL, "errors": ERRORS},
    )
    with Bench(lambda: kube, lab) as bench:
        yield bench


def check(bench: Bench, word: str, /, **parameters: Any) -> CheckResult:
    return run_check(Named(word, parameters), bench)


def change_container(bench: Bench, **change: Any) -> None:
    container = {"name": "timetable", **change}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    bench.kube.patch("Deployment", "timetable", bench.namespace, patch, type="strategic")


def test_a_healthy_deployment_passes(bench: Bench) -> None:
    assert check(bench, "rollout", deployment="timetable").passed
    assert check(bench, "ready", selector=APP, at_least=2).passed
    assert check(bench, "spread", selector=APP, nodes=2).passed
    assert check(bench, "restarts", selector=APP, at_most=0).passed
    assert check(bench, "replicas", deployment="timetable", at_least=2, at_most=2).passed
    assert check(bench, "http", service="timetable", path="/sailings", contains="T1").passed
    path = ["spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"]
    assert check(bench, "field", kind="Deployment", name="timetable", path=path, equals=8080).passed


def test_an_image_that_is_not_there(bench: Bench) -> None:
    change_container(bench, image="wavetank.dev/tidewater/timetable:v99")
    result = check(bench, "rollout", deployment="timetable", within="10s")
    assert not result.passed
    assert "cannot pull the image wavetank.dev/tidewater/timetable:v99" in result.saw
    assert check(bench, "state", selector=APP, reason="ImagePullBackOff").passed
    assert check(bench, "ready", selector=APP, at_least=2).passed, "the old pods go on serving"


def test_a_container_that_uses_too_much_memory(bench: Bench) -> None:
    assert not check(bench, "state", selector=APP, reason="OOMKilled", within="1s").passed
    hungry = ["python3", "-c", "hoard = [bytearray(1 << 24) for _ in range(64)]"]
    change_container(bench, command=hungry)
    assert check(bench, "state", selector=APP, reason="OOMKilled").passed
    assert check(bench, "restarts", selector=APP, at_least=1).passed
    assert not check(bench, "restarts", selector=APP, at_most=0).passed


def test_a_probe_that_fails(bench: Bench) -> None:
    assert not check(bench, "events", reason="Unhealthy", about="nobody", within="1s").passed
    change_container(bench, readinessProbe={"httpGet": {"path": "/nowhere", "port": 8080}, "periodSeconds": 1})
    assert check(bench, "events", reason="Unhealthy", about="timetable").passed
    result = check(bench, "rollout", deployment="timetable", within="5s")
    assert "its readiness probe fails" in result.saw


def test_a_service_that_finds_no_pods(bench: Bench) -> None:
    bench.kube.patch("Service", "timetable", bench.namespace, {"spec": {"selector": {"app": "timetabel"}}})
    bench.until("EndpointSlice", lambda slices: not any(s["endpoints"] for s in slices), 10, waiting_for="no endpoints")

    def asked() -> CheckResult:
        return check(bench, "http", service="timetable", path="/sailings", within="1s")

    eventually(lambda: not asked().passed, "the API server's proxy to know of it, too", within=10)
    assert "no endpoints available" in asked().saw


def test_an_ingress_leads_to_its_service(bench: Bench) -> None:
    assert check(bench, "http", ingress="door", within="1s").saw == "there is no Ingress door"
    backend = {"service": {"name": "timetable", "port": {"number": 80}}}
    host = f"{bench.namespace}.test"
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "door"}}
    bench.kube.apply({**ingress, "spec": {"rules": [rule]}}, namespace=bench.namespace)
    assert check(bench, "http", ingress="door", path="/sailings", contains="T1").passed


def test_a_rollout_that_loses_nothing_and_one_that_does(bench: Bench) -> None:
    assert check(bench, "available", load="steady", during={"restart": "timetable"}).passed
    assert check(bench, "latency", load="steady", during={"restart": "timetable"}, percentile=50, below="1s").passed
    recreate = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
    bench.kube.patch("Deployment", "timetable", bench.namespace, recreate)
    with Bench(lambda: bench.kube, bench.lab) as again:
        result = check(again, "available", load="steady", during={"restart": "timetable"})
    assert not result.passed
    assert "requests failed" in result.saw


def test_recovery_from_a_fault_is_as_long_as_the_fault(bench: Bench) -> None:
    assert check(bench, "recovery", load="steady", fault="errors", within="8s").passed
    assert not check(bench, "recovery", load="steady", fault="errors", within="1s").passed


def test_a_killed_pod_is_made_up_for(bench: Bench) -> None:
    assert check(bench, "recovery", load="steady", fault="kill", within="5s").passed
    assert check(bench, "replicas", deployment="timetable", at_least=2, at_most=2).passed


def test_replicas_follow_a_scaling_under_load(bench: Bench) -> None:
    during = {"scale": {"deployment": "timetable", "replicas": 3}}
    result = check(bench, "replicas", deployment="timetable", load="steady", during=during, at_least=3)
    assert result.passed
    assert result.saw == "up to 3 ready replicas under load"
