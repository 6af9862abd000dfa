"""The same lab from a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support.apiserver import ApiServer
from tests.support.harbour import Harbour

from wavetank.cli import lesson
from wavetank.lesson import LabSession, lab_ids, open_lab


@pytest.fixture(autouse=True)
def _sample(labs: Path, api: ApiServer, harbour: Harbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the sample lab, the tests' cluster and an empty home."""

    def open_sample(id_: str, **options: object) -> LabSession:
        return open_lab(id_, labs=labs, **options)  # type: ignore[arg-type]

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    monkeypatch.setattr(lesson, "open_lab", open_sample)
    monkeypatch.setattr(lesson, "lab_ids", lambda: lab_ids(labs))


def run(command: str, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(getattr(lesson, command), arguments)
    return result.exit_code, result.stdout


def test_a_lab_from_a_terminal() -> None:
    assert run("labs") == (0, "09-sample  A sample (10 min, 0 of 1 exercises passed)\n")
    assert run("goto", "09-sample", "afloat") == (0, "at afloat: web runs\n")
    code, told = run("check", "09-sample", "scale")
    assert code == 1
    assert told.startswith("not yet: at least 2 pods of app=web are ready\n  saw: 1 of 1 pods are ready\n")
    assert run("hint", "09-sample", "scale") == (0, "hint 1 of 3: Look at the pods.\n")
    assert run("solve", "09-sample", "scale") == (0, "wrote web.yaml\n")
    open_lab_files = lesson.open_lab("09-sample")
    open_lab_files.apply("scale")
    assert run("check", "09-sample", "scale")[0] == 0
    assert run("reset", "09-sample", "scale") == (0, "wrote web.yaml\n")
    assert run("reset", "09-sample") == (0, "at afloat: web runs\n")
    assert run("labs") == (0, "09-sample  A sample (10 min, 1 of 1 exercises passed)\n")


def test_what_a_check_waits_for_is_told_on_the_side() -> None:
    lesson.open_lab("09-sample").apply("scale")
    result = CliRunner().invoke(lesson.check, ["09-sample", "scale"])
    assert "waiting up to 1 s: at least 2 pods of app=web are ready" in result.stderr


def test_the_package_loads_nothing_until_a_name_is_used() -> None:
    code = "import sys, wavetank; print([name for name in sys.modules if name.startswith('wavetank.')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout.strip() == "[]"
    code = "from wavetank import open_lab; import sys; print('ipywidgets' in sys.modules, open_lab.__module__)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout.strip() == "False wavetank.lesson.session"
