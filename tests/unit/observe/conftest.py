"""The tests' own API server, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer

from wavetank.kube import Kube


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        yield api


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))
