from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.apiserver import ApiServer

from wavetank.cluster.providers.kind_network import lift_cpu_limit
from wavetank.kube import Kube

RESOURCES = {"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"cpu": "100m", "memory": "50Mi"}}
KINDNET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "kindnet", "namespace": "kube-system"},
    "spec": {"template": {"spec": {"containers": [{"name": "kindnet-cni", "image": "x", "resources": RESOURCES}]}}},
}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))


def test_kindnet_gets_the_cpu_it_needs_and_keeps_the_rest(api: ApiServer, kube: Kube) -> None:
    api.put(KINDNET)
    assert lift_cpu_limit(kube) == ""
    (container,) = kube.get("DaemonSet", "kindnet", "kube-system")["spec"]["template"]["spec"]["containers"]
    assert container == {
        "name": "kindnet-cni",
        "image": "x",
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"memory": "50Mi"}},
    }
    assert lift_cpu_limit(kube) == "there already"


def test_a_cluster_without_kindnet_needs_nothing(kube: Kube) -> None:
    assert lift_cpu_limit(kube) == "not needed"
