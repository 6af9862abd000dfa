"""A fault from Pending to its end, look by look, and what it does to the cluster meanwhile."""

from __future__ import annotations

import pytest
from tests.support.apistore import Answer, Request
from tests.support.pond import NAMESPACE, Pond, essence

from wavetank.errors import KubeError
from wavetank.faults import CATALOGUE
from wavetank.faults.switch import PORT
from wavetank.kube import Obj
from wavetank.operator import faults
from wavetank.operator.faults import EFFECTS, FaultTender
from wavetank.operator.look import Look

BREAKING = {
    "bad-image": ("Deployment", "booking", {"deployment": "booking"}),
    "config-missing": ("Deployment", "booking", {"deployment": "booking"}),
    "selector-mismatch": ("Service", "booking", {"service": "booking"}),
    "wrong-port": ("Service", "booking", {"service": "booking"}),
    "node-stop": ("Node", "worker", {"node": "worker"}),
}


def tender(pond: Pond, fault: Obj) -> FaultTender:
    return FaultTender(pond.kube, NAMESPACE, fault["metadata"]["name"], fault["metadata"]["uid"])


def reasons(look: Look) -> list[str]:
    return [news.reason for news in look.news]


@pytest.fixture
def booking(pond: Pond) -> Obj:
    pond.node("worker")
    return pond.deploy("booking")


def test_every_kind_of_the_catalogue_has_an_effect() -> None:
    assert EFFECTS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("kind", BREAKING)
def test_what_breaks_an_object_is_put_back_as_it_was(kind: str, pond: Pond, booking: Obj) -> None:
    api_kind, name, target = BREAKING[kind]
    before = essence(pond.stored(api_kind, name))
    tending = tender(pond, pond.fault("trouble", kind, target))

    look = tending.look()
    assert essence(pond.stored(api_kind, name)) != before
    assert reasons(look) == ["Injected"]
    assert 28 < (look.again or 0) <= 31
    status = pond.status("trouble")
    assert (status["phase"], status["affected"]) == ("Active", [name])

    pond.let_expire("trouble")
    assert reasons(tending.look()) == ["Reverted"]
    assert essence(pond.stored(api_kind, name)) == before
    assert pond.status("trouble")["phase"] == "Reverted"
    assert tending.look().again is None


