"""What a disturbance shows beside the requests: pods that were missed for a moment, and pods that nobody asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE, Harbour, pod

from wavetank.faults import FaultRun
from wavetank.kube import Kube
from wavetank.lesson.disturbance import Cover, exchanging, faulty

LOOKS_FOR = 0.6
"""Seconds that a cover looks on here: what a test does meanwhile takes a hundredth of that."""
PROBE = {"readinessProbe": {"tcpSocket": {"port": 8080}}}


@pytest.fixture(autouse=True)
def deployment(api: ApiServer, harbour: Harbour) -> None:
    metadata = {"name": "web", "namespace": NAMESPACE}
    harbour.makes_pods = False
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}}
    api.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def there(name: str, *, ready: bool = True, leaving: bool = False, **container: Any) -> dict[str, Any]:
    one = pod(name, ready=ready)
    one["spec"]["containers"] = [{"name": "web", **(container or PROBE)}]
    if leaving:
        one["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30}
    return one


def shown(api: ApiServer, kube: Kube, *steps: dict[str, Any], goes: str = "") -> str:
    """Put the pods one after the other, delete the one that ``goes``, and return what that shows."""
    cover = Cover(kube, NAMESPACE, "web", LOOKS_FOR)

    def act() -> None:
        for step in steps:
            api.put(step)
        if goes:
            api.delete("Pod", goes, NAMESPACE)

    disturbance = exchanging(cover, act)
    disturbance.act()
    cover._thread.join()
    return disturbance.shows()


def test_a_pod_that_is_ready_before_the_old_one_leaves_covers_it(api: ApiServer, kube: Kube) -> None:
    api.put(there("old"))
    new = (there("new", ready=False), there("new"))
    assert shown(api, kube, *new, there("old", leaving=True)) == ""


def test_a_moment_in_which_only_those_that_leave_are_ready_is_told(api: ApiServer, kube: Kube) -> None:
    api.put(there("old"))
    told = shown(api, kube, there("old", leaving=True), there("new", ready=False), there("new"))
    assert "no pod of web was ready and meant to stay" in told


def test_a_deployment_that_never_had_a_pod_missed_none(api: ApiServer, kube: Kube) -> None:
    assert shown(api, kube, there("new", ready=False), there("new")) == ""


def leaving(name: str, *, seconds: int = 10, ended: str = "") -> dict[str, Any]:
    """Return a pod that was told at midnight to go within so many seconds, and perhaps has ended since."""
    one = there(name)
    one["metadata"] |= {"deletionTimestamp": f"2026-01-01T00:00:{seconds:02}Z", "deletionGracePeriodSeconds": seconds}
    if ended:
        status = {"name": "web", "state": {"terminated": {"exitCode": 0, "finishedAt": ended}}}
        one["status"]["containerStatuses"] = [status]
    return one


@pytest.mark.parametrize(("ended", "soon"), [("2026-01-01T00:00:01Z", True), ("2026-01-01T00:00:04Z", False)])
def test_an_old_pod_that_does_not_wait_for_requests_on_their_way_is_told(
    api: ApiServer, kube: Kube, ended: str, soon: bool
) -> None:
    api.put(there("old"))
    told = shown(api, kube, there("new"), leaving("old"), leaving("old", ended=ended), goes="old")
    assert ("old was gone as soon as it was told to go" in told) == soon
    assert bool(told) == soon


def test_a_pod_that_has_no_time_at_all_is_told(api: ApiServer, kube: Kube) -> None:
    api.put(there("old"))
    told = shown(api, kube, there("new"), leaving("old", seconds=0), goes="old")
    assert "old was gone as soon as it was told to go" in told


def test_a_pod_that_was_not_ready_may_go_at_once(api: ApiServer, kube: Kube) -> None:
    api.put(there("old", ready=False))
    assert shown(api, kube, there("new"), goes="old") == ""


@pytest.mark.parametrize("probe", ["readinessProbe", "startupProbe"])
def test_either_probe_holds_requests_back_until_the_program_is_there(api: ApiServer, kube: Kube, probe: str) -> None:
    api.put(there("old"))
    assert shown(api, kube, there("new", **{probe: {"exec": {"command": ["true"]}}})) == ""


def test_new_pods_that_nobody_asks_are_told(api: ApiServer, kube: Kube) -> None:
    api.put(there("old"))
    assert "nothing asks them" in shown(api, kube, there("new", livenessProbe={"tcpSocket": {"port": 1}}))


@pytest.mark.parametrize(
    ("kind", "turned", "told"),
    [
        ("unready", "2026-01-01T00:00:09Z", ""),
        ("unready", "2025-12-31T00:00:00Z", "nothing asks it whether it is ready"),
        ("latency", "2025-12-31T00:00:00Z", ""),
    ],
)
def test_a_pause_that_nobody_has_noticed_is_told(
    api: ApiServer, kube: Kube, kind: str, turned: str, told: str, fault: Callable[..., FaultRun]
) -> None:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": turned}
    api.put({**there("web-1"), "status": {"phase": "Running", "conditions": [condition]}})
    pause = faulty(kube, lambda: fault(kind))
    assert pause.shows() == "", "nothing was done yet"
    pause.act()
    assert told in pause.shows()
    assert bool(told) == bool(pause.shows())


@pytest.fixture
def fault(api: ApiServer, kube: Kube) -> Callable[..., FaultRun]:
    """Put a fault that is on in web-1 since the beginning of 2026."""

    def put(kind: str) -> FaultRun:
        api.put(
            {
                "apiVersion": "wavetank.dev/v1alpha1",
                "kind": "Fault",
                "metadata": {"name": "pause", "namespace": NAMESPACE},
                "spec": {"kind": kind, "target": {"selector": {"app": "web"}}, "duration": "6s"},
                "status": {"phase": "Active", "affected": ["web-1"], "startedAt": "2026-01-01T00:00:00Z"},
            }
        )
        return FaultRun(kube, "pause", NAMESPACE)

    return put
