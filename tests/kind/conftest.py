"""The real cluster that these tests share: brought up once (seconds when it is up already), never taken down here."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavetank.cluster import ClusterSpec, Provider, find_spec, kubeconfig_path, load_spec, provider_for, up
from wavetank.kube import Kube
from wavetank.waves import let_operator_in

ADDONS = ("metrics-server", "ingress", "operator", "registry", "istio", "traces")
SERVERLESS = (*ADDONS, "knative", "eventing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what needs Knative come late (until then the machine has a dozen processes less to run), and the end last.

    First comes the test in which the cluster stands still: what has one of its own runs meanwhile (see the Makefile).
    """
    items.sort(key=lambda item: (_takes_it_down(item), _needs_knative(item), not _stands_still(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each file took, so that one sees what has grown."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and "/kind/" in report.nodeid:
                seconds[Path(report.nodeid.partition("::")[0]).name] += report.duration
    if seconds:
        terminalreporter.section("minutes by file")
        for file, took in seconds.most_common():
            terminalreporter.line(f"{took / 60:6.1f} {file}")


def _stands_still(item: pytest.Item) -> bool:
    return "stood_still" in item.nodeid


def _takes_it_down(item: pytest.Item) -> bool:
    return "test_private_internet" in item.nodeid or "test_zz_down" in item.nodeid


def _needs_knative(item: pytest.Item) -> bool:
    return "serverless" in item.nodeid or "knative_kube" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def spec() -> ClusterSpec:
    return load_spec(find_spec("kind")).with_addons(ADDONS)


@pytest.fixture(scope="session")
def provider(spec: ClusterSpec) -> Provider:
    return provider_for(spec)


@pytest.fixture(scope="session")
def kube(spec: ClusterSpec) -> Kube:
    """The API of a cluster with every addon but Knative's."""
    up(spec)
    return Kube.connect(kubeconfig_path(spec.name))


@pytest.fixture(scope="session")
def knative_kube(kube: Kube, spec: ClusterSpec) -> Kube:
    """The API of a cluster with every addon."""
    up(spec.with_addons(SERVERLESS))
    return kube


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    """A fresh namespace, deleted afterwards with all that is in it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    let_operator_in(kube, name)
    yield name
    kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
