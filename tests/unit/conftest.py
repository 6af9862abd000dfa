"""What holds for every test without a cluster: no cluster, kubeconfig or progress of this machine is looked at."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def no_states_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


@pytest.fixture(autouse=True)
def a_state_of_its_own(no_states_of_this_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(no_states_of_this_machine / uuid.uuid4().hex))
    monkeypatch.delenv("KUBECONFIG", raising=False)
