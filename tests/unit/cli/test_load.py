"""`wavetank load`, from the terminal's side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.apiserver import ApiServer
from tests.support.loads import LOAD, NAMESPACE, Operator, second, summary_line

from wavetank.cli.load import load
from wavetank.errors import InputError
from wavetank.kube import Kube
from wavetank.traffic import Second, start_load


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with ApiServer() as server:
        kubeconfig = server.kubeconfig(tmp_path)
        monkeypatch.setattr("wavetank.cluster.kubeconfig_path", lambda name: kubeconfig)
        yield server


@pytest.fixture
def operator(api: ApiServer) -> Operator:
    return Operator(api)


def wavetank_load(*arguments: str) -> Result:
    return CliRunner().invoke(load, arguments, catch_exceptions=False)


def test_run_reports_each_second_and_the_sum(operator: Operator) -> None:
    operator.script = [second(0).to_line(), second(1, sent=19).to_line(), summary_line(2)]
    result = wavetank_load("run", "web", "--name", LOAD.name, "--rate", "20", "--duration", "2s")

    first, then, total = result.output.splitlines()
    assert first.split()[:3] == ["0", "s", "20"]
    assert then.split()[:3] == ["1", "s", "19"]
    assert total.startswith("steady: 39 sent in 2 s, 0 failed (0.0%)")


def test_an_interrupted_run_stops_its_load(operator: Operator, api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(second: Second) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavetank.cli.load._line", interrupt)
    operator.script = [second(0).to_line()]
    result = wavetank_load("run", "web", "--name", LOAD.name)
    stored = api.get("Load", LOAD.name, NAMESPACE)

    assert stored is not None
    assert stored["status"]["phase"] == "Stopped"
    assert result.output.startswith("stopped: 20 sent in 1 s")


def test_run_refuses_what_the_resource_refuses(operator: Operator, api: ApiServer) -> None:
    with pytest.raises(InputError, match=r"^rate is wrong"):
        wavetank_load("run", "web", "--rate", "-5")
    assert api.objects("Load") == []


def test_list_and_stop(operator: Operator, api: ApiServer, tmp_path: Path) -> None:
    start_load(Kube.connect(api.kubeconfig(tmp_path)), LOAD, NAMESPACE)
    assert wavetank_load("list").output.split()[:2] == ["steady", "Running"]

    assert wavetank_load("stop", "steady").output == "steady has ended\n"
    assert wavetank_load("list").output.split()[:2] == ["steady", "Stopped"]


def test_follow_tells_a_load_from_its_beginning(operator: Operator, api: ApiServer, tmp_path: Path) -> None:
    start_load(Kube.connect(api.kubeconfig(tmp_path)), LOAD, NAMESPACE)
    operator.says(*(second(t).to_line() for t in range(3)), summary_line(3))
    operator.end("Completed")

    assert len(wavetank_load("follow", "steady").output.splitlines()) == 4
