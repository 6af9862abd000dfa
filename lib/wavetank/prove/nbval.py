"""A lab's notebooks run under nbval, in a copy of the course: a learner's own files and progress stay as they are."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from wavetank.cluster import kubeconfig_path
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile

__all__ = ["Ran", "run_notebook", "with_own_progress"]

CELL_SECONDS = 400
"""A cell may take minutes, as the autoscaler's check does."""
NOTEBOOK_SECONDS = 850
SHARED = ("clusters", "owner")
LAST_WORDS = 8000


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a notebook: what is wrong with it, empty for nothing, and how many seconds it took."""

    trouble: str
    seconds: float


def run_notebook(lab: Lab, *, solved: bool, namespace: str, cluster: str = "wavetank") -> Ran:
    """Run a notebook of ``lab`` in ``namespace``, and hold the progress it leaves behind against what it is for.

    The delivered one passes no exercise, the solved one every one.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wavetank-prove-") as folder, _copy_of(lab, Path(folder)) as course:
        state = with_own_progress(course / "state")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(course / "lib"),
            "WAVETANK_NAMESPACE": namespace,
            "XDG_STATE_HOME": str(state),
        }
        environment.setdefault("KUBECONFIG", str(kubeconfig_path(cluster)))
        notebook = course / ("solutions" if solved else "labs") / lab.id / "lab.ipynb"
        code, output = _run(notebook, course, environment)
        name = f"{lab.id}-solved" if solved else lab.id
        progress = ProgressFile(state / "wavetank" / "progress" / f"{name}.json").read()
    if code:
        return Ran(output[-LAST_WORDS:], time.monotonic() - began)
    passed = {id_ for id_, exercise in progress.exercises.items() if exercise.passed}
    wanted = {exercise.id for exercise in lab.exercises} if solved else set()
    told = f"passed: {_list(passed)}; expected: {_list(wanted)}" if passed != wanted else ""
    return Ran(told, time.monotonic() - began)


def with_own_progress(folder: Path) -> Path:
    """Make ``folder`` a $XDG_STATE_HOME in which the cluster that is up is one's own, and return it."""
    own, shared = folder / "wavetank", user_state_path("wavetank")
    own.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        if not (own / name).is_symlink():
            (own / name).symlink_to(shared / name)
    return folder


@contextmanager
def _copy_of(lab: Lab, folder: Path) -> Iterator[Path]:
    """Lay out the course in ``folder``: labs and solutions are copied, without what a learner has written."""
    root = lab.folder.parents[1]
    for name in ("labs", "solutions"):
        ignore = _learners if name == "labs" else None
        shutil.copytree(root / name, folder / name, ignore=ignore)
    (folder / "lib").symlink_to(Path(__file__).parents[2])
    checkout = Path(__file__).parents[3]
    for name in ("clusters", "docs", "scripts", "conftest.py", "pyproject.toml"):
        if (checkout / name).exists():
            (folder / name).symlink_to(checkout / name)
    yield folder


def _learners(folder: str, names: list[str]) -> set[str]:
    """Tell which of the ``names`` in a folder below ``labs`` are a learner's own, or made while running."""
    own = {"exercises"} if "lab.yaml" in names else set()
    return (own | {"__pycache__", ".ipynb_checkpoints"}) & set(names)


def _run(notebook: Path, course: Path, environment: dict[str, str]) -> tuple[int, str]:
    options = ["--nbval-lax", f"--timeout={CELL_SECONDS}", "-p", "no:cacheprovider", f"--rootdir={course}"]
    command = [sys.executable, "-m", "pytest", *options, str(notebook)]
    with subprocess.Popen(
        command,
        cwd=course,
        env=environment,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as ran:
        try:
            output, _ = ran.communicate(timeout=NOTEBOOK_SECONDS)
        except BaseException as error:
            os.killpg(ran.pid, signal.SIGKILL)  # its kernel too
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return 1, f"not at its end after {NOTEBOOK_SECONDS} s\n{ran.communicate()[0]}"
    return ran.returncode, output


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
