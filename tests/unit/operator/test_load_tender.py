"""A load from Pending to its end, look by look, with the test playing the kubelet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.pond import NAMESPACE, Pond

from wavetank.errors import KubeError
from wavetank.kube import Obj
from wavetank.operator import loads
from wavetank.operator.loads import LoadTender
from wavetank.operator.look import Look
from wavetank.traffic import Load, Second, Summary, Target
from wavetank.traffic.histogram import Latencies
from wavetank.waves import FINALIZER

EMPTY = Latencies().encode()


@pytest.fixture
def web(pond: Pond) -> None:
    pond.deploy("web", replicas=0)


def tender(pond: Pond, *, finalizer: bool = True, service: str = "web", port: int = 80, **spec: Any) -> LoadTender:
    resource = Load("steady", Target(service, port), rate=20, duration=60).to_resource(NAMESPACE)
    resource["metadata"]["finalizers"] = [FINALIZER] if finalizer else []
    resource["spec"] |= spec
    stored = pond.kube.create(resource)
    return LoadTender(pond.kube, NAMESPACE, "steady", stored["metadata"]["uid"])


def status(pond: Pond) -> Obj:
    return pond.status("steady", "Load")


def pod(pond: Pond) -> Obj:
    return pond.stored("Pod", status(pond)["pod"])


def play(pond: Pond, phase: str, state: Mapping[str, Any] | None = None, **more: Any) -> None:
    """Report the load's pod as the kubelet would."""
    container = {"name": "load", "state": dict(state or {})}
    pond.api.put({**pod(pond), "status": {"phase": phase, "containerStatuses": [container], **more}})


def ended_with(code: int) -> Mapping[str, Any]:
    return {"terminated": {"exitCode": code}}


def report(pond: Pond, sent: int = 40, failed: int = 3) -> None:
    second = Second(0, "2026-11-23T17:40:00Z", sent, sent, 0, {"200": sent - failed, "503": failed}, "", "")
    summary = Summary(seconds=60, scheduled=1200, sent=sent, unsent=1200 - sent)
    summary.status.update(second.status)
    pond.api.log(pod(pond)["metadata"]["name"], summary.to_line(), namespace=NAMESPACE)


def reasons(look: Look) -> list[str]:
    return [news.reason for news in look.news]


