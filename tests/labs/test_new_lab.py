"""A lab that `wavetank new-lab` has laid out is accepted at once, and each mistake put into it is told where it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import validate

from wavetank.document import load_schema
from wavetank.errors import InputError
from wavetank.lesson.library import LABS
from wavetank.prove import State, mistakes, prove_labs, write_junit
from wavetank.prove.new_lab import new_lab
from wavetank.prove.proof import SUMMARY
from wavetank.prove.written import stray_answers

ID = "07-harbour"


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    new_lab(ID, 'The "harbour": \\ a start', tmp_path / "labs")
    return tmp_path / "labs"


def test_a_new_lab_is_accepted_at_once(labs: Path) -> None:
    assert [str(mistake) for mistake in mistakes(ID, labs)] == []
    assert not stray_answers(labs, [ID])


def test_nothing_is_overwritten(labs: Path) -> None:
    with pytest.raises(InputError, match="is there already"):
        new_lab(ID, labs=labs)


@pytest.mark.parametrize("id_", ["harbour", "07_harbour", "../07-harbour", "07-" + "h" * 60])
def test_an_id_that_is_none_is_refused(tmp_path: Path, id_: str) -> None:
    with pytest.raises(InputError, match="is no id"):
        new_lab(id_, labs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def lab_yaml(old: str, new: str) -> Callable[[Path], None]:
    return in_file("lab.yaml", old, new)


def in_file(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(lab: Path) -> None:
        text = (lab / name).read_text()
        assert old in text
        (lab / name).write_text(text.replace(old, new))

    return change


def answers(lab: Path) -> Path:
    return lab.parents[1] / "tests" / "answers" / ID


IMAGE = "images:\n  ship: {tag: localhost:5001/ship:v1, context: manifests}\nloads:"
BAD_ANSWER = "../../tests/answers/07-harbour/second-pod/misspelt.yaml"

MISTAKES = {
    "an id twice": (lab_yaml("id: afloat", "id: empty"), "lab.yaml:12", "there twice"),
    "an unknown check": (lab_yaml("- rollout:", "- rolout:"), "lab.yaml:3", "rolout"),
    "no such checkpoint": (lab_yaml("checkpoint: afloat", "checkpoint: adrift"), "lab.yaml:33", "adrift"),
    "no such load": (lab_yaml("available: {load: steady", "available: {load: calm"), "lab.yaml:38", "calm"),
    "a file that is not there": (lab_yaml("manifests/timetable", "manifests/tide"), "lab.yaml:14", "manifests/tide"),
    "only two hints": (lab_yaml("      - Who answers while a pod takes a pause?\n", ""), "lab.yaml:39", "hints"),
    "a load that never ends": (lab_yaml("    duration: 12s\n", ""), "lab.yaml:1", "duration"),
    "an unknown field": (lab_yaml("minutes: 15", "minutes: 15\nteacher: me"), "lab.yaml:", "teacher"),
    "a prediction without truth": (lab_yaml("    truth: {failed: {load: steady}}\n", ""), "lab.yaml:2", "truth"),
    "another id than the folder's": (lab_yaml("id: 07-harbour", "id: 07-port"), "lab.yaml:2", "07-port"),
    "a function that is nowhere": (
        lambda lab: (
            lab_yaml("- rollout: {deployment: timetable, within: 30s}", "- python: checks:calm")(lab),
            (lab / "checks.py").write_text("storm = 1\n"),
        ),
        "lab.yaml:37",
        "no function 'calm'",
    ),
    "an image without a Dockerfile": (lab_yaml("loads:", IMAGE), "lab.yaml:", "no Dockerfile"),
    "a manifest that is none": (in_file("manifests/timetable.yaml", "kind: Service", "kind: ["), "timetable.yaml:", ""),
    "a solution that is missing": (
        lambda lab: (lab.parents[1] / "solutions" / ID / "exercises" / "timetable.yaml").unlink(),
        "lab.yaml:35",
        "no solution of timetable.yaml",
    ),
    "a solution that is the starter": (
        lambda lab: shutil.copy(
            lab / "starters/timetable.yaml", lab.parents[1] / "solutions" / ID / "exercises/timetable.yaml"
        ),
        "lab.yaml:35",
        "is its starter",
    ),
    "a notebook that calls what is not there": (
        in_file("lab.ipynb", 'lab.fault(\\"pause\\")', 'lab.fault(\\"storm\\")'),
        "lab.ipynb:",
        'lab.fault("storm")',
    ),
    "a notebook that leaves an exercise out": (
        in_file("lab.ipynb", 'Check(lab, \\"second-pod\\")', "lab"),
        "lab.ipynb",
        "never comes to second-pod",
    ),
    "a notebook that is no JSON": (lambda lab: (lab / "lab.ipynb").write_text("{\n"), "lab.ipynb:", "no notebook"),
    "no notebook": (lambda lab: (lab / "lab.ipynb").unlink(), "", "lab.ipynb"),
    "a solved notebook of another solution": (
        in_file("../../solutions/07-harbour/exercises/timetable.yaml", "replicas: 2", "replicas: 4"),
        "solutions/07-harbour/lab.ipynb:1",
        "not what lab.yaml",
    ),
    "an answer to no exercise": (lambda lab: (answers(lab) / "third-pod").mkdir(), "", "third-pod belongs to no"),
    "an answer with a file of nobody's": (
        in_file(BAD_ANSWER, "  timetable.yaml:\n", "  tide.yaml:\n"),
        "misspelt.yaml:5",
        "tide.yaml is no file",
    ),
    "an answer that changes what is not there": (
        in_file(BAD_ANSWER, 'from: "replicas: 2"', 'from: "replicas: 5"'),
        "misspelt.yaml:6",
        "is 0 times in timetable.yaml",
    ),
    "an answer that does not say why": (
        in_file(BAD_ANSWER, "why: replica is no field of a Deployment\n", ""),
        "misspelt.yaml:1",
        "why",
    ),
}


@pytest.mark.parametrize(("change", "where", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_where_it_is(labs: Path, change: Callable[[Path], object], where: str, said: str) -> None:
    change(labs / ID)
    told = [str(mistake) for mistake in mistakes(ID, labs)]
    assert [each for each in told if where in each and said in each], told


def test_answers_to_no_lab_are_told(labs: Path) -> None:
    (labs.parent / "tests" / "answers" / "08-reef").mkdir()
    (stray,) = stray_answers(labs, [ID])
    assert "08-reef belongs to no lab" in str(stray)


def test_without_a_cluster_the_proof_says_what_it_could_not_try(
    labs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    proof = prove_labs([ID], labs=labs)
    states = {case.part: case.state for case in proof.cases}
    nothing = dict.fromkeys(("exercises", "notebooks", "answers"), State.UNPROVEN)
    assert states == {"written": State.PROVEN, **nothing}
    assert proof.code == 2
    validate(proof.summary(), load_schema(SUMMARY))
    write_junit(proof, tmp_path / "junit.xml")
    assert 'skipped="3"' in (tmp_path / "junit.xml").read_text()
    json.dumps(proof.summary())


def test_the_page_lays_out_and_proves_a_lab_as_it_says(tmp_path: Path) -> None:
    """The commands of the page's first step, run as they stand in a checkout of their own."""
    page = (LABS.parent / "docs" / "writing-a-lab.md").read_text()
    commands = [line.strip()[2:] for line in page.splitlines() if line.strip().startswith("$ wavetank")]
    assert [command.split()[1] for command in commands] == ["new-lab", "prove", "prove", "prove"]
    (tmp_path / "lib").symlink_to(LABS.parent / "lib")
    (tmp_path / "clusters").symlink_to(LABS.parent / "clusters")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "lib")}
    for command in commands[:2]:
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    for line in re.findall(r"tests/answers/\S+", page):
        assert (tmp_path / line).is_file()
