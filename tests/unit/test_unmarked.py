"""However somebody comes to a cluster that is not Wavetank's, it is left as it is, and they are told which it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from tests.support.fake_engine import FakeEngine
from tests.support.foreign import FAULT, LOAD, Foreign
from tests.support.harbour import NAMESPACE, write_lab

from wavetank.cli import cli, lesson
from wavetank.errors import ClusterError
from wavetank.faults import Fault, FaultRun, emergency_stop, inject
from wavetank.lesson import LabSession, lab_ids, open_lab
from wavetank.netlayer import main as netlayer
from wavetank.operator import main as operator
from wavetank.operator.faults import FaultTender
from wavetank.operator.loads import LoadTender
from wavetank.traffic import Load, LoadRun, start_load

PIPELINE = """\
image: localhost:5001/tidewater/web
build: {context: .}
test: {command: ["true"]}
deploy: {deployment: web}
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Foreign]:
    """A shell that points at it, in every way in which Wavetank looks for a cluster."""
    with Foreign(tmp_path) as foreign:
        monkeypatch.setenv("KUBECONFIG", str(foreign.kubeconfig))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.setenv("PATH", os.environ["PATH"])
        monkeypatch.setattr("wavetank.cluster.kubeconfig_path", lambda name: foreign.kubeconfig)
        yield foreign


@pytest.fixture
def session(foreign: Foreign, tmp_path: Path) -> LabSession:
    return open_lab("09-sample", labs=write_lab(tmp_path))


NOTEBOOK: dict[str, Callable[[LabSession], Any]] = {
    "goto": lambda lab: lab.goto("afloat"),
    "goto with nothing to apply": lambda lab: lab.goto("empty"),
    "reset": lambda lab: lab.reset(),
    "check": lambda lab: lab.check("scale"),
    "apply": lambda lab: lab.apply("scale"),
    "load": lambda lab: lab.load("steady"),
    "fault": lambda lab: lab.fault("slow"),
    "outcome": lambda lab: lab.outcome("gap"),
    "emergency stop": lambda lab: lab.emergency_stop(),
}


@pytest.mark.parametrize("asked", NOTEBOOK)
def test_a_notebook(asked: str, session: LabSession, foreign: Foreign) -> None:
    with pytest.raises(ClusterError) as refused:
        NOTEBOOK[asked](session)
    foreign.assert_refused(refused.value)
    assert "by way of $KUBECONFIG" in refused.value.help.observed


LIBRARY: dict[str, Callable[[Foreign], Any]] = {
    "start a load": lambda there: start_load(there.kube, Load.from_spec("mine", LOAD), NAMESPACE),
    "stop a load": lambda there: LoadRun(there.kube, "steady", NAMESPACE).stop(),
    "inject": lambda there: inject(there.kube, Fault.from_spec("mine", FAULT), NAMESPACE),
    "stop a fault": lambda there: FaultRun(there.kube, "slow", NAMESPACE).stop(),
    "emergency stop": lambda there: emergency_stop(there.kube),
    "tend a load": lambda there: LoadTender(there.kube, NAMESPACE, "steady", _uid(there, "Load", "steady")).look(),
    "tend a fault": lambda there: FaultTender(there.kube, NAMESPACE, "slow", _uid(there, "Fault", "slow")).look(),
    "the operator": lambda there: operator.main(),
    "the networking layer": lambda there: netlayer.run(there.kube, threading.Event(), "me", threading.Event()),
}


def _uid(foreign: Foreign, kind: str, name: str) -> str:
    found = foreign.api.get(kind, name, NAMESPACE)
    assert found
    return str(found["metadata"]["uid"])


@pytest.mark.parametrize("asked", LIBRARY)
def test_a_program(asked: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    if asked == "tend a load":  # one whose pod is to be made
        found = foreign.api.get("Load", "steady", NAMESPACE)
        assert found
        found.pop("status")
        foreign.api.put({**found, "status": {}})
        foreign.remember()
    if asked == "the networking layer":
        foreign.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "knative-serving"}})
        foreign.remember()
    with pytest.raises(ClusterError) as refused:
        LIBRARY[asked](foreign)
    foreign.assert_refused(refused.value)


WRITING = {
    "goto": ("09-sample", "afloat"),
    "reset": ("09-sample",),
    "check": ("09-sample", "scale"),
    "load run": ("web",),
    "load stop": ("steady",),
    "fault inject": ("latency", "app=web"),
    "fault stop": ("slow",),
    "fault stop-all": (),
    "pipeline run": ("pipeline.yaml", "--version", "v2"),
    "operator": (),
}
"""Each command that writes to the cluster it is pointed at, and what to give it."""

READING = {"load list": "steady", "fault list": f"{NAMESPACE}/slow", "load follow": ""}
"""Each command that only reads there, and what it then shows."""

OF_ITS_OWN = {"up", "down", "status", "doctor", "logs", "adopt", "lab", "labs", "hint", "solve", "new-lab", "prove"}
OF_ITS_OWN |= {"bundle build", "bundle pin", "bundle save", "bundle load", "bundle ls", "bundle verify", "bundle rm"}
OF_ITS_OWN |= {"fault kinds", "pipeline ls", "pipeline show", "load-pod", "traces", "netlayer", "power-agent"}
"""Those that ask no cluster, or only one that they have made or that is named on their line. ``netlayer`` ends its
whole process: what it runs is among the programs above."""


@pytest.fixture
def terminal(foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command in a folder with a pipeline, beside the sample lab."""
    labs, engine = write_lab(tmp_path), FakeEngine()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "Dockerfile").write_text("FROM wavetank.dev/base:3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lesson, "open_lab", lambda id_, **options: open_lab(id_, labs=labs, **options))
    monkeypatch.setattr(lesson, "lab_ids", lambda: lab_ids(labs))
    monkeypatch.setattr("wavetank.cli.pipeline._engine", lambda name: engine)

    def run(command: str, *arguments: str) -> Any:
        result = CliRunner().invoke(cli, [*command.split(), *arguments])
        assert engine.registry == {}, "nothing is built for a cluster that must not be touched"
        return result

    return run


@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_writes(command: str, terminal: Callable[..., Any], foreign: Foreign) -> None:
    foreign.assert_refused(terminal(command, *WRITING[command]).exception)


@pytest.mark.parametrize("command", [name for name, shown in READING.items() if shown])
def test_a_command_that_reads(command: str, terminal: Callable[..., Any], foreign: Foreign) -> None:
    result = terminal(command)
    assert result.exit_code == 0
    assert READING[command] in result.output
    foreign.assert_untouched()


def test_nothing_is_proven_there(terminal: Callable[..., Any], foreign: Foreign) -> None:
    result = terminal("prove", "00-start", "second-pod", "--exercises")
    assert result.exit_code == 2
    assert "is not marked as Wavetank's" in result.output
    foreign.assert_untouched()


def test_every_command_is_known_to_write_or_not_to() -> None:
    assert set(_commands(cli)) == WRITING.keys() | READING.keys() | OF_ITS_OWN


def _commands(group: click.Group, before: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"
