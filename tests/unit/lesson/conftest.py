"""A sample lab on the tests' own API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import Harbour, write_lab

from wavetank.kube import Kube
from wavetank.lesson import Bench, LabSession, find_lab
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    return write_lab(tmp_path)


@pytest.fixture
def lab(labs: Path) -> Lab:
    return find_lab("09-sample", labs)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def harbour(api: ApiServer) -> Harbour:
    return Harbour(api)


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))


@pytest.fixture
def bench(kube: Kube, lab: Lab, harbour: Harbour) -> Iterator[Bench]:
    with Bench(lambda: kube, lab) as bench:
        yield bench


@pytest.fixture
def session(lab: Lab, kube: Kube, harbour: Harbour, tmp_path: Path) -> LabSession:
    return LabSession(lab, ProgressFile(tmp_path / "state" / "09-sample.json"), kube=kube)
