"""The cluster's picture follows what the API server says, and tells what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from wavetank.widgets.models.change import LISTED, Change
from wavetank.widgets.models.cluster import ClusterPicture, after
from wavetank.widgets.models.tone import Tone

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pod(name: str, *, ready: bool = True, restarts: int = 0, node: str = "worker", **meta: Any) -> dict[str, Any]:
    container = {"restartCount": restarts, "state": {"running": {"startedAt": "2026-11-23T11:00:00Z"}}}
    if restarts:
        container["lastState"] = {"terminated": {"reason": "OOMKilled"}}
    changed = "2026-11-23T11:00:01Z" if ready else "2026-11-23T11:30:00Z"
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": changed}
    return {
        "metadata": {"name": name, "labels": {"app": "web"}, **meta},
        "spec": {"nodeName": node, "containers": [{"image": "web:v1"}]},
        "status": {"phase": "Running", "conditions": [condition], "containerStatuses": [container]},
    }


def node(name: str, status: str = "True") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": status}]}}


def event(uid: str, message: str, *, at: str, count: int = 1, type_: str = "Warning", reason: str = "X") -> Any:
    about = {"kind": "Pod", "name": "web-1"}
    told = {"type": type_, "reason": reason, "message": message, "count": count, "lastTimestamp": at}
    return {"metadata": {"name": uid, "uid": uid}, "involvedObject": about, **told}


def played(*changes: tuple[str, str, Any]) -> ClusterPicture:
    """Play changes one second apart, beginning at noon."""
    picture = ClusterPicture()
    for second, (type_, kind, objects) in enumerate(changes):
        objects = tuple(objects) if type_ == LISTED else (objects,)
        picture = after(picture, Change(type_, kind, objects, NOON + timedelta(seconds=second)))
    return picture


def words(picture: ClusterPicture) -> list[str]:
    return [happening.words for happening in picture.happenings]


def test_what_is_there_at_the_beginning_did_not_happen() -> None:
    picture = played((LISTED, "Node", [node("worker")]), (LISTED, "Pod", [pod("web-1"), pod("web-2", ready=False)]))
    assert picture.happenings == ()
    assert picture.summary() == "1 of 1 nodes ready, 1 of 2 pods ready"


def test_a_killed_pod_and_its_replacement_are_named_latest_first() -> None:
    picture = played(
        (LISTED, "Pod", [pod("web-1")]),
        ("DELETED", "Pod", pod("web-1")),
        ("ADDED", "Pod", pod("web-2", ready=False)),
        ("MODIFIED", "Pod", pod("web-2")),
    )
    assert words(picture) == ["web-2 is ready on worker", "web-2 is created", "web-1 is gone"]
    assert list(picture.pods) == ["web-2"]


def test_a_restart_is_told_once_with_its_reason() -> None:
    before, now = pod("web-1"), pod("web-1", restarts=1)
    picture = played((LISTED, "Pod", [before]), ("MODIFIED", "Pod", now), ("MODIFIED", "Pod", now))
    assert words(picture) == ["web-1: a container ended (OOMKilled) and is started again"]


def test_losing_readiness_is_told_and_what_it_means() -> None:
    picture = played((LISTED, "Pod", [pod("web-1")]), ("MODIFIED", "Pod", pod("web-1", ready=False)))
    assert words(picture) == ["web-1 is no longer ready: no more traffic for it"]
    assert picture.happenings[0].tone is Tone.WARN


def test_a_node_that_goes_silent_is_told_and_so_is_its_return() -> None:
    picture = played(
        (LISTED, "Node", [node("worker")]),
        ("MODIFIED", "Node", node("worker", "Unknown")),
        ("MODIFIED", "Node", node("worker", "Unknown")),
        ("MODIFIED", "Node", node("worker")),
    )
    assert words(picture) == ["node worker ready", "node worker does not answer (NotReady)"]


def test_warnings_are_told_in_kubernetes_words_and_repetition_is_counted() -> None:
    failed = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    picture = played(
        ("ADDED", "Event", event("a", failed, at="2026-11-23T11:59:00Z", reason="Unhealthy")),
        ("MODIFIED", "Event", event("a", failed, at="2026-11-23T11:59:05Z", reason="Unhealthy", count=3)),
        ("ADDED", "Event", event("b", "Pulled image", at="2026-11-23T11:59:06Z", type_="Normal", reason="Pulled")),
    )
    assert words(picture) == [f"web-1: {failed} [Unhealthy] (3 times)"]


def test_events_take_their_place_in_time() -> None:
    picture = played(
        (LISTED, "Pod", [pod("web-1")]),
        ("DELETED", "Pod", pod("web-1")),
        ("ADDED", "Event", event("a", "an earlier one", at="2026-11-23T11:00:00Z")),
    )
    assert words(picture) == ["web-1 is gone", "web-1: an earlier one [X]"]


def test_a_new_list_replaces_what_was_known() -> None:
    picture = played((LISTED, "Pod", [pod("web-1"), pod("web-2")]), (LISTED, "Pod", [pod("web-2")]))
    assert list(picture.pods) == ["web-2"]


def test_pods_are_found_on_their_node_and_those_without_one_too() -> None:
    picture = played((LISTED, "Pod", [pod("b"), pod("a"), pod("c", node="")]))
    assert [pod.name for pod in picture.pods_on("worker")] == ["a", "b"]
    assert [pod.name for pod in picture.pods_on("")] == ["c"]


def test_in_words_it_counts_and_names_only_what_is_not_as_it_should_be() -> None:
    nodes = [node("worker"), node("worker2", "Unknown")]
    picture = played((LISTED, "Node", nodes), (LISTED, "Pod", [pod("web-1"), pod("web-2", ready=False)]))
    assert picture.text().splitlines() == [
        "1 of 2 nodes ready, 1 of 2 pods ready",
        "  web: 1 of 2 ready",
        "  node worker2 does not answer (NotReady)",
        "  pod web-2: not ready",
    ]


def test_a_pod_on_its_way_out_is_shown_and_not_counted() -> None:
    leaving = pod("web-1", deletionTimestamp="2026-11-23T12:00:00Z")
    picture = played((LISTED, "Pod", [leaving, pod("web-2")]))
    assert picture.summary() == "0 of 0 nodes ready, 1 of 1 pods ready"
    assert "pod web-1: is being stopped" in picture.text()


def test_only_so_much_is_remembered() -> None:
    changes = [("ADDED", "Event", event(str(n), "again", at="2026-11-23T11:00:00Z")) for n in range(500)]
    assert len(played(*changes).happenings) < 100
