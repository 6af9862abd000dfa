"""A fault from the notebook's side, with nobody in the cluster to tend it unless a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.operator_process import operating
from tests.support.pond import NAMESPACE, Pond

from wavetank.errors import InputError, NotFoundError, WaitTimeoutError
from wavetank.faults import Fault, FaultRun, active_faults, emergency_stop, inject, run
from wavetank.faults.switch import PORT
from wavetank.kube import Kube
from wavetank.traffic import Load, Target

SLOW = Fault.from_spec("slow", {"kind": "latency", "target": {"deployment": "booking"}, "duration": "30s"})


@pytest.fixture
def pond(tmp_path: Path) -> Iterator[Pond]:
    with Pond(tmp_path) as pond:
        pond.deploy("booking")
        yield pond


def test_the_time_left_is_that_of_the_cluster(pond: Pond) -> None:
    with operating(pond.kube):
        injected = inject(pond.kube, SLOW, NAMESPACE)
        injected.wait_active()
        assert 28 < injected.time_left() <= 31
        assert [fault.name for fault in active_faults(pond.kube)] == ["slow"]
        assert active_faults(pond.kube, "elsewhere") == []


def test_another_process_finds_the_same_fault(pond: Pond) -> None:
    with operating(pond.kube):
        inject(pond.kube, SLOW, NAMESPACE).wait_active()
        assert FaultRun(Kube.connect(pond.kubeconfig), "slow", NAMESPACE).stop().phase == "Stopped"
        assert active_faults(pond.kube) == []


def test_an_ended_fault_makes_room_for_the_next_of_its_name(pond: Pond) -> None:
    with operating(pond.kube):
        first = inject(pond.kube, SLOW, NAMESPACE)
        first.wait_active()
        with pytest.raises(InputError, match="the fault slow is still on"):
            inject(pond.kube, SLOW, NAMESPACE)
        first.stop()
        assert inject(pond.kube, SLOW, NAMESPACE).wait_active().phase == "Active"


def test_a_fault_that_nobody_tends_is_told_so(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_BEGIN_WITHIN", 0.2)
    injected = inject(pond.kube, SLOW, NAMESPACE)
    assert injected.status().phase == "Pending"
    with pytest.raises(WaitTimeoutError, match="the fault slow to take effect"):
        injected.wait_active()


def test_a_fault_without_effect_is_not_active_and_says_why(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_BEGIN_WITHIN", 2.0)
    for name in pond.switches:
        del pond.api.answers[NAMESPACE, f"pod:{name}:{PORT}"]
    with operating(pond.kube):
        with pytest.raises(WaitTimeoutError) as caught:
            inject(pond.kube, SLOW, NAMESPACE).wait_active()
        assert "phase Pending: on in 0 of 2 pods" in caught.value.help.observed
        assert "its fault switch does not answer at :8079" in caught.value.help.observed


def test_a_fault_that_is_gone_is_told_so(pond: Pond) -> None:
    with pytest.raises(NotFoundError):
        FaultRun(pond.kube, "slow", NAMESPACE).status()


def test_the_emergency_stop_names_what_did_not_end(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STOP_WITHIN", 0.3)
    inject(pond.kube, SLOW, NAMESPACE)
    with pytest.raises(WaitTimeoutError) as caught:
        emergency_stop(pond.kube)
    assert caught.value.help.observed.startswith("still going on: Fault harbour/slow; there is no Deployment")
    assert caught.value.help.hint.startswith("wavetank up")
    assert pond.stored("Fault", "slow")["spec"]["stop"] is True, "the operator will end it when it is back"


def test_without_an_operator_no_request_is_sent_any_more(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STOP_WITHIN", 0.3)
    pond.kube.create(Load("steady", Target("booking"), rate=1, duration=60).to_resource(NAMESPACE))
    running = {"status": {"phase": "Running", "pod": "load-steady"}}
    pond.kube.patch("Load", "steady", NAMESPACE, running, subresource="status")
    pond.pod("load-steady", "load")
    with pytest.raises(WaitTimeoutError, match="not everything has ended"):
        emergency_stop(pond.kube)
    assert pond.api.get("Pod", "load-steady", NAMESPACE) is None


def test_an_operator_that_runs_is_not_blamed_for_being_away(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STOP_WITHIN", 0.3)
    inject(pond.kube, SLOW, NAMESPACE)
    operator = {"apiVersion": "apps/v1", "kind": "Deployment", "status": {"readyReplicas": 1}}
    pond.api.put({**operator, "metadata": {"name": "wavetank-operator", "namespace": "wavetank-system"}})
    with pytest.raises(WaitTimeoutError) as caught:
        emergency_stop(pond.kube)
    assert caught.value.help.observed == "still going on: Fault harbour/slow"


def test_the_emergency_stop_takes_what_is_deleted_meanwhile_for_ended(pond: Pond) -> None:
    inject(pond.kube, SLOW, NAMESPACE)

    def delete_when_asked_to_stop(change: str, obj: dict[str, object]) -> None:
        if change == "MODIFIED" and obj["kind"] == "Fault":
            pond.api.delete("Fault", "slow", NAMESPACE)

    pond.api.on_write(delete_when_asked_to_stop)
    assert [str(one) for one in emergency_stop(pond.kube)] == ["Fault harbour/slow"]


def test_a_cluster_without_the_kinds_has_nothing_to_stop(tmp_path: Path) -> None:
    with ApiServer() as api:
        assert emergency_stop(Kube.connect(api.kubeconfig(tmp_path))) == []
