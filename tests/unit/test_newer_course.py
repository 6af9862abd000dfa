"""The way that docs/install.md gives to a newer course, with git itself: what was run stays, and so do exercises."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = "labs/00-start/lab.ipynb"


def commands() -> tuple[str, str]:
    """Return what the page says to do: to get the newer course, and to have an old notebook back."""
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    section = page.partition("## A newer course")[2].partition("\n## ")[0]
    newer, back = re.findall(r"```console\n(.*?)```", section, flags=re.DOTALL)
    return newer, back


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone in which a notebook was run, and an exercise edited; upstream has changed both notebook and starter."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    course, clone = tmp_path / "course", tmp_path / "my clone"
    (course / NOTEBOOK).parent.mkdir(parents=True)
    (course / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    (course / NOTEBOOK).write_text('{"delivered": 1}\n')
    commit = "git add . && git -c user.name=c -c user.email=c@c commit --quiet --message new"
    assert shell(f"git init --quiet && {commit}", course).returncode == 0
    assert shell(f"git clone --quiet {course} '{clone}'", tmp_path).returncode == 0
    (clone / NOTEBOOK).write_text('{"run": 1}\n')
    exercise = clone / "labs/00-start/exercises/web.yaml"
    exercise.parent.mkdir()
    exercise.write_text("mine\n")
    (course / NOTEBOOK).write_text('{"delivered": 2}\n')
    assert shell(commit, course).returncode == 0
    return clone


def test_a_bare_pull_is_refused_which_is_why_the_page_says_more(clone: Path) -> None:
    refused = shell("git pull", clone)
    assert refused.returncode != 0
    assert "would be overwritten" in refused.stderr


def test_the_newer_course_comes_and_nothing_is_lost(clone: Path) -> None:
    newer, back = commands()
    done = shell(newer, clone)
    assert done.returncode == 0, done.stderr
    assert (clone / NOTEBOOK).read_text() == '{"delivered": 2}\n'
    assert (clone / "labs/00-start/exercises/web.yaml").read_text() == "mine\n"
    assert shell(back, clone).returncode == 0
    assert (clone / "labs/00-start/exercises/as-I-ran-it.ipynb").read_text() == '{"run": 1}\n'
    assert shell("git status --porcelain", clone).stdout == ""


def test_where_nothing_was_run_the_same_commands_do(clone: Path) -> None:
    assert shell(f"git checkout --quiet -- {NOTEBOOK}", clone).returncode == 0
    assert shell(commands()[0], clone).returncode == 0
    assert (clone / NOTEBOOK).read_text() == '{"delivered": 2}\n'
