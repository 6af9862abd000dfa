"""Every way in which a pod fails to become ready has its words."""

from typing import Any

import pytest

from wavetank.kube import explain_pod
from wavetank.kube.pods import event_words, is_ready, troubled_container

Obj = dict[str, Any]


def pod(*containers: Obj, **parts: Any) -> Obj:
    """Return a scheduled pod with these container statuses; ``parts`` go into its status, spec or metadata."""
    spec = {"nodeName": "worker", "containers": [{"name": "web", "resources": {"limits": {"memory": "64Mi"}}}]}
    return {
        "metadata": {"name": "web-1", "uid": "u", **parts.pop("metadata", {})},
        "spec": {**spec, **parts.pop("spec", {})},
        "status": {"phase": "Pending", "containerStatuses": list(containers), **parts},
    }


def waiting(reason: str, message: str = "", **more: Any) -> Obj:
    return {"name": "web", "image": "web:v9", "state": {"waiting": {"reason": reason, "message": message}}, **more}


def running(**more: Any) -> Obj:
    return {"name": "web", "ready": False, "state": {"running": {}}, **more}


def ended(code: int, reason: str = "Error") -> Obj:
    return {"terminated": {"exitCode": code, "reason": reason}}


def event(reason: str, message: str, count: int = 1) -> Obj:
    return {"type": "Warning", "reason": reason, "message": message, "count": count}


def condition(type_: str, status: str, message: str = "") -> Obj:
    return {"type": type_, "status": status, "message": message}


READY = pod(running(ready=True), phase="Running", conditions=[condition("Ready", "True")])

