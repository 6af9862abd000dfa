"""`wavetank adopt`: a cluster is taken into use by who names it and means it, and given back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.apiserver import ApiServer
from tests.support.foreign import Foreign
from tests.support.harbour import NAMESPACE

from wavetank.cli import cli
from wavetank.errors import ClusterError, InputError, WavetankError
from wavetank.kube.mark import NAME, Mark, read_mark, write_mark

PLACE = (NAME, "wavetank-system")


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    with Foreign(tmp_path) as foreign:
        yield foreign


def wavetank_adopt(foreign: Foreign, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["adopt", "--kubeconfig", str(foreign.kubeconfig), *arguments], input=typed)


def refusal(result: Result) -> WavetankError:
    assert isinstance(result.exception, WavetankError), result.output
    return result.exception


def writes(api: ApiServer) -> list[str]:
    return [f"{method} {path.partition('?')[0]}" for method, path in api.requests if method != "GET"]


def test_the_context_has_to_be_named(foreign: Foreign) -> None:
    result = wavetank_adopt(foreign)
    assert result.exit_code == 2
    assert "--context" in result.output
    foreign.assert_untouched()


def test_a_context_that_is_not_there(foreign: Foreign) -> None:
    assert "prod" in refusal(wavetank_adopt(foreign, "--context", "prod", "--yes")).help.expected
    foreign.assert_untouched()


def test_who_types_another_address_adopts_nothing(foreign: Foreign) -> None:
    result = wavetank_adopt(foreign, "--context", "test", typed="https://prod.example\n")
    assert "from the context 'test'" in result.output
    assert isinstance(result.exception, InputError)
    foreign.assert_untouched()


def test_who_types_nothing_adopts_nothing(foreign: Foreign) -> None:
    assert wavetank_adopt(foreign, "--context", "test").exception
    foreign.assert_untouched()


def test_the_mark_is_all_that_is_written(foreign: Foreign) -> None:
    server = foreign.kube.connection.server
    result = wavetank_adopt(foreign, "--context", "test", typed=f"{server}\n")
    assert result.exit_code == 0
    assert f"{server} is Wavetank's, for labs, loads, faults" in result.output
    mark = f"/api/v1/namespaces/wavetank-system/configmaps/{NAME}"
    assert writes(foreign.api) == ["POST /api/v1/namespaces", f"PATCH {mark}"]
    assert read_mark(foreign.kube.connection) == Mark("test", "adopt")
    foreign.kube.delete_object("Pod", "web-1", NAMESPACE)


def test_what_is_wavetanks_already_is_not_asked_for_again(foreign: Foreign) -> None:
    wavetank_adopt(foreign, "--context", "test", "--yes")
    foreign.remember()
    assert wavetank_adopt(foreign, "--context", "test").exit_code == 0
    foreign.assert_untouched()


def test_giving_back_ends_what_goes_on_there_first(foreign: Foreign) -> None:
    wavetank_adopt(foreign, "--context", "test", "--yes")
    ended: list[str] = []

    def end(change: str, obj: dict[str, object]) -> None:  # as the operator does
        spec, status = obj.get("spec"), obj.get("status")
        if isinstance(spec, dict) and isinstance(status, dict) and spec.get("stop") and status["phase"] != "Stopped":
            assert foreign.api.get("ConfigMap", *PLACE), "the operator may still put things back"
            ended.append(str(obj["kind"]))
            foreign.api.put({**obj, "status": {**status, "phase": "Stopped"}})

    foreign.api.on_write(end)
    assert wavetank_adopt(foreign, "--context", "test", "--undo").exit_code == 0
    assert sorted(ended) == ["Fault", "Load"]
    assert foreign.api.get("ConfigMap", *PLACE) is None
    foreign.remember()
    with pytest.raises(ClusterError):
        foreign.kube.delete_object("Pod", "web-1", NAMESPACE)
    assert wavetank_adopt(foreign, "--context", "test", "--undo").exit_code == 0
    foreign.assert_untouched()


def test_a_cluster_that_wavetank_has_made_is_not_given_back(foreign: Foreign) -> None:
    write_mark(foreign.kube.connection, Mark("wavetank", "up"))
    foreign.remember()
    error = refusal(wavetank_adopt(foreign, "--context", "test", "--undo"))
    assert "was not adopted" in error.summary
    assert "wavetank down" in error.help.hint
    foreign.assert_untouched()