@pytest.mark.parametrize("kind", ["latency", "errors", "cpu-burn", "memory-leak", "unready"])
def test_trouble_in_the_application_is_in_every_pod_and_ends_in_every_pod(kind: str, pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", kind, {"deployment": "booking"}))
    tending.look()
    assert [pod.on for pod in pond.switches.values()] == [[kind], [kind]]
    assert pond.status("trouble")["affected"] == ["booking-1", "booking-2"]

    tending.look()  # whyever it looks again, nothing is switched on twice
    assert [pod.asked.count("POST") for pod in pond.switches.values()] == [1, 1]

    pond.stop("trouble")
    assert reasons(tending.look()) == ["Stopped"]
    assert [pod.on for pod in pond.switches.values()] == [[], []]


def test_the_application_knows_the_end_itself(pond: Pond, booking: Obj) -> None:
    tender(pond, pond.fault("trouble", "latency", {"selector": {"app": "booking"}}, duration="20s", ms=70)).look()
    (fault,) = pond.switches["booking-1"].switch.active()
    assert 19 < fault.seconds_left <= 21
    assert fault.parameters == {"ms": 70, "jitter_ms": 0}


def test_trouble_follows_pods_that_appear_and_containers_that_restart(pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", "errors", {"service": "booking"}))
    tending.look()
    new, restarted = pond.pod("booking-3", "booking"), pond.pod("booking-1", "booking", restarts=1)
    tending.look()
    assert (new.on, restarted.on) == (["errors"], ["errors"])
    assert pond.status("trouble")["affected"] == ["booking-1", "booking-2", "booking-3"]


def test_trouble_in_some_pods_stays_in_those(pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", "unready", {"deployment": "booking"}, pods=1))
    tending.look()
    (afflicted,) = pond.status("trouble")["affected"]
    pond.pod("a-new-one", "booking")
    tending.look()
    assert [name for name, pod in pond.switches.items() if pod.on] == [afflicted]


def test_a_pod_that_does_not_answer_is_tried_again_and_named(pond: Pond, booking: Obj) -> None:
    pond.switches["booking-2"].hangs = True
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    look = tending.look()
    assert look.again == 1.0
    status = pond.status("trouble")
    assert status["affected"] == ["booking-1"]
    assert "on in 1 of 2 pods; booking-2: GET /faults" in status["message"]
    pond.switches["booking-2"].hangs = False
    tending.look()
    assert pond.status("trouble")["affected"] == ["booking-1", "booking-2"]


def test_a_pod_that_crashes_of_it_was_affected(pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", "memory-leak", {"deployment": "booking"}))
    assert reasons(tending.look()) == ["Injected"]
    for pod in pond.switches.values():
        pod.hangs = True
    tending.look()
    assert pond.status("trouble")["message"].startswith("on in 0 of 2 pods")
    for pod in pond.switches.values():
        pod.hangs = False
    assert reasons(tending.look()) == [], "it is told once"
    pond.let_expire("trouble")
    assert reasons(tending.look()) == ["Reverted"]


def test_two_faults_in_one_pod_end_one_by_one(pond: Pond, booking: Obj) -> None:
    first = tender(pond, pond.fault("one", "latency", {"deployment": "booking"}))
    second = tender(pond, pond.fault("two", "latency", {"deployment": "booking"}))
    first.look()
    second.look()
    assert pond.switches["booking-1"].on == ["latency", "latency"]
    pond.stop("one")
    first.look()
    assert pond.switches["booking-1"].on == ["latency"]


def test_a_pod_is_killed_once(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "pod-kill", {"deployment": "booking"})
    assert reasons(tender(pond, fault).look()) == ["Injected", "Reverted"]
    (killed,) = pond.status("trouble")["affected"]
    assert pond.api.get("Pod", killed, NAMESPACE) is None
    assert len(pond.api.objects("Pod", NAMESPACE)) == 1
    assert tender(pond, fault).look().again is None
    assert len(pond.api.objects("Pod", NAMESPACE)) == 1


def test_a_restart_between_choosing_and_killing_kills_no_other_pod(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "pod-kill", {"deployment": "booking"})
    chosen = pond.stored("Pod", "booking-1")["metadata"]
    pond.api.delete("Pod", "booking-1", NAMESPACE)
    pond.pod("booking-1", "booking")  # another pod of the same name, as a StatefulSet would make it
    begun = {
        "phase": "Active",
        "endsAt": "2999-01-01T00:00:00Z",
        "affected": [],
        "original": {"pods": [{"name": "booking-1", "uid": chosen["uid"], "restarts": 0}]},
    }
    pond.kube.patch("Fault", "trouble", NAMESPACE, {"status": begun}, subresource="status")
    tender(pond, fault).look()
    assert {pod["metadata"]["name"] for pod in pond.api.objects("Pod", NAMESPACE)} == {"booking-1", "booking-2"}


def test_containers_crash_once(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "container-crash", {"deployment": "booking"}, pods=2)
    assert reasons(tender(pond, fault).look()) == ["Injected", "Reverted"]
    assert all(pod.crashed.wait(5) for pod in pond.switches.values())


def test_a_kill_waits_for_a_pod_to_kill(pond: Pond) -> None:
    pond.deploy("booking", replicas=0)
    pond.pod("booking-1", "booking", phase="Pending")
    tending = tender(pond, pond.fault("trouble", "pod-kill", {"deployment": "booking"}))
    assert tending.look().again == 1.0
    assert pond.status("trouble") == {"phase": "Pending", "message": "waiting for a running pod"}
    pond.pod("booking-1", "booking")
    tending.look()
    assert pond.status("trouble")["affected"] == ["booking-1"]


@pytest.mark.parametrize("kind", BREAKING)
def test_a_repair_is_never_overwritten(kind: str, pond: Pond, booking: Obj) -> None:
    api_kind, name, target = BREAKING[kind]
    before = pond.stored(api_kind, name)
    tending = tender(pond, pond.fault("trouble", kind, target))
    tending.look()
    repaired = {**before, "metadata": {**before["metadata"], "labels": {"repaired": "by hand"}}}
    if kind == "bad-image":
        repaired["spec"]["template"]["spec"]["containers"][0]["image"] = "booking:repaired"
    pond.api.put(repaired)
    expected = essence(pond.stored(api_kind, name))

    tending.look()  # it is still active, and does not break it again
    assert essence(pond.stored(api_kind, name)) == expected
    pond.let_expire("trouble")
    tending.look()
    assert essence(pond.stored(api_kind, name)) == expected
    assert pond.status("trouble")["phase"] == "Reverted"
    assert "somebody's change stays" in pond.status("trouble")["message"]


@pytest.mark.parametrize("kind", BREAKING)
def test_an_object_that_is_gone_needs_no_repair(kind: str, pond: Pond, booking: Obj) -> None:
    api_kind, name, target = BREAKING[kind]
    tending = tender(pond, pond.fault("trouble", kind, target))
    tending.look()
    pond.api.delete(api_kind, name, NAMESPACE)
    pond.let_expire("trouble")
    tending.look()
    assert pond.status("trouble")["phase"] == "Reverted"
    assert "is gone: nothing to put back" in pond.status("trouble")["message"]


@pytest.mark.parametrize("kind", [*BREAKING, "latency"])
def test_another_operator_goes_on_where_the_last_one_was_killed(kind: str, pond: Pond, booking: Obj) -> None:
    api_kind, name, target = BREAKING.get(kind, ("Deployment", "booking", {"deployment": "booking"}))
    before = essence(pond.stored(api_kind, name))
    fault = pond.fault("trouble", kind, target)
    tender(pond, fault).look()
    pond.let_expire("trouble")
    tender(pond, fault).look()
    assert essence(pond.stored(api_kind, name)) == before
    assert all(not pod.on for pod in pond.switches.values())


@pytest.mark.parametrize("acted", [False, True], ids=["before it acted", "after it acted"])
def test_killed_between_remembering_and_writing_down_what_was_done(acted: bool, pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = pond.fault("trouble", "selector-mismatch", {"service": "booking"})
    tender(pond, fault).look()
    broken = essence(pond.stored("Service", "booking"))
    if not acted:
        pond.api.put({**before, "metadata": before["metadata"]})
    pond.kube.patch("Fault", "trouble", NAMESPACE, {"status": {"affected": []}}, subresource="status")

    again = tender(pond, fault)
    again.look()
    assert essence(pond.stored("Service", "booking")) == broken
    assert pond.status("trouble")["affected"] == ["booking"]
    pond.stop("trouble")
    again.look()
    assert essence(pond.stored("Service", "booking")) == before


@pytest.mark.parametrize("kind", [*BREAKING, "latency"])
def test_a_deleted_fault_is_reverted_before_it_goes(kind: str, pond: Pond, booking: Obj) -> None:
    api_kind, name, target = BREAKING.get(kind, ("Deployment", "booking", {"deployment": "booking"}))
    before = essence(pond.stored(api_kind, name))
    tending = tender(pond, pond.fault("trouble", kind, target))
    tending.look()
    pond.kube.delete_object("Fault", "trouble", NAMESPACE)
    assert pond.stored("Fault", "trouble")["metadata"]["deletionTimestamp"]
    assert tending.look().again is None
    assert essence(pond.stored(api_kind, name)) == before
    assert all(not pod.on for pod in pond.switches.values())


def test_a_fault_whose_finalizer_somebody_took_away_is_reverted_too(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    tending = tender(pond, pond.fault("trouble", "wrong-port", {"service": "booking"}))
    tending.look()
    pond.api.delete("Fault", "trouble", NAMESPACE)
    assert tending.look().again is None
    assert essence(pond.stored("Service", "booking")) == before


def test_a_fault_that_is_gone_is_reverted_although_it_takes_more_than_one_try(pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    pond.switches["booking-2"].hangs = True
    pond.api.delete("Fault", "trouble", NAMESPACE)
    with pytest.raises(KubeError):
        tending.look()
    pond.switches["booking-2"].hangs = False
    assert tending.look().again is None
    assert not pond.switches["booking-2"].on


def test_nothing_is_injected_before_the_finalizer_is_there(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = pond.fault("trouble", "wrong-port", {"service": "booking"}, finalizer=False)
    assert tender(pond, fault).look().again == 1.0
    assert essence(pond.stored("Service", "booking")) == before


def test_a_fault_stopped_before_it_began_does_nothing(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    fault = pond.fault("trouble", "wrong-port", {"service": "booking"})
    pond.stop("trouble")
    assert reasons(tender(pond, fault).look()) == ["Stopped"]
    assert essence(pond.stored("Service", "booking")) == before


def test_a_fault_that_nobody_began_in_its_time_is_not_begun_later(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "latency", {"deployment": "booking"}, duration="10s")
    fault["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    pond.api.put(fault)
    assert reasons(tender(pond, fault).look()) == ["Failed"]
    assert "could not begin in its time" in pond.status("trouble")["message"]
    assert not pond.switches["booking-1"].on


def test_what_the_rules_refuse_fails_in_their_words(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "bad-image", {"deployment": "boking"})
    assert reasons(tender(pond, fault).look()) == ["Failed"]
    assert "there is no Deployment boking" in pond.status("trouble")["message"]
    assert "expected one of booking" in pond.status("trouble")["message"]


def test_two_faults_never_break_the_same_value(pond: Pond, booking: Obj) -> None:
    before = essence(pond.stored("Service", "booking"))
    first = tender(pond, pond.fault("one", "wrong-port", {"service": "booking"}))
    second = tender(pond, pond.fault("two", "wrong-port", {"service": "booking"}, port=7777))
    first.look()
    second.look()
    assert pond.status("two")["phase"] == "Failed"
    assert "the fault one in harbour" in pond.status("two")["message"]
    pond.stop("one")
    first.look()
    assert essence(pond.stored("Service", "booking")) == before


def test_an_application_without_a_fault_switch_is_said_so(pond: Pond, booking: Obj) -> None:
    def page(request: Request) -> Answer:
        return 200, {"Content-Type": "text/html"}, b"<html>welcome</html>"

    for name in pond.switches:
        pond.api.answer(f"pod:{name}:{PORT}", page, NAMESPACE)
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    pond.let_expire("trouble")
    assert reasons(tending.look()) == ["Failed"]
    message = pond.status("trouble")["message"]
    assert "never took effect: on in 0 of 2 pods" in message
    assert "it has no fault switch" in message


def test_a_stop_that_a_pod_does_not_hear_is_repeated(pond: Pond, booking: Obj) -> None:
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    pond.switches["booking-2"].hangs = True
    pond.stop("trouble")
    with pytest.raises(KubeError, match="still on in 1 pods"):
        tending.look()
    assert pond.status("trouble")["phase"] == "Active"
    assert not pond.switches["booking-1"].on
    pond.switches["booking-2"].hangs = False
    assert reasons(tending.look()) == ["Stopped"]


def test_what_is_not_deleted_is_tried_again_until_it_is_put_back(
    pond: Pond, booking: Obj, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "GIVE_UP_AFTER", 0.0)
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    pond.switches["booking-2"].hangs = True
    pond.stop("trouble")
    for _ in range(3):
        with pytest.raises(KubeError):
            tending.look()
    assert pond.status("trouble")["phase"] == "Active"
    assert pond.status("trouble")["message"].startswith("not put back yet, and tried again: ")
    pond.switches["booking-2"].hangs = False
    assert reasons(tending.look()) == ["Stopped"]


def test_what_cannot_be_put_back_is_let_go_in_the_end(
    pond: Pond, booking: Obj, monkeypatch: pytest.MonkeyPatch
) -> None:
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    pond.switches["booking-2"].hangs = True
    pond.kube.delete_object("Fault", "trouble", NAMESPACE)
    with pytest.raises(KubeError):
        tending.look()
    monkeypatch.setattr(faults, "GIVE_UP_AFTER", 0.0)
    assert tending.look().again is None
    assert "could not be put back, see status.original" in pond.status("trouble")["message"]


@pytest.mark.parametrize("first", [True, False], ids=["a logger first", "a logger last"])
def test_the_application_is_found_whatever_stands_beside_it(first: bool, pond: Pond, booking: Obj) -> None:
    for name in pond.switches:
        pond.beside(name, first=first)
    tender(pond, pond.fault("slow", "latency", {"deployment": "booking"})).look()
    assert [pod.on for pod in pond.switches.values()] == [["latency"], ["latency"]]
    tender(pond, pond.fault("crash", "container-crash", {"deployment": "booking"}, pods=2)).look()
    assert all(pod.crashed.wait(5) for pod in pond.switches.values())


def test_a_logger_that_restarts_is_no_crash_of_the_application(pond: Pond, booking: Obj) -> None:
    pond.beside("booking-1")
    pond.api.delete("Pod", "booking-2", NAMESPACE)
    pond.switches["booking-1"].hangs = True
    tending = tender(pond, pond.fault("crash", "container-crash", {"deployment": "booking"}))
    assert tending.look().again == 1.0
    pod = pond.stored("Pod", "booking-1")
    statuses = [{"name": "logger", "restartCount": 5}, {"name": "booking", "restartCount": 0}]
    pond.api.put({**pod, "status": {**pod["status"], "containerStatuses": statuses}})
    assert tending.look().again == 1.0, "not crashed yet"
    pond.switches["booking-1"].hangs = False
    tending.look()
    assert pond.switches["booking-1"].crashed.wait(5)


@pytest.mark.parametrize("kind", ["bad-image", "config-missing"])
def test_the_application_s_container_is_broken_whatever_stands_before_it(kind: str, pond: Pond, booking: Obj) -> None:
    template = booking["spec"]["template"]
    template["spec"]["containers"].insert(0, {"name": "logger", "image": "python:3.11"})
    pond.api.put(booking)
    tender(pond, pond.fault("trouble", kind, {"deployment": "booking"})).look()
    logger, app = pond.stored("Deployment", "booking")["spec"]["template"]["spec"]["containers"]
    assert logger == {"name": "logger", "image": "python:3.11"}
    assert app != template["spec"]["containers"][1]


def test_a_fault_is_pending_until_it_has_an_effect_and_says_what_is_in_its_way(pond: Pond, booking: Obj) -> None:
    for name in pond.switches:
        del pond.api.answers[NAMESPACE, f"pod:{name}:{PORT}"]
    tending = tender(pond, pond.fault("trouble", "latency", {"deployment": "booking"}))
    tending.look()
    status = pond.status("trouble")
    assert (status["phase"], status["affected"]) == ("Pending", [])
    assert "booking-1: its fault switch does not answer at :8079" in status["message"]
    pond.pod("booking-1", "booking")
    tending.look()
    assert pond.status("trouble")["phase"] == "Active"


@pytest.mark.parametrize("deleted", [False, True], ids=["at its end", "deleted"])
def test_what_somebody_else_wrote_into_its_status_is_written_into_no_object(
    pond: Pond, booking: Obj, deleted: bool
) -> None:
    before = essence(pond.stored("Node", "worker"))
    fault = pond.fault("trouble", "wrong-port", {"service": "booking"})
    tending = tender(pond, fault)
    tending.look()
    forged = {"kind": "Node", "name": "worker", "path": "/metadata/labels/team", "became": None, "was": "theirs"}
    pond.kube.patch("Fault", "trouble", NAMESPACE, {"status": {"original": forged}}, subresource="status")
    if deleted:
        pond.kube.delete_object("Fault", "trouble", NAMESPACE)
    else:
        pond.let_expire("trouble")
    assert reasons(tending.look()) == ["Failed"]
    assert essence(pond.stored("Node", "worker")) == before
    assert "is not what its spec leads to" in pond.status("trouble")["message"]


def test_no_status_makes_a_fault_last_longer_than_asked(pond: Pond, booking: Obj) -> None:
    fault = pond.fault("trouble", "wrong-port", {"service": "booking"}, duration="1s")
    tending = tender(pond, fault)
    tending.look()
    pond.kube.patch("Fault", "trouble", NAMESPACE, {"status": {"endsAt": "2999-01-01T00:00:00Z"}}, subresource="status")
    again = tending.look().again
    assert again is not None
    assert again < 30
    stored = pond.stored("Fault", "trouble")
    long_ago = {**stored["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"}
    pond.api.put({**stored, "metadata": long_ago})
    assert reasons(tending.look()) == ["Reverted"]


def test_a_node_is_stopped_when_the_power_agent_says_so_and_not_before(pond: Pond, booking: Obj) -> None:
    pond.agent = False  # it is there, and does nothing
    tending = tender(pond, pond.fault("dark", "node-stop", {"node": "worker"}))
    look = tending.look()
    assert (look.again, reasons(look)) == (1.0, [])
    assert (pond.status("dark")["phase"], pond.status("dark")["affected"]) == ("Pending", [])
    assert pond.status("dark")["message"] == "the power agent is to stop the node worker"
    pond.agent = True
    pond.api.put(pond.stored("Node", "worker"))
    assert reasons(tending.look()) == ["Injected"]
    assert (pond.status("dark")["phase"], pond.status("dark")["affected"]) == ("Active", ["worker"])


def test_a_node_that_nobody_has_stopped_never_was(pond: Pond, booking: Obj) -> None:
    pond.agent = False
    before = essence(pond.stored("Node", "worker"))
    tending = tender(pond, pond.fault("dark", "node-stop", {"node": "worker"}))
    tending.look()
    pond.let_expire("dark")
    assert reasons(tending.look()) == ["Failed"]
    assert pond.status("dark")["message"] == "never took effect: the power agent is to stop the node worker"
    assert essence(pond.stored("Node", "worker")) == before


def test_a_deleted_fault_is_let_go_at_once_where_the_operator_is_shut_out(
    pond: Pond, booking: Obj, monkeypatch: pytest.MonkeyPatch
) -> None:
    tending = tender(pond, pond.fault("trouble", "wrong-port", {"service": "booking"}))
    tending.look()
    pond.kube.delete_object("Fault", "trouble", NAMESPACE)

    def shut_out(*_: object) -> None:
        raise KubeError("services is forbidden", status=403)

    monkeypatch.setattr(pond.kube, "replace", shut_out)
    assert reasons(tending.look()) == ["Failed"]
    assert "could not be put back" in pond.status("trouble")["message"]
