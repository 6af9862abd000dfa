"""A lab that is opened while what it needs still comes up: it waits, says for what, and ends when that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.bootstrap.journal import Journal, folder
from wavetank.bootstrap.process import held
from wavetank.bundle.stages import up_to
from wavetank.errors import ClusterError, InputError
from wavetank.lesson import LabSession
from wavetank.lesson import readiness as module
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.readiness import await_stage
from wavetank.lesson.result import CheckResult
from wavetank.steps import StepEvent


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """Be the process behind the lab."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(module, "LOOKS_AGAIN", 0.02)
    with held() as mine:
        assert mine
        yield Journal(folder() / "journal.jsonl")


def test_it_waits_until_its_stage_is_ready_and_says_what_happens(journal: Journal) -> None:
    journal.step(StepEvent("build kubernetes", "started"))
    told: list[str] = []
    waiting = threading.Thread(target=await_stage, args=("kubernetes", told.append), daemon=True)
    waiting.start()
    eventually(lambda: told == ["waiting for Kubernetes: build kubernetes"], "what it waits for")
    journal.ready(up_to("containers"))
    journal.step(StepEvent("build kubernetes", "done", 300.0))
    journal.step(StepEvent("nodes", "started"))
    eventually(lambda: told[1:] == ["waiting for Kubernetes: nodes"], "what it waits for next")
    journal.ready(up_to("kubernetes"))
    waiting.join(10)
    assert not waiting.is_alive()


def test_what_goes_wrong_is_said_and_tried_again_and_told_in_the_end(journal: Journal) -> None:
    journal.error("port 8080 is taken\n  try: end what listens there")
    told: list[str] = []
    raised: list[str] = []

    def wait() -> None:
        try:
            await_stage("kubernetes", told.append)
        except ClusterError as error:
            raised.append(str(error))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    eventually(lambda: told == ["port 8080 is taken\n  try: end what listens there"], "the error")
    assert waiting.is_alive()
    journal.end()
    waiting.join(10)
    assert raised == ["port 8080 is taken\n  try: end what listens there"]


def test_what_was_not_asked_for_is_not_waited_for(journal: Journal) -> None:
    less = Journal(folder() / "journal.jsonl", up_to("kubernetes"))
    less.step(StepEvent("nodes", "started"))
    await_stage("functions", print)


def test_what_nobody_brings_is_not_waited_for(journal: Journal) -> None:
    journal.end()
    await_stage("functions", print)


def test_a_lab_says_what_it_waits_for(journal: Journal, lab: Lab, tmp_path: Path) -> None:
    session = LabSession(lab, ProgressFile(tmp_path / "progress.json"))
    assert repr(session).endswith("; waits for Kubernetes")
    journal.ready(up_to("kubernetes"))
    assert repr(session).endswith("minutes)")


def test_a_notebook_is_told_in_its_cell(
    journal: Journal, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = LabSession(lab, ProgressFile(tmp_path / "progress.json"))
    journal.step(StepEvent("build kubernetes", "started"))
    ended: list[InputError] = []

    def open_cluster() -> None:
        try:
            assert session.kube
        except InputError as error:
            ended.append(error)

    waiting = threading.Thread(target=open_cluster, daemon=True)
    waiting.start()
    eventually(lambda: "waiting for Kubernetes: build kubernetes" in capsys.readouterr().out, "the words")
    journal.end()  # and nobody has brought a cluster
    waiting.join(10)
    assert [error.summary for error in ended] == ["no cluster to connect to"]


def test_a_checkpoint_that_asks_nothing_of_the_cluster_does_not_wait_for_it(
    journal: Journal, lab: Lab, tmp_path: Path
) -> None:
    session = LabSession(lab, ProgressFile(tmp_path / "progress.json"))
    journal.ready(up_to("containers"))
    empty = next(step for step in lab.checkpoints if not step.manifests)
    assert str(session.goto(empty.id)).startswith(f"at {empty.id}")


def test_a_check_that_asks_nothing_of_the_cluster_does_not_wait_for_it(
    journal: Journal, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavetank.lesson.session.run_checks", lambda checks, claim, bench: CheckResult(True, claim))
    (exercise,) = lab.exercises
    recipe = replace(exercise, applied=())  # such as that of an image
    session = LabSession(replace(lab, exercises=(recipe,)), ProgressFile(tmp_path / "progress.json"))
    journal.ready(up_to("containers"))
    journal.step(StepEvent("build kubernetes", "started"))
    assert session.check(recipe.id).passed
