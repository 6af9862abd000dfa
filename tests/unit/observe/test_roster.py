"""Pods are told apart by what they are to the mesh, and Services lead to workloads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.recorded import look_at

from wavetank.kube import Obj
from wavetank.observe.roster import MeshPod, Role, Roster, read_pods, read_subsets, service_name


def pod(owner: tuple[str, str] | None = None, labels: dict[str, str] | None = None, **status: Any) -> Obj:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {
        "metadata": {"name": "p-1", "namespace": "n", "uid": "u", "labels": labels or {}, "ownerReferences": owners},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Running", **status},
    }


def read(obj: Obj) -> MeshPod:
    return read_pods([obj])[0]


@pytest.mark.parametrize(
    ("obj", "workload", "owner", "role"),
    [
        (pod(("ReplicaSet", "web-7cf"), {"pod-template-hash": "7cf"}), "web", "deployment/web", Role.WORKLOAD),
        (pod(("StatefulSet", "store")), "store", "statefulset/store", Role.WORKLOAD),
        (pod(("Load", "rush"), {"app": "x"}), "load-rush", "", Role.LOAD),
        (pod(labels={"app": "stranger"}), "stranger", "", Role.WORKLOAD),
        (pod(), "p-1", "", Role.WORKLOAD),
    ],
)
def test_a_pod_belongs_to_what_made_it(obj: Obj, workload: str, owner: str, role: Role) -> None:
    told = read(obj)
    assert (told.workload, told.owner, told.role) == (workload, owner, role)


def test_a_sidecar_is_found_among_the_containers_of_either_kind() -> None:
    native, classic, bare = pod(), pod(), pod()
    native["spec"]["initContainers"] = [{"name": "istio-init"}, {"name": "istio-proxy"}]
    native["status"]["initContainerStatuses"] = [{"name": "istio-proxy", "ready": True, "state": {"running": {}}}]
    classic["spec"]["containers"].append({"name": "istio-proxy"})
    classic["status"]["containerStatuses"] = [{"name": "istio-proxy", "ready": False, "state": {"waiting": {}}}]
    told = [(p.has_proxy, p.proxy_runs, p.proxy_ready) for p in read_pods([native, classic, bare])]
    assert told == [(True, True, True), (True, False, False), (False, False, False)]


def test_a_proxy_without_an_application_is_a_gateway() -> None:
    gateway = [one for one in look_at("during").roster.pods if one.role is Role.GATEWAY]
    assert [one.workload for one in gateway] == ["istio-ingressgateway"]


def test_pods_that_are_over_are_nobody() -> None:
    assert read_pods([pod(phase="Succeeded"), pod(phase="Failed")]) == ()


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_a_pod_may_have_opted_out(where: str) -> None:
    out = pod()
    out["metadata"][where] = {"sidecar.istio.io/inject": "false"}
    assert (read(out).opted_out, read(pod()).opted_out) == (True, False)


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("web", "web"),
        ("web.mesh", "web"),
        ("web.mesh.svc.cluster.local", "web"),
        ("web.shop.svc.cluster.local", ""),
        ("api.example.com", ""),
    ],
)
def test_a_host_may_be_a_service_of_this_namespace(host: str, service: str) -> None:
    assert service_name(host, "mesh") == service


def test_a_service_and_its_subsets_lead_to_workloads() -> None:
    rule = {"spec": {"host": "timetable", "subsets": [{"name": "v2", "labels": {"version": "v2"}}]}}
    labels = {"app": "timetable"}
    roster = Roster(
        "mesh",
        (
            MeshPod("1", "t-1", "mesh", "timetable", labels={**labels, "version": "v1"}),
            MeshPod("2", "t-2", "mesh", "timetable-v2", labels={**labels, "version": "v2"}),
        ),
        services={"timetable": labels, "headless": {}},
        subsets=read_subsets([rule], "mesh"),
    )
    assert roster.behind("timetable") == ["timetable", "timetable-v2"]
    assert roster.behind("timetable", "v2") == ["timetable-v2"]
    assert roster.behind("timetable", "v3") == roster.behind("headless") == roster.behind("nobody") == []
