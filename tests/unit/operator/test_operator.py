"""The whole operator, kopf included, against the tests' own API server: what a learner sees of it, and how fast."""

from __future__ import annotations

import time

import pytest
from tests.support.operator_process import operating
from tests.support.pond import NAMESPACE, Pond, essence
from tests.support.waiting import eventually

from wavetank.faults import Fault, active_faults, emergency_stop, inject
from wavetank.kube import Obj
from wavetank.waves import FINALIZER


@pytest.fixture
def booking(pond: Pond) -> Obj:
    return pond.deploy("booking")


def slow(name: str = "slow", duration: float = 30) -> Fault:
    spec = {"kind": "latency", "target": {"deployment": "booking"}, "duration": f"{duration}s", "parameters": {"ms": 1}}
    return Fault.from_spec(name, spec)


def events_of(pond: Pond, name: str) -> list[str]:
    events = sorted(pond.api.objects("Event", NAMESPACE), key=lambda event: str(event["eventTime"]))
    return [event["reason"] for event in events if event["involvedObject"]["name"] == name]


def test_a_fault_is_injected_ends_by_itself_and_is_told_in_events(pond: Pond, booking: Obj) -> None:
    with operating(pond.kube):
        run = inject(pond.kube, slow(duration=1), NAMESPACE)
        assert run.wait_active().affected == ("booking-1", "booking-2")
        assert pond.switches["booking-1"].on == ["latency"]
        assert run.wait_reverted().phase == "Reverted"
        assert not pond.switches["booking-1"].on
        eventually(lambda: events_of(pond, "slow") == ["Injected", "Reverted"], "the events")
        (event,) = (event for event in pond.api.objects("Event", NAMESPACE) if event["reason"] == "Injected")
        assert event["source"]["component"] == "wavetank"
        assert event["message"].startswith("latency at deployment booking (ms 1, jitterMs 0, pods 20) until ")


def test_it_keeps_nothing_on_a_fault_that_has_ended(pond: Pond, booking: Obj) -> None:
    with operating(pond.kube):
        run = inject(pond.kube, slow(), NAMESPACE)
        run.wait_active()
        assert pond.stored("Fault", "slow")["metadata"]["finalizers"] == [FINALIZER]
        run.stop()
        eventually(lambda: "finalizers" not in _full(pond.stored("Fault", "slow")["metadata"]), "the finalizer to go")
        assert "annotations" not in _full(pond.stored("Fault", "slow")["metadata"])


def test_a_new_pod_is_hit_as_soon_as_it_appears(pond: Pond, booking: Obj) -> None:
    with operating(pond.kube):
        inject(pond.kube, slow(), NAMESPACE).wait_active()
        new = pond.pod("booking-3", "booking")
        eventually(lambda: new.on == ["latency"], "the new pod to be hit")


def test_deleting_a_fault_reverts_it_first(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = Fault.from_spec("lost", {"kind": "wrong-port", "target": {"service": "booking"}, "duration": "30s"})
    with operating(pond.kube):
        inject(pond.kube, fault, NAMESPACE).wait_active()
        assert essence(pond.stored("Service", "booking")) != before
        pond.kube.delete(fault.to_resource(NAMESPACE), namespace=NAMESPACE, wait=5)
        assert essence(pond.stored("Service", "booking")) == before


def test_a_restarted_operator_goes_on(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = Fault.from_spec("lost", {"kind": "selector-mismatch", "target": {"service": "booking"}, "duration": "2s"})
    with operating(pond.kube):
        inject(pond.kube, fault, NAMESPACE).wait_active()
    broken = essence(pond.stored("Service", "booking"))
    assert broken != before, "an operator that ends leaves faults as they are"
    with operating(pond.kube):
        eventually(lambda: pond.status("lost")["phase"] == "Reverted", "the new operator to revert it")
    assert essence(pond.stored("Service", "booking")) == before


@pytest.mark.parametrize("whole_namespace", [False, True], ids=["the fault", "its namespace"])
def test_what_was_deleted_while_no_operator_ran_is_reverted_by_the_next(
    pond: Pond, booking: Obj, whole_namespace: bool
) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = Fault.from_spec("lost", {"kind": "wrong-port", "target": {"service": "booking"}, "duration": "60s"})
    with operating(pond.kube):
        inject(pond.kube, fault, NAMESPACE).wait_active()
        inject(pond.kube, slow(), NAMESPACE).wait_active()
    pond.kube.delete_object("Fault", "lost", NAMESPACE)
    pond.kube.delete_object("Fault", "slow", NAMESPACE)
    if whole_namespace:
        pond.api.delete("Service", "booking", NAMESPACE)
    assert pond.stored("Fault", "lost")["metadata"]["deletionTimestamp"], "its finalizer keeps it"
    with operating(pond.kube):
        eventually(lambda: pond.api.objects("Fault", NAMESPACE) == [], "the faults to be let go")
        assert not pond.switches["booking-1"].on
        if not whole_namespace:
            assert essence(pond.stored("Service", "booking")) == before


def test_an_outage_of_the_api_server_only_delays_the_end(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = Fault.from_spec("lost", {"kind": "selector-mismatch", "target": {"service": "booking"}, "duration": "1s"})
    with operating(pond.kube):
        inject(pond.kube, fault, NAMESPACE).wait_active()
        pond.api.stop()
        time.sleep(1.5)  # the fault's end comes while nobody answers
        pond.api.start()
        eventually(lambda: pond.status("lost")["phase"] == "Reverted", "the fault to be reverted")
    assert essence(pond.stored("Service", "booking")) == before


def test_the_emergency_stop_ends_twenty_faults_at_once(pond: Pond, booking: Obj) -> None:
    with operating(pond.kube):
        runs = [inject(pond.kube, slow(f"slow-{number}"), NAMESPACE) for number in range(20)]
        for run in runs:
            run.wait_active()
        assert len(pond.switches["booking-2"].on) == 20
        started = time.monotonic()
        ended = emergency_stop(pond.kube)
        assert time.monotonic() - started < 5
        assert {str(one) for one in ended} == {f"Fault harbour/slow-{number}" for number in range(20)}
        assert active_faults(pond.kube) == []
        assert not pond.switches["booking-2"].on


def test_once_the_mark_is_gone_nothing_is_written_not_even_a_finalizer(
    pond: Pond, booking: Obj, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wavetank.kube.mark.HOLDS_FOR", 0.0)
    with operating(pond.kube):
        before = inject(pond.kube, slow(), NAMESPACE)
        before.wait_active()
        pond.api.delete("ConfigMap", "wavetank-cluster", "wavetank-system")
        pond.api.put(slow("later").to_resource(NAMESPACE))  # as by somebody's kubectl
        asked = len(pond.api.requests)
        eventually(lambda: "is not marked as Wavetank's" in caplog.text, "kopf to have tried, and to be told")
        written = [(method, url) for method, url in pond.api.requests[asked:] if method != "GET"]
    assert written == []
    assert "finalizers" not in pond.stored("Fault", "later")["metadata"]


def _full(metadata: Obj) -> Obj:
    return {key: value for key, value in metadata.items() if value}
