"""An API server with Knative's and Istio's kinds, and pods of a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.ingresses import GatewayPod, with_knative

from wavetank.kube import Kube


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        with_knative(server)
        yield server


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))


@pytest.fixture
def pod(api: ApiServer, tmp_path: Path) -> Iterator[GatewayPod]:
    with GatewayPod(api, "pod-1", tmp_path) as pod:
        yield pod
