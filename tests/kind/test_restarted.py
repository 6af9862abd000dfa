"""Nodes that come back with each other's addresses, containers that stand still for minutes: under a load and faults.

Faults are over and put back, the load's record says what it missed, and Lab 2 is at its first checkpoint within a
minute.

The engine itself is not restarted here, for every container of this machine goes down with it. It was by hand, with an
engine that has a network of its own (2 cores, engine 20.10): all containers come back by themselves, two of three nodes
with another address; Lab 2's first checkpoint is reached 42 s after the engine was started again, or 45 s with `up` at
once; a load says where it broke off, faults of a minute are put back, a node that was off comes back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker.models.containers import Container
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec, Provider, status, up
from wavetank.engine import connect
from wavetank.errors import KubeError, UnreachableError
from wavetank.faults import Fault, FaultRun, inject
from wavetank.faults.switch import switch_target
from wavetank.kube import Kube
from wavetank.kube.wait import has_condition
from wavetank.lesson import LabSession, find_lab
from wavetank.lesson.progress import ProgressFile
from wavetank.traffic import Load, LoadRun, LoadStatus, Summary, Target, start_load

pytestmark = [pytest.mark.kind, pytest.mark.timeout(600)]

MANIFESTS = Path(__file__).parents[2] / "labs/tidewater/manifests"
SAILINGS = Target("timetable", path="/sailings", headers={"Connection": "close"})  # each may meet any pod
PAUSED = 180.0
REACHED_WITHIN = 60.0
WELL_WITHIN = 120.0
SYSTEM = ("kube-system", "projectcontour", "istio-system", "wavetank-system")


@pytest.fixture
def lab(kube: Kube, tmp_path: Path) -> LabSession:
    return LabSession(find_lab("02-kubernetes"), ProgressFile(tmp_path / "progress.json"), kube=kube)


@pytest.fixture
def harbour(kube: Kube, namespace: str, spec: ClusterSpec) -> Iterator[str]:
    """Float timetable, on both workers, and payment in a namespace of their own; the cluster is well again after it."""
    for app in ("timetable", "payment"):
        kube.apply(MANIFESTS / f"{app}.yaml", namespace=namespace)
    kube.scale("timetable", namespace, 4)
    for app in ("timetable", "payment"):
        kube.rollout(app, namespace, timeout=60)
    yield namespace
    for container in containers(spec):
        if container.status == "paused":
            container.unpause()
    up(spec)
    for kind in ("Fault", "Load"):
        kube.delete(kube.list(kind, namespace), namespace=namespace, wait=30)
    for system in SYSTEM:
        for pod in kube.list("Pod", system):
            kube.wait_for("Pod", pod["metadata"]["name"], system, has_condition("Ready"), timeout=WELL_WITHIN)


def containers(spec: ClusterSpec) -> list[Container]:
    """Return the nodes of the cluster and what stands beside them."""
    found: list[Container] = connect().containers.list(all=True, filters={"network": spec.name})
    return found


def addresses(spec: ClusterSpec) -> dict[str, str]:
    nodes = [node for node in containers(spec) if node.name in spec.node_names]
    return {str(node.name): node.attrs["NetworkSettings"]["Networks"][spec.name]["IPAddress"] for node in nodes}


def make_waves(kube: Kube, namespace: str, seconds: float) -> tuple[LoadRun, list[FaultRun]]:
    """Start a load of so many seconds and two faults of half a minute, and return once all have an effect."""
    run = start_load(kube, Load("evening", SAILINGS, rate=20, duration=seconds), namespace)
    slow = {"kind": "latency", "target": {"deployment": "timetable"}, "parameters": {"ms": 100}, "duration": "30s"}
    lost = {"kind": "wrong-port", "target": {"service": "payment"}, "duration": "30s"}
    faults = [inject(kube, Fault.from_spec(name, it), namespace) for name, it in {"slow": slow, "lost": lost}.items()]
    assert {fault.wait_active().phase for fault in faults} == {"Active"}
    following = run.follow()
    for _ in range(3):
        next(following)
    return run, faults


def assert_put_back(kube: Kube, namespace: str, faults: list[FaultRun]) -> None:
    assert {fault.wait_reverted().phase for fault in faults} == {"Reverted"}
    assert kube.get("Service", "payment", namespace)["spec"]["ports"][0]["targetPort"] == "http"
    for pod in kube.list("Pod", namespace, "app=timetable"):
        kube.wait_for("Pod", pod["metadata"]["name"], namespace, "Ready", timeout=30)
        assert kube.request(switch_target(pod), "/faults", namespace).json() == {"faults": []}


def reach_the_first_checkpoint(lab: LabSession) -> float:
    began = time.monotonic()
    lab.goto("dock")
    return time.monotonic() - began


def test_nodes_restarted_in_the_worst_order_work_again_and_a_load_says_where_it_broke_off(
    kube: Kube,
    spec: ClusterSpec,
    provider: Provider,
    harbour: str,
    lab: LabSession,
    record_property: pytest.RecordProperty,
) -> None:
    run, faults = make_waves(kube, harbour, 300)
    before = addresses(spec)
    nodes = [node for node in containers(spec) if node.name in before]
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: node.stop(timeout=3), nodes))
    for node in sorted(
        nodes, key=lambda node: before[str(node.name)], reverse=True
    ):  # each gets the least that is free
        node.start()
    assert addresses(spec) != before

    began = time.monotonic()
    up(spec)
    record_property("up (s)", round(time.monotonic() - began, 1))
    took = reach_the_first_checkpoint(lab)
    record_property("Lab 2's first checkpoint after it (s)", round(took, 1))
    assert took < REACHED_WITHIN

    with pytest.raises(KubeError, match="the load evening broke off after"):
        run.summary()
    assert run.status().phase == "Failed"
    assert "it broke off after" in run.status().message
    assert (run.status().sent or 0) >= 40
    assert_put_back(kube, harbour, faults)

    worker = spec.worker_names[0]
    stop = Fault.from_spec("dark", {"kind": "node-stop", "target": {"node": worker}, "duration": "3s"})
    dark = inject(kube, stop, harbour)
    eventually(lambda: state(provider, spec, worker) == "paused", "the node to stop", within=5)
    assert dark.wait_reverted().phase == "Reverted"
    eventually(lambda: state(provider, spec, worker) == "running", "the node to be back", within=5)
    kube.wait_for("Node", worker, None, "Ready", timeout=30)
    kube.rollout("timetable", harbour, timeout=30)
    again = start_load(kube, Load("morning", SAILINGS, rate=20, duration=3), harbour).summary()
    assert again.status == {"200": 60}


def test_a_cluster_that_stood_still_for_three_minutes_goes_on_and_a_load_says_what_it_missed(
    kube: Kube, spec: ClusterSpec, harbour: str, lab: LabSession, record_property: pytest.RecordProperty
) -> None:
    load = Load("evening", SAILINGS, rate=20, duration=PAUSED + 15)
    run, faults = make_waves(kube, harbour, load.duration)
    began = time.monotonic()
    for container in containers(spec):
        container.pause()
    told = status(spec)
    assert (told.state, {node.state for node in told.nodes}) == ("down", {"paused"})
    with pytest.raises(UnreachableError, match="does not answer"):
        lab.goto("dock")
    time.sleep(began + PAUSED - time.monotonic())
    for container in containers(spec):
        container.unpause()

    took = reach_the_first_checkpoint(lab)
    record_property("Lab 2's first checkpoint after it (s)", round(took, 1))
    assert took < REACHED_WITHIN

    seconds = list(run.follow())
    summary = Summary.of(seconds)
    assert [second.t for second in seconds] == list(range(round(load.duration)))
    assert summary.scheduled == load.requests == summary.sent + summary.unsent
    assert summary.still == pytest.approx(PAUSED, abs=5)
    assert summary.unsent == pytest.approx(20 * PAUSED, abs=200)
    longest = summary.latencies.percentile(100)
    assert longest is not None
    assert longest < 5, "the latencies are the target's"
    over = kube.wait_for("Load", "evening", harbour, has_ended, timeout=30, waiting_for="the load to be over")
    assert LoadStatus.from_resource(over).phase == "Completed"
    assert f"stood still for {summary.still:.0f} s, and {summary.unsent} requests were not sent" in run.status().message
    assert_put_back(kube, harbour, faults)


def has_ended(load: dict[str, object] | None) -> bool:
    return load is not None and LoadStatus.from_resource(load).ended


def state(provider: Provider, spec: ClusterSpec, name: str) -> str:
    return next(node.state for node in provider.nodes(spec.name) if node.name == name)
