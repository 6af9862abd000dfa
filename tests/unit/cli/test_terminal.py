"""Terminals that are not UTF-8, and folders that cannot be written to: no traceback, and what is said can be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAY = """
import click
from wavetank.cli.terminal import say_everything
from wavetank.steps import StepEvent, print_report
say_everything()
for state in ("running", "done", "failed"):
    print_report(StepEvent("nodes", state, 1.0, "Fähre → Ø"))
click.echo("✓ Fähre … ✗ 渡")
click.echo("✓ Fähre … ✗ 渡", err=True)
"""
NOT_UTF8 = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONIO", "LC_", "LANG"))}
    return subprocess.run([sys.executable, *words], env={**own, **environment}, capture_output=True, timeout=60)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "say.py"
    path.write_text(SAY, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("environment", NOT_UTF8, ids=["ascii", "latin-1", "C"])
def test_marks_and_words_are_said_as_the_terminal_can_show_them(environment: dict[str, str], script: str) -> None:
    said = run(script, **environment)
    assert said.returncode == 0, said.stderr
    encoding = environment.get("PYTHONIOENCODING", "ascii")
    out, err = said.stdout.decode(encoding), said.stderr.decode(encoding)
    name = "Fähre" if encoding == "latin-1" else "F\\xe4hre"
    assert out == f"+ {name} ... x \\u6e21\n"
    assert [line.split()[0] for line in err.splitlines()] == ["...", "+", "x", "+"]
    assert f"{name} -> " in err


def test_a_terminal_that_is_utf8_gets_every_sign(script: str) -> None:
    assert run(script, PYTHONIOENCODING="utf-8").stdout.decode() == "✓ Fähre … ✗ 渡\n"


@pytest.mark.parametrize("environment", NOT_UTF8, ids=["ascii", "latin-1", "C"])
def test_labs_are_listed_and_the_doctor_speaks(environment: dict[str, str], tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/nothing"}
    assert run("-m", "wavetank", "labs", **state, **environment).stdout.count(b"\n") == 5
    doctor = run("-m", "wavetank", "doctor", **state, **environment)
    assert b"Error" not in doctor.stderr
    assert b"x problem  engine" in doctor.stdout


@pytest.mark.parametrize("command", [["up", "--detach"], ["hint", "00-start", "second-pod"], ["bundle", "build"]])
def test_where_nothing_can_be_kept_one_sentence_says_so(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("")  # here not even root can keep anything
    nowhere = {f"XDG_{name}_HOME": str(tmp_path / "no folder") for name in ("DATA", "STATE", "CACHE")}
    said = run("-m", "wavetank", *command, DOCKER_HOST=f"unix://{tmp_path}/nothing", **nowhere)
    assert said.returncode == 1
    assert b"Traceback" not in said.stderr
    assert b"XDG_STATE_HOME" in said.stderr
