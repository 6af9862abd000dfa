"""The real cluster that these tests share: brought up once (seconds when it is up already), never taken down here.

Most tests have a namespace of their own and run side by side. Those that stop nodes, break what everybody shares, or
measure how soon pods come are marked ``alone``: they come afterwards, one at a time.
"""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator

import pytest

from wavetank.cluster import ClusterSpec, Provider, find_spec, kubeconfig_path, load_spec, provider_for, up
from wavetank.kube import Kube
from wavetank.waves import let_operator_in

ADDONS = ("metrics-server", "ingress", "operator", "registry", "istio", "traces", "knative", "eventing")
LAST = ("test_private_internet", "test_zz_down")
"""They take the cluster down."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and end with what takes the cluster down."""
    items.sort(key=lambda item: (item.path.stem in LAST, item.path.stem != "test_labs"))


@pytest.fixture(scope="session")
def spec() -> ClusterSpec:
    return load_spec(find_spec("kind")).with_addons(ADDONS)


@pytest.fixture(scope="session")
def provider(spec: ClusterSpec) -> Provider:
    return provider_for(spec)


@pytest.fixture(scope="session")
def kube(spec: ClusterSpec, tmp_path_factory: pytest.TempPathFactory) -> Kube:
    """The API of a cluster with every addon."""
    with (tmp_path_factory.getbasetemp().parent / "up").open("w") as turn:  # of the processes that run side by side
        fcntl.flock(turn, fcntl.LOCK_EX)
        up(spec)
    return Kube.connect(kubeconfig_path(spec.name))


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    """A fresh namespace, deleted afterwards with all that is in it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    let_operator_in(kube, name)
    yield name
    kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
