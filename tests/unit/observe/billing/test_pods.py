"""Pods are written down from when they have a node until they are gone, with what they ask for and what keeps them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.waiting import eventually

from wavetank.errors import KubeError
from wavetank.kube import Kube
from wavetank.observe.billing import PodInterval, PodWatch, Size
from wavetank.observe.billing.pods import asked_for, kept_by, noted

NAMESPACE = "lab-04"
SERVICE = "serving.knative.dev/service"
FUNCTION = {"name": "user-container", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}
QUEUE = {"name": "queue-proxy", "resources": {"requests": {"cpu": "25m"}}}

Obj = dict[str, Any]


def pod(name: str = "tides-1", node: str = "worker", phase: str = "Running", **parts: Any) -> Obj:
    metadata: Obj = {
        "name": name,
        "namespace": NAMESPACE,
        "labels": {SERVICE: "tides", "serving.knative.dev/revision": "tides-00001"},
    }
    spec = {"containers": [FUNCTION, QUEUE], **({"nodeName": node} if node else {}), **parts}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}


def told(*changes: tuple[str, Obj, float]) -> list[PodInterval]:
    """Return what is written down after ``changes``: type, pod and when."""
    known: dict[str, PodInterval] = {}
    for type_, obj, at in changes:
        known = noted(known, type_, {**obj, "metadata": {"uid": obj["metadata"]["name"], **obj["metadata"]}}, at)
    return list(known.values())


def leaving(obj: Obj) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": "2026-05-01T12:00:00Z"}}


def test_a_pods_life_is_written_down() -> None:
    (interval,) = told(
        ("ADDED", pod(node=""), 1.0),
        ("MODIFIED", pod(phase="Pending"), 2.0),
        ("MODIFIED", pod(), 3.0),
        ("MODIFIED", leaving(pod()), 7.0),
        ("MODIFIED", leaving(pod()), 8.0),
        ("DELETED", leaving(pod()), 9.0),
    )
    assert (interval.began, interval.leaving, interval.ended) == (2.0, 7.0, 9.0)
    assert (interval.name, interval.revision, interval.kept) == ("tides-1", "tides-00001", 0)
    assert interval.reserved == Size(pytest.approx(0.125), pytest.approx(0.125))


def test_a_pod_that_no_node_took_was_never_paid_for() -> None:
    assert told(("ADDED", pod(node=""), 1.0), ("DELETED", pod(node=""), 5.0)) == []


def test_a_pod_whose_work_is_done_holds_nothing_any_more() -> None:
    (interval,) = told(("ADDED", pod(), 1.0), ("MODIFIED", pod(phase="Failed"), 4.0), ("DELETED", pod(), 60.0))
    assert interval.ended == 4.0


@pytest.mark.parametrize("name", ["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"])
def test_how_many_pods_a_revision_keeps_is_read_from_its_annotation(name: str) -> None:
    assert kept_by({"metadata": {"name": "tides-00001", "annotations": {name: "3"}}}) == 3
    assert kept_by({"metadata": {"name": "tides-00001"}}) == 0


def test_sidecars_count_wherever_they_are_and_what_only_prepares_does_not() -> None:
    proxy: Obj = {"name": "istio-proxy", "restartPolicy": "Always", "resources": {"requests": {"memory": "40Mi"}}}
    before: Obj = {"name": "istio-init", "resources": {"requests": {"memory": "1Gi"}}}
    (interval,) = told(("ADDED", pod(initContainers=[before, proxy]), 1.0))
    assert interval.reserved.gib == pytest.approx((128 + 40) / 1024)


def test_containers_that_ask_for_nothing_have_no_size() -> None:
    assert asked_for([{"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "1"}}}]) == Size(0, 0)
    assert asked_for([{"name": "a", "resources": {"requests": {"cpu": 2}}}]) == Size(2, 0)


def test_a_watch_knows_who_is_there_and_who_comes_and_goes(api: ApiServer, kube: Kube) -> None:
    api.put(pod("tides-1"))
    api.put({**pod("web-1"), "metadata": {"name": "web-1", "namespace": NAMESPACE, "labels": {"app": "web"}}})
    with PodWatch(kube, NAMESPACE, f"{SERVICE}=tides") as pods:
        began = time.time()
        assert [(one.name, one.began <= 0, one.ended) for one in pods.since(began)] == [("tides-1", True, None)]
        api.put(pod("tides-2"))
        eventually(lambda: len(pods.since(began)) == 2, "the second pod")
        api.delete("Pod", "tides-1", NAMESPACE)
        eventually(lambda: pods.since(began)[0].ended is not None, "the first pod's end")
        first, second = pods.since(began)
        assert 0 < second.began < (first.ended or 0) < 10
        assert [one.name for one in pods.since(time.time())] == ["tides-2"]


def test_nothing_is_written_down_after_the_block(api: ApiServer, kube: Kube) -> None:
    with PodWatch(kube, NAMESPACE, f"{SERVICE}=tides") as pods:
        thread = pods._thread
    eventually(lambda: not thread.is_alive(), "the end of the watch", within=15)
    api.put(pod("tides-1"))
    assert pods.since(0) == ()


def test_an_outage_is_got_over(api: ApiServer, kube: Kube) -> None:
    with PodWatch(kube, NAMESPACE, f"{SERVICE}=tides") as pods:
        api.stop()
        api.put(pod("tides-1"))
        api.start()
        eventually(lambda: pods.since(0), "the pod that came meanwhile", within=20)


def test_who_may_not_list_pods_is_told(api: ApiServer, kube: Kube) -> None:
    api.resources = [resource for resource in api.resources if resource.kind != "Pod"]
    with pytest.raises(KubeError, match="no kind Pod"), PodWatch(kube, NAMESPACE, f"{SERVICE}=tides"):
        pass
