"""What a checkpoint is made of, and what does not belong there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.harbour import LAB, WEB, container, pod, write_lab

from wavetank.errors import InputError
from wavetank.lesson import find_lab
from wavetank.lesson.declared import declared, full_name, has_a_past, is_function, surplus, take_over
from wavetank.lesson.lab import Lab

Obj = dict[str, Any]


def obj(kind: str, name: str, **metadata: object) -> Obj:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}


def entry(manager: str, fields: Obj, operation: str = "Update", **more: str) -> Obj:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def test_checkpoints_add_up(lab: Lab) -> None:
    assert declared(lab, "empty") == []
    assert [full_name(obj) for obj in declared(lab, "afloat")] == ["Deployment/web", "Service/web"]
    assert [full_name(obj) for obj in declared(lab, "hidden")] == ["Deployment/web"]


def test_every_object_is_in_the_labs_namespace(lab: Lab) -> None:
    assert {obj["metadata"]["namespace"] for obj in declared(lab, "afloat")} == {"tidewater"}


def test_a_later_checkpoint_replaces_an_object_of_the_same_name(tmp_path: Path) -> None:
    labs = write_lab(tmp_path, LAB.replace("without: [Service/web]", "manifests: [manifests/more.yaml]"))
    (labs / "09-sample/manifests/more.yaml").write_text(WEB.replace("replicas: 1", "replicas: 3"))
    objects = declared(find_lab("09-sample", labs), "hidden")
    assert [full_name(obj) for obj in objects] == ["Deployment/web", "Service/web"]
    assert objects[0]["spec"]["replicas"] == 3


def test_a_service_of_knatives_is_not_one_of_kubernetes() -> None:
    plain = obj("Service", "web")
    function = {**obj("Service", "web", generation=1), "apiVersion": "serving.knative.dev/v1"}
    assert surplus([plain, function], [function]) == [plain]
    assert surplus([plain, function], [plain]) == [function]
    assert surplus([{**function, "apiVersion": "serving.knative.dev/v2"}], [function]) == []


def test_a_function_is_a_service_of_knatives() -> None:
    function = {**obj("Service", "web"), "apiVersion": "serving.knative.dev/v1"}
    assert is_function(function)
    assert not is_function(obj("Service", "web"))
    assert not is_function({**function, "kind": "Route"})


def test_taking_away_what_was_never_there_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    labs = write_lab(tmp_path, LAB.replace("[Service/web]", "[Service/wep]"))
    with pytest.raises(InputError, match="Service/wep is not there") as error:
        declared(find_lab("09-sample", labs), "hidden")
    line = LAB[: LAB.index("without:")].count("\n") + 1
    assert error.value.where == f"{labs}/09-sample/lab.yaml:{line}"
    assert error.value.help.expected == "one of: Deployment/web, Service/web"


def test_an_object_of_another_namespace_is_a_mistake(lab: Lab) -> None:
    manifest = lab.folder / "manifests/web.yaml"
    manifest.write_text(WEB.replace("metadata: {name: web}", "metadata: {name: web, namespace: kube-system}"))
    with pytest.raises(InputError, match="is in the namespace kube-system") as error:
        declared(lab, "afloat")
    line = manifest.read_text()[: manifest.read_text().index("kube-system")].count("\n") + 1
    assert error.value.where == f"{manifest}:{line}"


def test_surplus_is_what_nobody_declared_made_or_owns() -> None:
    mine = obj("ConfigMap", "mine")
    found = [
        obj("Service", "web"),
        mine,
        obj("ConfigMap", "kube-root-ca.crt"),
        obj("ServiceAccount", "default"),
        obj("Endpoints", "web"),
        obj("Event", "web.1"),
        obj("ReplicaSet", "web-1", ownerReferences=[{"kind": "Deployment", "name": "web"}]),
        obj("Pod", "leaving", deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    assert surplus(found, [obj("Service", "web")]) == [mine]


def test_what_only_wavetank_and_controllers_set_needs_no_taking_over() -> None:
    fields = [
        entry("wavetank", {"f:spec": {"f:replicas": {}}}, "Apply"),
        entry("kube-controller-manager", {"f:status": {}}, subresource="status"),
        entry("kube-controller-manager", {"f:metadata": {}}),
    ]
    assert take_over(fields) is None


def test_taking_over_makes_wavetank_own_what_a_person_or_an_autoscaler_has_set() -> None:
    status = entry("kube-controller-manager", {"f:status": {}}, subresource="status")
    fields = [
        entry("wavetank", {"f:spec": {"f:replicas": {}}}, "Apply"),
        entry("kubectl-edit", {"f:spec": {"f:template": {"f:a": {}}}}),
        entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        entry("helm", {"f:spec": {"f:template": {"f:b": {}}}}, "Apply"),
        status,
    ]
    owned = take_over(fields)
    assert owned is not None
    assert owned[1:] == [status]
    assert (owned[0]["manager"], owned[0]["operation"]) == ("wavetank", "Apply")
    assert owned[0]["fieldsV1"] == {"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}, "f:b": {}}}}


@pytest.mark.parametrize(
    ("status", "past"),
    [
        ({"containerStatuses": container(0, state={"running": {}})}, False),
        ({"containerStatuses": container(0, state={"waiting": {"reason": "ContainerCreating"}})}, False),
        ({"containerStatuses": container(1, state={"running": {}})}, True),
        ({"containerStatuses": container(0, state={"waiting": {"reason": "ImagePullBackOff"}})}, True),
        ({"initContainerStatuses": container(0, state={"waiting": {"reason": "CrashLoopBackOff"}})}, True),
        ({"phase": "Failed"}, True),
    ],
)
def test_a_pod_has_a_past_when_it_was_restarted_failed_or_is_stuck(status: Obj, past: bool) -> None:
    assert has_a_past(pod("web-1", **status)) is past


def test_a_pod_that_somebody_has_edited_has_a_past() -> None:
    edited = pod("web-1")
    edited["metadata"]["managedFields"] = [
        entry("kube-controller-manager", {}),
        entry("kubelet", {}, subresource="status"),
    ]
    assert not has_a_past(edited)
    edited["metadata"]["managedFields"].append(entry("kubectl-label", {}))
    assert has_a_past(edited)


def test_a_pod_to_which_a_limit_range_has_given_limits_has_a_past() -> None:
    given = pod("web-1")
    assert not has_a_past(given)
    given["metadata"]["annotations"] = {"kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu limit for web"}
    assert has_a_past(given)
