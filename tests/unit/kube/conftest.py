"""The tests' own API server, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer

from wavetank.kube import Kube


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))


@pytest.fixture
def namespace(api: ApiServer) -> str:
    api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "harbour"}})
    return "harbour"