def test_it_is_over_with_its_container_though_a_sidecar_goes_on(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    report(pond)
    play(pond, "Running", ended_with(0))
    assert reasons(tending.look()) == ["Completed"]
    assert status(pond)["sent"] == 40


def test_it_is_run_by_a_pod_of_its_own(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    assert status(pond)["phase"] == "Pending"
    (owner,) = pod(pond)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Load", "steady")

    play(pond, "Running", {"running": {"startedAt": "2026-11-23T17:40:00Z"}})
    assert reasons(tending.look()) == ["Started"]
    told = status(pond)
    assert (told["phase"], told["startedAt"], told["endsAt"]) == (
        "Running",
        "2026-11-23T17:40:00Z",
        "2026-11-23T17:41:00Z",
    )
    assert reasons(tending.look()) == [], "it is told once"

    report(pond)
    play(pond, "Succeeded", ended_with(0))
    assert reasons(tending.look()) == ["Completed"]
    told = status(pond)
    assert (told["phase"], told["sent"], told["failed"]) == ("Completed", 40, 3)
    assert tending.look().again is None


def test_a_schedule_that_was_not_held_is_said_so(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    report(pond)
    play(pond, "Failed", ended_with(3))
    tending.look()
    assert status(pond)["phase"] == "Completed"
    assert "the schedule was not held" in status(pond)["message"]


def second(t: int) -> str:
    return Second(t, f"2026-11-23T17:40:{t:02d}Z", 20, 20, 0, {"200": 19, "503": 1}, EMPTY, EMPTY).to_line()


def test_what_a_load_has_sent_before_its_node_was_restarted_is_told(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    pond.api.log(pod(pond)["metadata"]["name"], *(second(t) for t in range(3)), namespace=NAMESPACE)
    play(pond, "Failed", ended_with(255))
    assert reasons(tending.look()) == ["Failed"]
    told = status(pond)
    assert (told["phase"], told["sent"], told["failed"]) == ("Failed", 60, 3)
    assert told["message"].startswith("it broke off after 3 s of 1m: its pod load-steady-")
    assert "ended with exit code 255; 60 sent in 3 s, 3 failed (5.0%)" in told["message"]


@pytest.mark.parametrize("reason", ["DeadlineExceeded", "Terminated"], ids=["after a sleep", "with its node"])
def test_a_load_that_is_ended_before_all_was_due_has_not_completed(pond: Pond, web: None, reason: str) -> None:
    tending = tender(pond)
    tending.look()
    summary = Summary.of(Second(t, "2026-11-23T17:40:00Z", 20, 20, 0, {"200": 20}, EMPTY, EMPTY) for t in range(3))
    lines = [*(second(t) for t in range(3)), summary.to_line()]
    pond.api.log(pod(pond)["metadata"]["name"], *lines, namespace=NAMESPACE)
    play(pond, "Failed", ended_with(0), reason=reason)
    assert reasons(tending.look()) == ["Failed"]
    assert "it broke off after 3 s of 1m" in status(pond)["message"]
    assert reason in status(pond)["message"]


def test_what_a_load_missed_while_it_stood_still_is_told(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    summary = Summary(seconds=60, scheduled=1200, sent=600, unsent=600, still=30.0)
    pond.api.log(pod(pond)["metadata"]["name"], summary.to_line(), namespace=NAMESPACE)
    play(pond, "Failed", ended_with(3))
    assert reasons(tending.look()) == ["Completed"]
    assert "the load itself stood still for 30 s, and 600 requests were not sent" in status(pond)["message"]


def test_a_pod_that_crashes_fails_the_load_with_its_last_words(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    pond.api.log(pod(pond)["metadata"]["name"], "Traceback ...", "ImportError: no module", namespace=NAMESPACE)
    play(pond, "Failed", ended_with(1))
    look = tending.look()
    assert look.news[0].type == "Warning"
    assert status(pond)["phase"] == "Failed"
    assert "ended with exit code 1; its last words: ImportError: no module" in status(pond)["message"]


@pytest.mark.parametrize("told_by", ["log", "status"])
def test_stopping_moves_the_pod_s_deadline_and_keeps_its_log(pond: Pond, web: None, told_by: str) -> None:
    tending = tender(pond)
    tending.look()
    play(pond, "Running", {"running": {"startedAt": "2026-11-23T17:40:00Z"}})
    tending.look()
    pond.kube.patch("Load", "steady", NAMESPACE, {"spec": {"stop": True}})
    tending.look()
    assert pod(pond)["spec"]["activeDeadlineSeconds"] == 1
    tending.look()
    assert status(pond)["phase"] == "Running", "it has not ended before its pod says so"

    report(pond, sent=7, failed=0)
    if told_by == "status":
        play(pond, "Failed", ended_with(0), reason="DeadlineExceeded")
    assert reasons(tending.look()) == ["Stopped"]
    assert (status(pond)["sent"], status(pond)["message"]) == (7, "7 sent, 0 failed")


@pytest.mark.parametrize("told", [False, True], ids=["before it is known to run", "just after"])
def test_a_load_that_has_only_just_started_is_stopped_by_deleting_its_pod(pond: Pond, web: None, told: bool) -> None:
    tending = tender(pond)
    tending.look()
    name = pod(pond)["metadata"]["name"]
    play(pond, "Running", {"running": {"startedAt": datetime.now(UTC).isoformat()}})
    if told:
        tending.look()
    pond.kube.patch("Load", "steady", NAMESPACE, {"spec": {"stop": True}})
    assert reasons(tending.look()) == ["Stopped"]
    assert pond.api.get("Pod", name, NAMESPACE) is None
    assert "stopped as it started" in status(pond)["message"]


def test_a_load_in_its_second_second_is_stopped_when_the_kubelet_will_act_at_once(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    began = datetime.now(UTC) - timedelta(seconds=1)
    play(pond, "Running", {"running": {"startedAt": began.isoformat()}})
    tending.look()
    pond.kube.patch("Load", "steady", NAMESPACE, {"spec": {"stop": True}})
    assert tending.look().again == 0.2
    assert pod(pond)["spec"]["activeDeadlineSeconds"] > 1, "a second is not over"
    play(pond, "Running", {"running": {"startedAt": (began - timedelta(seconds=1)).isoformat()}})
    tending.look()
    assert pod(pond)["spec"]["activeDeadlineSeconds"] == 1


def test_a_pod_that_does_not_end_is_deleted(pond: Pond, web: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tending = tender(pond)
    tending.look()
    play(pond, "Running", {"running": {"startedAt": "2026-11-23T17:40:00Z"}})
    name = pod(pond)["metadata"]["name"]
    pond.kube.patch("Load", "steady", NAMESPACE, {"spec": {"stop": True}})
    tending.look()
    monkeypatch.setattr(loads, "_STOP_WITHIN", 0.0)
    assert reasons(tending.look()) == ["Stopped"]
    assert pond.api.get("Pod", name, NAMESPACE) is None


def test_a_load_stopped_before_it_began_makes_no_pod(pond: Pond, web: None) -> None:
    assert reasons(tender(pond, stop=True).look()) == ["Stopped"]
    assert pond.api.objects("Pod", NAMESPACE) == []


def test_a_deleted_load_takes_its_pod_with_it(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    name = pod(pond)["metadata"]["name"]
    pond.kube.delete_object("Load", "steady", NAMESPACE)
    assert tending.look().again is None
    assert pond.api.get("Pod", name, NAMESPACE) is None


def test_an_operator_killed_after_making_the_pod_makes_no_second_one(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    pond.kube.patch("Load", "steady", NAMESPACE, {"status": None}, subresource="status")
    tending.look()
    assert len(pond.api.objects("Pod", NAMESPACE)) == 1
    assert status(pond)["pod"] == pond.api.objects("Pod", NAMESPACE)[0]["metadata"]["name"]


def test_a_pod_that_vanishes_fails_the_load(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    pond.api.delete("Pod", status(pond)["pod"], NAMESPACE)
    assert reasons(tending.look()) == ["Failed"]
    assert "is gone" in status(pond)["message"]


def test_a_pod_that_does_not_start_says_why_and_is_given_up(pond: Pond, web: None) -> None:
    tending = tender(pond)
    tending.look()
    unschedulable = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: too little cpu."}
    play(pond, "Pending", conditions=[unschedulable])
    assert tending.look().again == 1.0
    assert "no node takes it: 0/3 nodes are available: too little cpu" in status(pond)["message"]

    name = status(pond)["pod"]
    stored = pond.stored("Pod", name)
    pond.api.put({**stored, "metadata": {**stored["metadata"], "creationTimestamp": "2020-01-01T00:00:00Z"}})
    assert reasons(tending.look()) == ["Failed"]
    assert "did not start within 60 s: no node takes it" in status(pond)["message"]
    assert pond.api.get("Pod", name, NAMESPACE) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"service": "wbe"}, "there is no Service wbe in the namespace harbour"),
        ({"port": 81}, "the Service web has no port 81; its ports are 80"),
        ({"rate": -1}, "rate is wrong"),
    ],
)
def test_what_cannot_work_fails_in_words(pond: Pond, web: None, wrong: dict[str, Any], words: str) -> None:
    assert reasons(tender(pond, **wrong).look()) == ["Failed"]
    assert words in status(pond)["message"]


def test_a_load_that_nobody_began_in_its_time_is_not_begun_later(pond: Pond, web: None) -> None:
    tending = tender(pond)
    stored = pond.stored("Load", "steady")
    pond.api.put({**stored, "metadata": {**stored["metadata"], "creationTimestamp": "2020-01-01T00:00:00Z"}})
    assert reasons(tending.look()) == ["Failed"]
    assert "could not begin in its time" in status(pond)["message"]


def test_nothing_begins_before_the_finalizer_is_there(pond: Pond, web: None) -> None:
    assert tender(pond, finalizer=False).look().again == 1.0
    assert pond.api.objects("Pod", NAMESPACE) == []


QUOTA = 'pods "load-steady" is forbidden: exceeded quota: small, requested: pods=1, used: pods=9, limited: pods=9'
LIMIT = 'pods "load-steady" is forbidden: maximum memory usage per Container is 32Mi, but limit is 256Mi'
POLICY = 'pods "load-steady" is forbidden: violates PodSecurity "restricted:latest"'
NOT_COUNTED = 'pods "load-steady" is forbidden: status unknown for quota: small, resources: pods'


def refusing(pond: Pond, monkeypatch: pytest.MonkeyPatch, words: str, status: int = 403) -> None:
    create = pond.kube.create

    def refuse_pods(obj: Obj) -> Obj:
        if obj["kind"] == "Pod":
            raise KubeError(words, status=status)
        return create(obj)

    monkeypatch.setattr(pond.kube, "create", refuse_pods)


@pytest.mark.parametrize(
    ("words", "mended"),
    [
        (QUOTA, "; take the ResourceQuota small away, or let goto do it"),
        (LIMIT, "; take the LimitRange away, or let goto do it"),
        (POLICY, ""),
    ],
    ids=["quota", "limit range", "policy"],
)
def test_a_pod_that_is_refused_fails_the_load_in_the_servers_words(
    pond: Pond, web: None, monkeypatch: pytest.MonkeyPatch, words: str, mended: str
) -> None:
    refusing(pond, monkeypatch, words)
    assert reasons(tender(pond).look()) == ["Failed"]
    assert status(pond)["message"] == f"its pod is refused: {words}{mended}"


@pytest.mark.parametrize(("words", "code"), [(NOT_COUNTED, 403), ("failed calling webhook", 500)])
def test_what_may_pass_is_tried_again_and_told(
    pond: Pond, web: None, monkeypatch: pytest.MonkeyPatch, words: str, code: int
) -> None:
    tending = tender(pond)
    refusing(pond, monkeypatch, words, code)
    with pytest.raises(KubeError):
        tending.look()
    assert status(pond) == {"phase": "Pending", "message": f"its pod cannot be made yet: {words}"}
    monkeypatch.undo()
    tending.look()
    assert "pod" in status(pond)


@pytest.mark.parametrize("deleted", [False, True], ids=["stopped", "deleted"])
def test_no_status_makes_it_end_another_pod(pond: Pond, web: None, deleted: bool) -> None:
    tending = tender(pond)
    tending.look()
    own = status(pond)["pod"]
    pond.pod("web-1", "web")
    pond.kube.patch("Load", "steady", NAMESPACE, {"status": {"pod": "web-1"}}, subresource="status")
    if deleted:
        pond.kube.delete_object("Load", "steady", NAMESPACE)
    else:
        pond.kube.patch("Load", "steady", NAMESPACE, {"spec": {"stop": True}})
    tending.look()
    assert pond.api.get("Pod", own, NAMESPACE) is None
    assert pond.stored("Pod", "web-1")["spec"].get("activeDeadlineSeconds") is None


def test_a_deleted_load_is_let_go_where_the_operator_is_shut_out(
    pond: Pond, web: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tending = tender(pond)
    tending.look()
    pond.kube.delete_object("Load", "steady", NAMESPACE)

    def shut_out(*_: object) -> None:
        raise KubeError("pods is forbidden", status=403)

    monkeypatch.setattr(pond.kube, "delete_object", shut_out)
    assert tending.look().again is None
