"""`wavetank fault`, from the terminal's side, with the operator behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.operator_process import operating
from tests.support.pond import NAMESPACE, Pond

from wavetank.cli.fault import fault
from wavetank.errors import InputError
from wavetank.faults import CATALOGUE, Kind


@pytest.fixture
def pond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pond]:
    with Pond(tmp_path) as pond:
        monkeypatch.setattr("wavetank.cluster.kubeconfig_path", lambda name: pond.kubeconfig)
        pond.deploy("booking")
        with operating(pond.kube):
            yield pond


def wavetank_fault(*arguments: str) -> Result:
    return CliRunner().invoke(fault, arguments, catch_exceptions=False)


def test_the_kinds_are_those_of_the_catalogue() -> None:
    lines = wavetank_fault("kinds").output.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
def test_a_kind_is_told_with_all_its_parameters(kind: Kind) -> None:
    told = wavetank_fault("kinds", kind.name).output
    assert kind.watch in told
    for parameter in kind.parameters:
        assert f"--set {parameter.name}={parameter.default:g}" in told


def test_inject_list_and_stop(pond: Pond) -> None:
    told = wavetank_fault("inject", "latency", "deployment/booking", "-n", NAMESPACE, "--set", "ms=5", "--name", "slow")
    assert told.output.startswith("slow: Active: on in 2 of 2 pods\nit ends by itself in ")
    assert pond.switches["booking-1"].on == ["latency"]

    assert "harbour/slow" in wavetank_fault("list").output
    assert "latency at deployment booking" in wavetank_fault("list").output

    assert wavetank_fault("stop", "slow", "-n", NAMESPACE).output == "slow: Stopped: off in 2 pods\n"
    assert wavetank_fault("list").output == ""


def test_what_acts_once_has_no_end_to_come(pond: Pond) -> None:
    told = wavetank_fault("inject", "pod-kill", "app=booking", "-n", NAMESPACE)
    assert told.output.startswith("pod-kill: Reverted: killed booking-")
    assert "ends by itself" not in told.output


def test_the_emergency_stop_names_what_it_ended(pond: Pond) -> None:
    wavetank_fault("inject", "unready", "service/booking", "-n", NAMESPACE)
    assert wavetank_fault("stop-all").output == "ended: Fault harbour/unready\n"
    assert wavetank_fault("stop-all").output == "nothing was going on\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("latency", "booking"), "deployment/NAME, service/NAME, node/NAME, or the label of pods"),
        (("latency", "pod/booking"), "exactly one of selector, deployment, service, node"),
        (("latency", "node/worker"), "latency needs target.selector"),
        (("latency", "app=booking", "--set", "ms"), "NAME=VALUE"),
        (("latency", "app=booking", "--set", "share=1"), "latency takes ms, jitterMs, pods"),
        (("latency", "app=booking", "--duration", "2h"), "at most 1h"),
    ],
)
def test_a_mistake_is_told_before_a_cluster_is_asked(arguments: tuple[str, ...], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        wavetank_fault("inject", *arguments)
    assert expected in caught.value.help.expected
