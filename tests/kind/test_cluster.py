"""The cluster itself: its nodes, its addons, its network, and what another process sees of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec, Provider, kubeconfig_path, status, up
from wavetank.kube import Kube
from wavetank.kube.mark import Mark, read_mark

pytestmark = pytest.mark.kind

TIDEWATER = Path(__file__).parents[2] / "labs" / "tidewater" / "manifests"


def test_three_real_nodes_are_ready(kube: Kube, spec: ClusterSpec) -> None:
    nodes = {node["metadata"]["name"]: node for node in kube.list("Node")}
    assert set(nodes) == set(spec.node_names)
    for node in nodes.values():
        assert node["status"]["nodeInfo"]["kubeletVersion"].startswith(f"v{spec.kubernetes}.")
        ready = next(each for each in node["status"]["conditions"] if each["type"] == "Ready")
        assert ready["status"] == "True"


def test_the_cluster_and_its_nodes_say_whose_they_are(kube: Kube, spec: ClusterSpec) -> None:
    assert read_mark(kube.connection) == Mark(spec.name, "up")
    for node in kube.list("Node"):
        assert node["metadata"]["labels"]["wavetank.dev/cluster"] == spec.name


def test_every_pod_of_the_system_runs(kube: Kube) -> None:
    for namespace in ("kube-system", "projectcontour", "wavetank-system"):
        for pod in kube.list("Pod", namespace):
            kube.wait_for("Pod", pod["metadata"]["name"], namespace, "Ready", timeout=60)


def test_kubectl_top_answers_for_every_node(kube: Kube, spec: ClusterSpec) -> None:
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert kubectl
    told = subprocess.run(
        [kubectl, "--kubeconfig", str(kubeconfig_path(spec.name)), "top", "nodes", "--no-headers"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    assert {line.split()[0] for line in told.splitlines()} == set(spec.node_names)


def test_the_kubeconfig_is_private_and_the_users_own_is_untouched(kube: Kube, spec: ClusterSpec) -> None:
    assert stat.S_IMODE(kubeconfig_path(spec.name).stat().st_mode) == 0o600
    users = Path.home() / ".kube" / "config"
    assert not users.exists() or spec.name not in users.read_text()


def test_up_again_takes_seconds_and_changes_nothing(kube: Kube, spec: ClusterSpec, provider: Provider) -> None:
    pods = {pod["metadata"]["uid"] for pod in kube.list("Pod", "kube-system")}
    began = time.monotonic()
    up(spec)
    assert time.monotonic() - began < 30
    assert {pod["metadata"]["uid"] for pod in kube.list("Pod", "kube-system")} == pods


def test_status_from_another_process_says_it_all(kube: Kube, spec: ClusterSpec) -> None:
    told = json.loads(
        subprocess.run(
            [sys.executable, "-m", "wavetank", "status", "--json"], check=True, capture_output=True, timeout=60
        ).stdout
    )
    assert told["state"] == "up"
    assert [node["name"] for node in told["nodes"]] == list(spec.node_names)
    assert all(node["ready"] for node in told["nodes"])
    assert {"metrics-server", "ingress", "istio", "operator", "traces"} <= set(told["addons"])
    assert set(told["addons"].values()) == {"ready"}
    assert told["capabilities"]["node-stop"]["ok"] is True
    assert told.pop("background") is None  # nothing comes up behind a lab now
    assert json.loads(json.dumps(status(spec).as_dict())) == told


def test_pods_on_every_node_answer_through_one_service(kube: Kube, namespace: str) -> None:
    kube.apply(TIDEWATER / "timetable.yaml", namespace=namespace)
    kube.patch("Deployment", "timetable", namespace, {"spec": {"replicas": 3}})
    kube.rollout("timetable", namespace, timeout=90)
    nodes = {pod["spec"]["nodeName"] for pod in kube.list("Pod", namespace)}
    assert len(nodes) >= 2
    answers = [kube.request("service:timetable:80", "/healthz", namespace).status for _ in range(20)]
    assert answers == [200] * 20


def test_the_ingress_answers_on_loopback(kube: Kube, namespace: str, spec: ClusterSpec) -> None:
    kube.apply(TIDEWATER / "timetable.yaml", namespace=namespace)
    rule = {
        "host": f"{namespace}.example",
        "http": {
            "paths": [
                {
                    "path": "/",
                    "pathType": "Prefix",
                    "backend": {"service": {"name": "timetable", "port": {"number": 80}}},
                }
            ]
        },
    }
    kube.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "door", "namespace": namespace},
            "spec": {"ingressClassName": "contour", "rules": [rule]},
        }
    )
    kube.rollout("timetable", namespace, timeout=90)

    def answers() -> bool:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{spec.ports.ingress}/sailings", headers={"Host": f"{namespace}.example"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    eventually(answers, "the ingress to answer", within=30)


def test_logs_are_collected(kube: Kube, spec: ClusterSpec, provider: Provider, tmp_path: Path) -> None:
    provider.collect_logs(spec.name, tmp_path)
    for node in spec.node_names:
        assert "kubelet" in (tmp_path / node / "kubelet.log").read_text()
    assert "coredns" in (tmp_path / spec.control_plane / "objects.txt").read_text()
    assert (tmp_path / f"{spec.name}-power.log").is_file()


def test_nothing_of_the_cluster_listens_beyond_loopback(kube: Kube, spec: ClusterSpec) -> None:
    told = subprocess.run(
        ["docker", "ps", "--filter", f"network={spec.name}", "--format", "{{json .Ports}}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    published = [
        port for line in told.split() for port in json.loads(f'"{line.strip(chr(34))}"').split(",") if "->" in port
    ]
    assert published
    assert all(port.strip().startswith("127.0.0.1:") for port in published)
