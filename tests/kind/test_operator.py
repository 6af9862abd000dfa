"""The operator in a real cluster: killed in the middle, twenty faults at once, the emergency stop, nothing left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.faults import Fault, FaultRun, active_faults, emergency_stop, inject
from wavetank.kube import Kube, Obj
from wavetank.traffic import Load, Target, start_load

pytestmark = pytest.mark.kind

MANIFESTS = Path(__file__).parents[2] / "labs/tidewater/manifests"
SYSTEM = "wavetank-system"
OPERATOR = "app.kubernetes.io/name=wavetank-operator"


@pytest.fixture
def payment(kube: Kube, namespace: str) -> Iterator[str]:
    """Float the payment service; its namespace, from which every fault and load is gone within seconds afterwards."""
    kube.apply(MANIFESTS / "payment.yaml", namespace=namespace)
    kube.rollout("payment", namespace, timeout=60)
    yield namespace
    for kind in ("Fault", "Load"):
        kube.delete(kube.list(kind, namespace), namespace=namespace, wait=10)


def lost(name: str = "lost", duration: str = "60s") -> Fault:
    return Fault.from_spec(name, {"kind": "wrong-port", "target": {"service": "payment"}, "duration": duration})


def slow(name: str, duration: str = "60s") -> Fault:
    spec = {"kind": "latency", "target": {"deployment": "payment"}, "duration": duration, "parameters": {"ms": 1}}
    return Fault.from_spec(name, spec)


def target_port(kube: Kube, namespace: str) -> object:
    return kube.get("Service", "payment", namespace)["spec"]["ports"][0]["targetPort"]


def kill_the_operator(kube: Kube) -> None:
    """Kill the operator as a crash would, and return once another has come up."""
    (pod,) = kube.list("Pod", SYSTEM, selector=OPERATOR)
    kube.delete_object("Pod", pod["metadata"]["name"], SYSTEM, grace=0)

    def is_another(found: Obj | None) -> bool:
        return found is not None and found["metadata"]["uid"] != pod["metadata"]["uid"] and _is_ready(found)

    kube.wait_for("Pod", OPERATOR, SYSTEM, is_another, timeout=60, waiting_for="another operator")


def test_an_operator_killed_in_the_middle_goes_on(kube: Kube, payment: str) -> None:
    run = inject(kube, lost(duration="20s"), payment)
    run.wait_active()
    kill_the_operator(kube)
    status = run.status()
    assert (status.phase, target_port(kube, payment)) == ("Active", 9999)
    ended = run.wait_reverted()
    assert ended.phase == "Reverted"
    assert target_port(kube, payment) == "http"


def test_a_fault_whose_end_comes_while_no_operator_is_there_is_reverted_by_the_next(kube: Kube, payment: str) -> None:
    run = inject(kube, lost(duration="4s"), payment)
    run.wait_active()
    kube.scale("wavetank-operator", SYSTEM, 0)
    try:
        kube.wait_for("Pod", OPERATOR, SYSTEM, lambda pod: pod is None, timeout=30, waiting_for="no operator")
        eventually(lambda: run.time_left() == 0, "the end to come")
        assert target_port(kube, payment) == 9999
        kube.create(slow("later").to_resource(payment))  # the webhook is away: creating must not fail
    finally:
        kube.scale("wavetank-operator", SYSTEM, 1)
    assert run.wait_reverted().phase == "Reverted"
    assert target_port(kube, payment) == "http"
    assert FaultRun(kube, "later", payment).wait_active().phase == "Active"


def test_a_deleted_fault_is_reverted_first(kube: Kube, payment: str) -> None:
    inject(kube, lost(), payment).wait_active()
    started = time.monotonic()
    kube.delete(lost().to_resource(payment), namespace=payment, wait=10)
    assert time.monotonic() - started < 5
    assert target_port(kube, payment) == "http"


def test_a_namespace_with_active_faults_and_loads_goes_quickly(kube: Kube, payment: str) -> None:
    inject(kube, lost(), payment).wait_active()
    inject(kube, slow("slow"), payment).wait_active()
    start_load(kube, Load("steady", Target("payment", path="/version"), rate=2, duration=60), payment)
    kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": payment}}, wait=60)
    assert not [fault for fault in active_faults(kube) if fault.namespace == payment]


def test_a_load_s_pod_that_is_killed_is_told(kube: Kube, payment: str) -> None:
    run = start_load(kube, Load("steady", Target("payment", path="/version"), rate=2, duration=60), payment)
    load = kube.wait_for("Load", "steady", payment, _is_running, timeout=60, waiting_for="the load to run")
    kube.delete_object("Pod", load["status"]["pod"], payment, grace=0)
    eventually(lambda: run.status().phase == "Failed", "the load to be told failed")
    assert "is gone" in run.status().message


def test_the_emergency_stop_ends_twenty_faults_and_two_loads(kube: Kube, payment: str) -> None:
    faults = [inject(kube, slow(f"slow-{number}"), payment) for number in range(18)]
    faults += [inject(kube, lost(), payment), inject(kube, _unready(), payment)]
    _start_loads(kube, payment, faults)
    assert len([one for one in emergency_stop(kube) if one.namespace == payment]) == 22
    assert active_faults(kube) == []
    assert target_port(kube, payment) == "http"
    assert kube.get("Load", "one", payment)["status"]["phase"] == "Stopped"


def _start_loads(kube: Kube, namespace: str, faults: list[FaultRun]) -> None:
    """Start two loads, and return when they run and the faults are on."""
    for name in ("one", "two"):
        start_load(kube, Load(name, Target("payment", path="/version"), rate=5, duration=120), namespace)
    for run in faults:
        assert run.wait_active().phase == "Active"
    for name in ("one", "two"):
        kube.wait_for("Load", name, namespace, _is_running, timeout=60, waiting_for="the loads to run")


def test_events_tell_the_story(kube: Kube, payment: str) -> None:
    run = inject(kube, slow("slow"), payment)
    run.wait_active()
    run.stop()
    told = {(event["reason"], event["source"]["component"]) for event in _events(kube, payment, 2)}
    assert told == {("Injected", "wavetank"), ("Stopped", "wavetank")}


def _events(kube: Kube, namespace: str, count: int) -> list[Obj]:
    found: list[Obj] = []

    def all_there() -> bool:
        found[:] = kube.events(namespace, "slow")
        return len(found) == count

    eventually(all_there, "the events to be posted")
    return found


def _unready() -> Fault:
    return Fault.from_spec("unready", {"kind": "unready", "target": {"deployment": "payment"}, "duration": "60s"})


def _is_running(load: Obj | None) -> bool:
    return load is not None and load.get("status", {}).get("phase") == "Running"


def _is_ready(pod: Obj) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
