"""Whatever was done to the namespace, it comes to a checkpoint's objects and nothing else."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE, Harbour, container, pod

from wavetank.errors import ClusterError, InputError, KubeError, WaitTimeoutError
from wavetank.kube import Kube
from wavetank.lesson import restore as restore_module
from wavetank.lesson.lab import Lab
from wavetank.lesson.restore import restore


@pytest.fixture(autouse=True)
def _harbour(harbour: Harbour) -> None:
    """Deployments roll out, loads and faults end."""


def _names(api: ApiServer, kind: str) -> set[str]:
    return {obj["metadata"]["name"] for obj in api.objects(kind, NAMESPACE)}


def test_a_checkpoint_is_made_from_nothing(api: ApiServer, kube: Kube, lab: Lab) -> None:
    api.delete("Namespace", NAMESPACE, "")
    restore(kube, lab, "afloat")
    namespace = api.get("Namespace", NAMESPACE, "")
    assert namespace
    assert namespace["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "wavetank"
    assert (_names(api, "Deployment"), _names(api, "Service"), _names(api, "Pod")) == ({"web"}, {"web"}, {"web-1"})


def test_the_second_time_nothing_is_changed(api: ApiServer, kube: Kube, lab: Lab) -> None:
    restore(kube, lab, "afloat")
    before = {kind: api.objects(kind, NAMESPACE) for kind in ("Deployment", "Service", "Pod")}
    restore(kube, lab, "afloat")
    assert {kind: api.objects(kind, NAMESPACE) for kind in before} == before


def test_going_back_takes_away_what_came_later(api: ApiServer, kube: Kube, lab: Lab) -> None:
    restore(kube, lab, "afloat")
    restore(kube, lab, "hidden")
    assert _names(api, "Service") == set()
    restore(kube, lab, "empty")
    assert _names(api, "Deployment") == set()


def test_what_the_learner_added_goes(api: ApiServer, kube: Kube, lab: Lab) -> None:
    for kind, version in (("ConfigMap", "v1"), ("Ingress", "networking.k8s.io/v1"), ("Pod", "v1")):
        kube.create({"apiVersion": version, "kind": kind, "metadata": {"name": "mine", "namespace": NAMESPACE}})
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "elsewhere", "namespace": "default"}})
    restore(kube, lab, "afloat")
    assert _names(api, "ConfigMap") | _names(api, "Ingress") == set()
    assert "mine" not in _names(api, "Pod")
    assert api.get("ConfigMap", "elsewhere", "default")


@pytest.mark.parametrize("kind", ["ResourceQuota", "LimitRange"])
def test_what_refuses_pods_goes_before_anything_is_made(api: ApiServer, kube: Kube, lab: Lab, kind: str) -> None:
    kube.create({"apiVersion": "v1", "kind": kind, "metadata": {"name": "mine", "namespace": NAMESPACE}})
    there: list[bool] = []

    def look(change: str, obj: dict[str, Any]) -> None:
        if obj["kind"] == "Deployment" and change == "ADDED":
            there.append(api.get(kind, "mine", NAMESPACE) is not None)

    api.on_write(look)
    restore(kube, lab, "afloat")
    assert there == [False]


def test_what_a_quota_refuses_for_a_moment_more_is_made_then(
    api: ApiServer, kube: Kube, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([KubeError("web is forbidden: exceeded quota: mine, requested: pods=1", status=403)])
    apply = kube.apply

    def refuse_once(manifest: Any, **more: Any) -> list[Any]:
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        return apply(manifest, **more)

    monkeypatch.setattr(kube, "apply", refuse_once)
    restore(kube, lab, "afloat")
    assert _names(api, "Deployment") == {"web"}


def test_a_replica_set_whose_pods_were_refused_is_woken(api: ApiServer, kube: Kube, lab: Lab) -> None:
    failing = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]
    metadata = {"name": "web-1", "namespace": NAMESPACE, "ownerReferences": [{"kind": "Deployment", "uid": "1"}]}
    replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata}
    api.put({**replica_set, "status": {"conditions": failing}})
    woken: list[str] = []

    def take_notice(change: str, obj: dict[str, Any]) -> None:
        if obj["kind"] == "ReplicaSet" and obj.get("status", {}).get("conditions"):
            woken.append(obj["metadata"]["annotations"]["wavetank.dev/woken"])
            if len(woken) == 2:  # the first time it is refused once more
                api.put({**replica_set, "status": {"conditions": []}})

    api.on_write(take_notice)
    restore(kube, lab, "afloat")
    assert len(set(woken)) == 2


def test_what_kubernetes_made_stays(api: ApiServer, kube: Kube, lab: Lab) -> None:
    for kind, name in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), ("Endpoints", "web")):
        api.put({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}})
    restore(kube, lab, "empty")
    assert _names(api, "ConfigMap") | _names(api, "ServiceAccount") == {"kube-root-ca.crt", "default"}
    assert _names(api, "Endpoints") == {"web"}


def test_fields_that_the_learner_changed_or_added_are_put_back(api: ApiServer, kube: Kube, lab: Lab) -> None:
    restore(kube, lab, "afloat")
    kube.scale("web", NAMESPACE, 5)
    kube.patch("Deployment", "web", NAMESPACE, {"spec": {"paused": True, "template": {"spec": {"nodeName": "gone"}}}})
    kube.patch("Service", "web", NAMESPACE, {"spec": {"selector": {"app": "wep", "tier": "front"}}})
    restore(kube, lab, "afloat")
    deployment, service = api.get("Deployment", "web", NAMESPACE), api.get("Service", "web", NAMESPACE)
    assert deployment
    assert service
    assert deployment["spec"]["replicas"] == 1
    assert "paused" not in deployment["spec"]
    assert "nodeName" not in deployment["spec"]["template"]["spec"]
    assert service["spec"]["selector"] == {"app": "web"}


def test_an_exercises_fields_that_are_no_longer_in_the_file_go_too(api: ApiServer, kube: Kube, lab: Lab) -> None:
    restore(kube, lab, "afloat")
    manifest = (lab.folder / "manifests/web.yaml").read_text().replace("replicas: 1", "replicas: 1\n  paused: true")
    kube.apply(manifest, namespace=NAMESPACE)
    restore(kube, lab, "afloat")
    deployment = api.get("Deployment", "web", NAMESPACE)
    assert deployment
    assert "paused" not in deployment["spec"]


def test_pods_with_a_past_are_replaced(api: ApiServer, kube: Kube, lab: Lab) -> None:
    restore(kube, lab, "afloat")
    for name, restarts in (("web-old", 2), ("web-new", 0)):
        worn = pod(name, containerStatuses=container(restarts))
        worn["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}]
        api.put(worn)
    restore(kube, lab, "afloat")
    assert "web-old" not in _names(api, "Pod")
    assert "web-new" in _names(api, "Pod")


def test_a_rollout_that_is_called_done_with_no_pod_there_is_waited_for(
    api: ApiServer, kube: Kube, lab: Lab, harbour: Harbour
) -> None:
    restore(kube, lab, "afloat")
    harbour.makes_pods = False
    api.delete("Pod", "web-1", NAMESPACE)
    back = threading.Timer(0.5, api.put, [pod("web-2")])
    back.start()
    restore(kube, lab, "afloat")
    assert back.finished.is_set()
    assert _names(api, "Pod") == {"web-2"}


def test_pods_that_nobody_makes_are_named(
    api: ApiServer, kube: Kube, lab: Lab, harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(kube, lab, "afloat")
    harbour.makes_pods = False
    api.delete("Pod", "web-1", NAMESPACE)
    monkeypatch.setattr(restore_module, "_READY_WITHIN", 0.5)
    with pytest.raises(WaitTimeoutError, match="the pods of web") as error:
        restore(kube, lab, "afloat")
    assert "0 of 1 are ready, though it says: all pods (1)" in error.value.help.observed


def test_loads_and_faults_end_and_go(api: ApiServer, kube: Kube, lab: Lab) -> None:
    kube.create(lab.load("steady").to_resource(NAMESPACE))
    kube.create(lab.fault("slow").to_resource(NAMESPACE))
    restore(kube, lab, "afloat")
    assert _names(api, "Load") | _names(api, "Fault") == set()


def test_a_cluster_without_loads_and_faults_will_do(api: ApiServer, kube: Kube, lab: Lab) -> None:
    for kind in ("loads", "faults"):
        api.delete("CustomResourceDefinition", f"{kind}.wavetank.dev", "")
    restore(kube, lab, "afloat")
    assert _names(api, "Deployment") == {"web"}


OURS = {"wavetank.dev/cluster": "test"}
KEPT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GPU = {"key": "team", "value": "gpu", "effect": "NoSchedule"}


def put_node(api: ApiServer, name: str, labels: dict[str, str], **spec: Any) -> None:
    annotations = {"wavetank.dev/power-off-until": "later", "other": "kept"}
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    api.put({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": ready})


def node_of(api: ApiServer, name: str) -> dict[str, Any]:
    node = api.get("Node", name, "")
    assert node
    return node


def test_what_the_lab_has_done_to_a_node_is_put_back(api: ApiServer, kube: Kube, lab: Lab) -> None:
    put_node(api, "worker", OURS)
    kube.patch("Node", "worker", None, {"spec": {"unschedulable": True}})
    restore(kube, lab, "afloat")
    node = node_of(api, "worker")
    assert node["metadata"]["annotations"] == {"other": "kept"}
    assert node["spec"] == {}


def test_what_a_person_has_done_to_a_node_stays(api: ApiServer, kube: Kube, lab: Lab) -> None:
    put_node(api, "worker", OURS, taints=[KEPT, GPU], unschedulable=True)
    restore(kube, lab, "afloat")
    node = node_of(api, "worker")
    assert node["metadata"]["annotations"] == {"other": "kept"}, "the annotation is Wavetank's own, whoever has set it"
    assert node["spec"] == {"taints": [KEPT, GPU], "unschedulable": True}


def test_a_node_that_wavetank_has_not_made_is_left_as_it_is(api: ApiServer, kube: Kube, lab: Lab) -> None:
    put_node(api, "gpu", {}, taints=[GPU])
    kube.patch("Node", "gpu", None, {"spec": {"unschedulable": True}})
    before = node_of(api, "gpu")
    restore(kube, lab, "afloat")
    assert node_of(api, "gpu") == before


def test_what_cannot_be_changed_is_made_anew(
    api: ApiServer, kube: Kube, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {}})
    old = api.get("Service", "web", NAMESPACE)
    apply = kube.apply

    def apply_unless_immutable(manifest: Any, *, namespace: str, force: bool) -> list[Any]:
        live = api.get(manifest["kind"], "web", NAMESPACE)
        if old and live and live["metadata"]["uid"] == old["metadata"]["uid"]:
            raise KubeError("Service web is invalid: field is immutable", status=422)
        return apply(manifest, namespace=namespace, force=force)

    monkeypatch.setattr(kube, "apply", apply_unless_immutable)
    restore(kube, lab, "afloat")
    new = api.get("Service", "web", NAMESPACE)
    assert new
    assert new["spec"]["selector"] == {"app": "web"}


def test_a_namespace_that_is_not_wavetanks_is_not_touched(api: ApiServer, kube: Kube, lab: Lab) -> None:
    api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"team": "prod"}}})
    api.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "precious", "namespace": NAMESPACE}})
    with pytest.raises(ClusterError, match="is not Wavetank's"):
        restore(kube, lab, "empty")
    assert _names(api, "ConfigMap") == {"precious"}


def test_an_unknown_checkpoint_changes_nothing(api: ApiServer, kube: Kube, lab: Lab) -> None:
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": NAMESPACE}})
    with pytest.raises(InputError, match="no checkpoint 'aflot'"):
        restore(kube, lab, "aflot")
    assert _names(api, "ConfigMap") == {"mine"}


def test_what_does_not_get_ready_is_named(
    api: ApiServer, kube: Kube, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_module, "_READY_WITHIN", 0.5)
    api.put(pod("stuck", ready=False, containerStatuses=container(0, state={"waiting": {"reason": "NoDisk"}})))
    (stuck,) = [found for found in api.objects("Pod", NAMESPACE) if found["metadata"]["name"] == "stuck"]
    api.put({**stuck, "metadata": {**stuck["metadata"], "ownerReferences": [{"kind": "ReplicaSet", "uid": "1"}]}})
    with pytest.raises(WaitTimeoutError, match="the pod stuck to be ready") as error:
        restore(kube, lab, "empty")
    assert "NoDisk" in error.value.help.observed


def test_only_a_lab_with_a_mesh_lets_in_pods_that_could_take_over_a_node(api: ApiServer, kube: Kube, lab: Lab) -> None:
    def level() -> Any:
        namespace = api.get("Namespace", NAMESPACE, "")
        assert namespace
        return namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]

    restore(kube, lab, "empty")
    assert level() == "baseline"
    restore(kube, replace(lab, addons=(*lab.addons, "istio")), "empty")
    assert level() == "privileged"
    restore(kube, lab, "empty")
    assert level() == "baseline"


def test_the_operator_is_let_in_and_stays_so(api: ApiServer, kube: Kube, lab: Lab) -> None:
    for _ in range(2):
        restore(kube, lab, "afloat")
        (binding,) = api.objects("RoleBinding", NAMESPACE)
        assert binding["roleRef"]["name"] == "wavetank-operator-in-lab"


class TestSidecars:
    """The namespace's label, and pods that were made before it was what it is now."""

    @staticmethod
    def lab(lab: Lab, **sidecars: bool) -> Lab:
        steps = (replace(step, sidecars=sidecars.get(step.id)) for step in lab.checkpoints)
        return replace(lab, checkpoints=tuple(steps))

    @staticmethod
    def label(api: ApiServer) -> str | None:
        namespace = api.get("Namespace", NAMESPACE, "")
        assert namespace
        label: str | None = namespace["metadata"]["labels"].get("istio-injection")
        return label

    def test_the_label_comes_and_goes_with_the_checkpoint(self, api: ApiServer, kube: Kube, lab: Lab) -> None:
        meshed = self.lab(lab, hidden=True)
        restore(kube, meshed, "hidden")
        assert self.label(api) == "enabled"
        restore(kube, meshed, "afloat")
        assert self.label(api) is None

    def test_a_pod_with_a_sidecar_it_should_not_have_goes(self, api: ApiServer, kube: Kube, lab: Lab) -> None:
        restore(kube, lab, "afloat")
        (old,) = api.objects("Pod", NAMESPACE)
        old["spec"]["initContainers"] = [{"name": "istio-proxy", "restartPolicy": "Always"}]
        api.put(old)
        restore(kube, lab, "afloat")
        assert old["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in api.objects("Pod", NAMESPACE)}


class TestWhatHoldsUp:
    """Old pods that keep new ones from coming, finalizers nobody takes away, pods that take their time to go."""

    @staticmethod
    def uid(api: ApiServer, kind: str, name: str = "web") -> str | None:
        found = api.get(kind, name, NAMESPACE)
        return str(found["metadata"]["uid"]) if found else None

    def test_a_deployment_whose_pods_have_to_be_replaced_is_made_anew(
        self, api: ApiServer, kube: Kube, lab: Lab
    ) -> None:
        restore(kube, lab, "afloat")
        before, service = self.uid(api, "Deployment"), self.uid(api, "Service")
        kube.patch("Deployment", "web", NAMESPACE, {"spec": {"template": {"spec": {"nodeName": "gone"}}}})
        restore(kube, lab, "afloat")
        assert self.uid(api, "Deployment") != before
        assert self.uid(api, "Service") == service

    def test_a_deployment_whose_pods_are_as_they_should_be_stays(self, api: ApiServer, kube: Kube, lab: Lab) -> None:
        restore(kube, lab, "afloat")
        before = self.uid(api, "Deployment")
        kube.scale("web", NAMESPACE, 5)
        restore(kube, lab, "afloat")
        assert self.uid(api, "Deployment") == before

    def test_a_finalizer_that_a_manifest_has_set_is_taken_away(self, api: ApiServer, kube: Kube, lab: Lab) -> None:
        metadata = {"name": "mine", "namespace": NAMESPACE, "finalizers": ["example.com/nobody"]}
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, namespace=NAMESPACE)
        restore(kube, lab, "afloat")
        assert self.uid(api, "ConfigMap", "mine") is None

    def test_what_makes_pods_for_what_the_learner_added_goes_with_it(
        self, api: ApiServer, kube: Kube, lab: Lab
    ) -> None:
        mine = kube.create(
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mine", "namespace": NAMESPACE}}
            | {"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "mine"}}, "template": {}}}
        )
        owner = [{"kind": "Deployment", "name": "mine", "uid": mine["metadata"]["uid"]}]
        metadata = {"name": "mine-1", "namespace": NAMESPACE, "ownerReferences": owner}
        api.put({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata})
        restore(kube, lab, "afloat")
        assert self.uid(api, "ReplicaSet", "mine-1") is None
