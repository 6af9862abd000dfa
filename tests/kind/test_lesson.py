"""Lab 2's checkpoints on the real cluster: from any state, in seconds, to what is declared and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.tidewater import JSON

from wavetank.faults import Fault, inject
from wavetank.faults.switch import switch_target
from wavetank.kube import Kube, rollout_state
from wavetank.kube.pods import is_ready
from wavetank.kube.wait import has_condition
from wavetank.lesson import LabSession, find_lab
from wavetank.lesson.declared import MADE_BY_THE_CLUSTER, declared, full_name
from wavetank.lesson.files import lay_out
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile
from wavetank.traffic import Load, start_load

pytestmark = [pytest.mark.kind, pytest.mark.timeout(300)]

WITHIN = 45.0
"""Seconds that going to a checkpoint may take: usually less than ten, more on a busy machine."""


@pytest.fixture
def lab(namespace: str) -> Lab:
    """Lab 2, in a namespace of the test's own."""
    lab = find_lab("02-kubernetes")
    for exercise in lab.exercises:
        lay_out(exercise.files)
    return replace(lab, namespace=namespace)


@pytest.fixture
def session(kube: Kube, lab: Lab, tmp_path: Path) -> LabSession:
    session = LabSession(lab, ProgressFile(tmp_path / "progress.json"), kube=kube)
    session.goto("floating")
    return session


