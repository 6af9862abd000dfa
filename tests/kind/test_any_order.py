"""From any checkpoint of any lab to any other one: a walk that looks random and is always the same."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.kube import Kube, Obj
from wavetank.kube.sidecar import has_sidecar, stays_out
from wavetank.kube.wait import has_condition
from wavetank.lesson import LabSession, find_lab
from wavetank.lesson.declared import account, declared, in_the_mesh, surplus
from wavetank.lesson.progress import ProgressFile

pytestmark = [pytest.mark.kind, pytest.mark.timeout(600)]

LABS = ("00-start", "02-kubernetes", "03-service-mesh", "04-serverless")
"""Those that share the application's images; the images of Lab 1 are built by its own notebook."""
STEPS = 6
KNATIVE = (
    ("serving.knative.dev/v1", "Service"),
    ("eventing.knative.dev/v1", "Broker"),
    ("eventing.knative.dev/v1", "Trigger"),
)
ISTIO = (
    ("networking.istio.io/v1", "VirtualService"),
    ("networking.istio.io/v1", "DestinationRule"),
    ("security.istio.io/v1", "PeerAuthentication"),
    ("telemetry.istio.io/v1", "Telemetry"),
)
PLAIN = ("Deployment", "Service", "ConfigMap", "Secret", "ServiceAccount", "Ingress", "HorizontalPodAutoscaler")


def test_any_checkpoint_is_reached_from_any_other(knative_kube: Kube, tmp_path: Path) -> None:
    places = [(lab, checkpoint.id) for lab in LABS for checkpoint in find_lab(lab).checkpoints]
    for lab, checkpoint in random.Random(2).sample(places, STEPS):
        session = LabSession(find_lab(lab), ProgressFile(tmp_path / f"{lab}.json"), kube=knative_kube)
        session.goto(checkpoint)
        _assert_as_declared(knative_kube, session, checkpoint)


def test_what_was_applied_by_hand_is_taken_back(knative_kube: Kube, spec: ClusterSpec, tmp_path: Path) -> None:
    session = LabSession(find_lab("04-serverless"), ProgressFile(tmp_path / "progress.json"), kube=knative_kube)
    session.goto("afloat")
    kubectl = ["kubectl", "--kubeconfig", f"{kubeconfig_path(spec.name)}", "--namespace", session.namespace]
    subprocess.run([*kubectl, "apply", "--filename", session.model.folder / "material/tagged.yaml"], check=True)
    session.goto("afloat")
    _assert_as_declared(knative_kube, session, "afloat")


def _assert_as_declared(kube: Kube, session: LabSession, checkpoint: str) -> None:
    lab, namespace = session.model, session.namespace
    wanted = declared(lab, checkpoint)
    there: list[Obj] = [obj for kind in (*PLAIN, *KNATIVE, *ISTIO) for obj in kube.list(kind, namespace)]
    assert [obj["metadata"]["name"] for obj in surplus(there, wanted)] == [], (lab.id, checkpoint)
    for obj in wanted:
        kind, name = (obj["apiVersion"], obj["kind"]), obj["metadata"]["name"]
        found = kube.get(kind, name, namespace)
        assert account(found) == account(obj), (lab.id, checkpoint, name)
        if kind in KNATIVE:
            assert has_condition("Ready")(found), (lab.id, checkpoint, name)
            assert kind[1] != "Service" or found["metadata"]["generation"] == 1
    meshed = in_the_mesh(lab, checkpoint)
    for pod in kube.list("Pod", namespace):
        assert has_sidecar(pod) is (meshed and not stays_out(pod)), (lab.id, checkpoint, pod["metadata"]["name"])
