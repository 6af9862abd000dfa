"""Every lab on the real cluster: both notebooks run, and each exercise is red on its starter and green on its solution.

The delivered notebook goes through the whole lab, the solved one through its exercises; both check every exercise
(tests/labs/test_notebooks.py holds them to that), and what came of it is in the progress they leave behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.state import with_own_progress

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.kube import Kube
from wavetank.lesson import find_lab, lab_ids
from wavetank.lesson.progress import ProgressFile, progress_path

pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
LABS = lab_ids()
ON_ITS_OWN = [("solutions", "01-containers"), ("solutions", "03-service-mesh"), ("solutions", "04-serverless")]
"""What needs nothing that there is once, as a node or the door to the site is, and has a namespace of its own."""
RUNS = [("labs", lab) for lab in LABS] + [("solutions", lab) for lab in LABS]


@pytest.mark.parametrize(
    ("folder", "lab"),
    [pytest.param(*run, marks=() if run in ON_ITS_OWN else pytest.mark.alone) for run in RUNS],
)
def test_the_notebook_runs_and_says_what_it_said(
    folder: str,
    lab: str,
    kube: Kube,
    spec: ClusterSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = ROOT / folder / lab / "lab.ipynb"
    namespace = f"test-{lab}" if (folder, lab) in ON_ITS_OWN else find_lab(lab).namespace
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubeconfig_path(spec.name)),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "WAVETANK_NAMESPACE": namespace,
        "XDG_STATE_HOME": str(with_own_progress(tmp_path)),  # a learner's own progress stays as it is
    }
    # A cell may take minutes, as the autoscaler's check does: the project's limit for a test is not for it.
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--timeout=400", "-p", "no:cacheprovider", str(notebook)]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=850)
    assert ran.returncode == 0, ran.stdout[-8000:]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    progress = ProgressFile(progress_path(f"{lab}-solved" if folder == "solutions" else lab)).read()
    exercises = {exercise.id for exercise in find_lab(lab).exercises}
    passed = {id_ for id_, exercise in progress.exercises.items() if exercise.passed}
    edited = f"is anything edited in labs/{lab}/exercises? They pass on what is delivered: {passed}"
    assert passed == (exercises if folder == "solutions" else set()), edited
    if namespace != find_lab(lab).namespace:
        kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
