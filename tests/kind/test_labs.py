"""Every lab on the real cluster: both notebooks run, and each exercise is red on its starter and green on its solution.

Green is what the solved notebook proves: there a check that does not pass raises, and no exercise is left unchecked
(tests/labs/test_notebooks.py holds it to that).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.kube import Kube
from wavetank.lesson import LabSession, find_lab, lab_ids, open_lab

pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
LABS = lab_ids()
EXERCISES = [(lab, exercise.id) for lab in LABS for exercise in find_lab(lab).exercises]


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_the_notebook_runs_and_says_what_it_said(
    folder: str, lab: str, kube: Kube, spec: ClusterSpec, tmp_path: Path
) -> None:
    notebook = ROOT / folder / lab / "lab.ipynb"
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubeconfig_path(spec.name)),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path),  # a learner's own progress stays as it is
    }
    # A cell may take minutes, as the autoscaler's check does: the project's limit for a test is not for it.
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--timeout=400", "-p", "no:cacheprovider", str(notebook)]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=850)
    assert ran.returncode == 0, ran.stdout[-8000:]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of labs/ and solutions/ in which no learner has edited anything; returns that of labs/."""
    here = tmp_path_factory.mktemp("copies")
    for folder in ("labs", "solutions"):
        shutil.copytree(ROOT / folder, here / folder)
    for lab in LABS:
        shutil.rmtree(here / "labs" / lab / "exercises", ignore_errors=True)
    return here / "labs"


@pytest.fixture
def opened(copies: Path, kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LabSession]:
    """Open a lab at an exercise, with its starters applied."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def at(lab: str, exercise: str) -> LabSession:
        session = open_lab(lab, kube=kube, labs=copies)
        session.goto(session.model.exercise(exercise).checkpoint)
        session.apply(exercise)
        return session

    return at


@pytest.mark.parametrize(("lab", "exercise"), EXERCISES)
def test_an_exercise_is_red_on_its_starter(lab: str, exercise: str, opened: Callable[..., LabSession]) -> None:
    result = opened(lab, exercise).check(exercise)
    assert not result.passed, str(result)
    assert "expected" in str(result)