def _assert_as_declared(kube: Kube, lab: Lab, checkpoint: str) -> None:
    wanted = declared(lab, checkpoint)
    for kind in ("Deployment", "Service", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ConfigMap"):
        found = {full_name(obj) for obj in kube.list(kind, lab.namespace)} - MADE_BY_THE_CLUSTER
        assert found == {full_name(obj) for obj in wanted if obj["kind"] == kind}
    pods = kube.list("Pod", lab.namespace)
    replicas = 0
    for deployment in kube.list("Deployment", lab.namespace):
        assert rollout_state(deployment).done
        (manifest,) = (obj for obj in wanted if full_name(obj) == full_name(deployment))
        containers = deployment["spec"]["template"]["spec"]["containers"]
        images = [container["image"] for container in manifest["spec"]["template"]["spec"]["containers"]]
        assert [container["image"] for container in containers] == images
        assert deployment["spec"]["replicas"] == manifest["spec"]["replicas"]
        replicas += manifest["spec"]["replicas"]
    assert len(pods) == replicas
    assert all(is_ready(pod) for pod in pods)
    assert not any(status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"])


def _delete_everything(kube: Kube, namespace: str) -> None:
    for kind in ("Deployment", "Service", "Ingress", "ConfigMap"):
        for obj in kube.list(kind, namespace):
            kube.delete_object(kind, obj["metadata"]["name"], namespace)


def _edit_by_hand(kube: Kube, namespace: str) -> None:
    kube.scale("web", namespace, 5)
    spec: Any = {"paused": True, "template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "nowhere"}}}}
    kube.patch("Deployment", "timetable", namespace, {"spec": spec})
    kube.patch("Service", "web", namespace, {"spec": {"type": "NodePort", "selector": {"app": "wep", "tier": "1"}}})
    for pod in kube.list("Pod", namespace, "app=booking"):
        kube.patch("Pod", pod["metadata"]["name"], namespace, {"metadata": {"labels": {"app": "mine"}}})


def _break_a_rollout(kube: Kube, namespace: str) -> None:
    image = {"spec": {"template": {"spec": {"containers": [{"name": "payment", "image": "payment:v11"}]}}}}
    kube.patch("Deployment", "payment", namespace, image, type="strategic")
    kube.wait_for("Pod", "app=payment", namespace, lambda pod: pod is not None and not is_ready(pod), timeout=30)


def _add_things(kube: Kube, namespace: str) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 4}
    budget = {"minAvailable": "100%", "selector": {"matchLabels": {"app": "web"}}}
    for version, kind, spec in (
        ("autoscaling/v2", "HorizontalPodAutoscaler", scaler),
        ("policy/v1", "PodDisruptionBudget", budget),
    ):
        kube.apply(
            {"apiVersion": version, "kind": kind, "metadata": {"name": "mine"}, "spec": spec}, namespace=namespace
        )
    container = {"name": "mine", "image": "wavetank.dev/tidewater/web:v1", "command": ["false"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mine"}, "spec": {"containers": [container]}}
    kube.apply(pod, namespace=namespace)


def _restart_a_container(kube: Kube, namespace: str) -> None:
    asked = kube.list("Pod", namespace, "app=web")[0]
    order = '{"kind": "crash", "seconds": 1}'
    kube.request(switch_target(asked), "/faults", namespace, method="POST", body=order, headers=JSON)
    pod = asked["metadata"]["name"]
    kube.wait_for(
        "Pod",
        pod,
        namespace,
        lambda pod: pod is not None and pod["status"]["containerStatuses"][0]["restartCount"] > 0,
        timeout=30,
    )


def _worker(kube: Kube) -> str:
    name: str = kube.list("Node", selector="!node-role.kubernetes.io/control-plane")[0]["metadata"]["name"]
    return name


def _cordon_a_node(kube: Kube, namespace: str) -> None:
    kube.patch("Node", _worker(kube), None, {"spec": {"unschedulable": True}})


def _leave_waves_behind(kube: Kube, namespace: str) -> None:
    target = {"target": {"service": "web"}, "rate": 5, "duration": "5m"}
    start_load(kube, Load.from_spec("endless", target), namespace)
    broken = {"kind": "selector-mismatch", "target": {"service": "web"}, "duration": "5m"}
    inject(kube, Fault.from_spec("broken", broken), namespace).wait_active()


def _stop_a_node(kube: Kube, namespace: str) -> None:
    stop = {"kind": "node-stop", "target": {"node": _worker(kube)}, "duration": "5m"}
    inject(kube, Fault.from_spec("stopped", stop), namespace).wait_active()
    kube.wait_for("Node", _worker(kube), None, lambda node: not has_condition("Ready")(node), timeout=60)


@pytest.mark.parametrize(
    "havoc",
    [
        _delete_everything,
        _edit_by_hand,
        _break_a_rollout,
        _add_things,
        _restart_a_container,
        _cordon_a_node,
        _leave_waves_behind,
        _stop_a_node,
    ],
)
def test_whatever_was_done_goto_brings_the_checkpoint_back(
    kube: Kube, session: LabSession, havoc: Callable[[Kube, str], None]
) -> None:
    havoc(kube, session.namespace)
    began = time.monotonic()
    session.goto("floating")
    assert time.monotonic() - began < WITHIN
    _assert_as_declared(kube, session.model, "floating")
    assert kube.list("Load", session.namespace) + kube.list("Fault", session.namespace) == []
    for node in kube.list("Node"):
        assert has_condition("Ready")(node)
        assert not node["spec"].get("unschedulable")


def test_goto_leaves_what_a_person_has_done_to_a_node(kube: Kube, session: LabSession) -> None:
    worker, kubeconfig = _worker(kube), str(kube.connection.kubeconfig)
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert kubectl
    taint = "team=gpu:PreferNoSchedule"
    try:
        for words in (["taint", "nodes", worker, taint], ["cordon", worker]):
            subprocess.run([kubectl, "--kubeconfig", kubeconfig, *words], check=True, timeout=30)
        session.goto("floating")
        spec = kube.get("Node", worker)["spec"]
        assert spec["unschedulable"] is True
        assert {"key": "team", "value": "gpu", "effect": "PreferNoSchedule"} in spec["taints"]
    finally:
        for words in (["taint", "nodes", worker, f"{taint}-"], ["uncordon", worker]):
            subprocess.run([kubectl, "--kubeconfig", kubeconfig, *words], check=True, timeout=30)


def test_checkpoints_can_be_visited_in_any_order(kube: Kube, session: LabSession) -> None:
    for checkpoint in ("dock", "floating", "dock"):
        session.goto(checkpoint)
        _assert_as_declared(kube, session.model, checkpoint)


def test_being_there_already_changes_nothing(kube: Kube, session: LabSession) -> None:
    before = {pod["metadata"]["name"] for pod in kube.list("Pod", session.namespace)}
    session.goto("floating")
    assert {pod["metadata"]["name"] for pod in kube.list("Pod", session.namespace)} == before


def test_fields_an_exercise_has_added_are_gone(kube: Kube, session: LabSession) -> None:
    session.apply("maintenance")
    session.goto("floating")
    _assert_as_declared(kube, session.model, "floating")
    web = kube.get("Deployment", "web", session.namespace)
    assert "affinity" not in web["spec"]["template"]["spec"]