TROUBLES = {
    "no cpu left": (
        pod(
            spec={"nodeName": None},
            conditions=[
                condition(
                    "PodScheduled",
                    "False",
                    "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No victims.",
                )
            ],
        ),
        [],
        "no node takes it: 0/3 nodes are available: 3 Insufficient cpu",
    ),
    "not scheduled yet": (pod(spec={"nodeName": None}), [], "the scheduler has not looked at it yet"),
    "image missing": (
        pod(waiting("ImagePullBackOff", 'Back-off pulling image "web:v9"')),
        [event("Failed", 'Failed to pull image "web:v9": no such host'), event("BackOff", "Back-off pulling")],
        "container web: cannot pull the image web:v9: no such host",
    ),
    "image missing, events gone": (
        pod(waiting("ErrImagePull", 'Failed to pull image "web:v9": not found')),
        [],
        "container web: cannot pull the image web:v9: not found",
    ),
    "crash loop": (
        pod(waiting("CrashLoopBackOff", "back-off 40s", restartCount=3, lastState=ended(2)), phase="Running"),
        [event("BackOff", "Back-off restarting failed container", 7)],
        "container web keeps ending (3 times), last time ended with exit code 2",
    ),
    "memory": (
        pod(waiting("CrashLoopBackOff", restartCount=1, lastState=ended(137, "OOMKilled")), phase="Running"),
        [],
        "container web keeps ending (once), last time was killed for using more memory than its limit of 64Mi",
    ),
    "config missing": (
        pod(waiting("CreateContainerConfigError", 'configmap "tides" not found')),
        [],
        'container web cannot be started: configmap "tides" not found',
    ),
    "volume missing": (
        pod(waiting("ContainerCreating")),
        [event("FailedMount", 'MountVolume.SetUp failed for volume "tides" : secret "tides" not found')],
        'container web cannot be started: MountVolume.SetUp failed for volume "tides" : secret "tides" not found',
    ),
    "being created": (
        pod(waiting("ContainerCreating")),
        [],
        "container web is being started (ContainerCreating)",
    ),
    "readiness": (
        pod(running(), phase="Running"),
        [event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")],
        "container web: its readiness probe fails: HTTP probe failed with statuscode: 503",
    ),
    "liveness": (
        pod(running(restartCount=2, lastState=ended(137, "Error")), phase="Running"),
        [
            event("Unhealthy", "Readiness probe failed: timeout"),
            event("Unhealthy", "Liveness probe failed: Get http://10.0.0.1/healthz: timeout"),
        ],
        "container web: its liveness probe fails: Get http://10.0.0.1/healthz: timeout"
        " (restarted 2 times, last time it ended with exit code 137)",
    ),
    "unready, and its node was once lost": (
        pod(running(), phase="Running"),
        [event("NodeNotReady", "Node is not ready"), event("Unhealthy", "Readiness probe failed: timeout")],
        "container web: its readiness probe fails: timeout",
    ),
    "not probed yet": (
        pod(running(), phase="Running"),
        [],
        "container web runs, but its readiness probe has not passed yet",
    ),
    "node gone": (
        pod(running(ready=True), phase="Running", conditions=[condition("Ready", "False")]),
        [event("NodeNotReady", "Node is not ready")],
        "its node worker does not answer",
    ),
    "terminating": (
        {**READY, "metadata": {"name": "web-1", "deletionTimestamp": "now", "deletionGracePeriodSeconds": 5}},
        [],
        "is terminating (it has 5 s to end by itself)",
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
        [],
        "has failed: Evicted: The node was low on resource: memory.",
    ),
    "failed for good": (
        pod({"name": "web", "state": ended(3)}, phase="Failed"),
        [],
        "container web ended with exit code 3",
    ),
    "waits for an init container": (
        pod(
            waiting("PodInitializing"),
            initContainerStatuses=[{"name": "migrate", "ready": False, "state": {"running": {}}}],
        ),
        [],
        "its init container migrate is still running",
    ),
    "init container fails": (
        pod(
            waiting("PodInitializing"),
            initContainerStatuses=[
                {**waiting("CrashLoopBackOff", restartCount=2, lastState=ended(1)), "name": "migrate"}
            ],
        ),
        [],
        "container migrate keeps ending (2 times), last time ended with exit code 1",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_the_reason_is_said_in_words(name: str) -> None:
    given, events, words = TROUBLES[name]
    assert explain_pod(given, events).reason == words


@pytest.mark.parametrize("given", [READY, pod({"name": "web", "state": ended(0, "Completed")}, phase="Succeeded")])
def test_of_a_pod_that_is_well_nothing_is_said(given: Obj) -> None:
    trouble = explain_pod(given, [event("Unhealthy", "Readiness probe failed: once, long ago")])
    assert trouble.reason == ""
    assert trouble.events == ()


def test_a_pod_that_is_being_deleted_takes_no_traffic() -> None:
    assert is_ready(READY)
    assert not is_ready({**READY, "metadata": {"name": "web-1", "deletionTimestamp": "now"}})


def test_last_words_and_warnings_are_shown_with_the_reason() -> None:
    given = pod(waiting("CrashLoopBackOff", restartCount=1, lastState=ended(2)))
    trouble = explain_pod(given, [event("BackOff", "Back-off  restarting\nfailed container", 7)], ["no such port"])
    assert str(trouble).splitlines() == [
        "pod web-1: container web keeps ending (once), last time ended with exit code 2",
        "  event: BackOff: Back-off restarting failed container (7 times)",
        "  web | no such port",
    ]


def test_an_event_series_is_counted_too() -> None:
    assert event_words({"reason": "Pulled", "message": "ok", "series": {"count": 2}}) == "Pulled: ok (2 times)"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (waiting("CrashLoopBackOff", lastState=ended(1)), ("web", True)),
        (waiting("ImagePullBackOff"), None),
        ({"name": "web", "state": ended(1)}, ("web", False)),
        (running(), ("web", False)),
        (running(ready=True), None),
    ],
)
def test_the_logs_of_the_run_that_failed_are_the_ones_to_read(status: Obj, expected: tuple[str, bool] | None) -> None:
    assert troubled_container(pod(status)) == expected
