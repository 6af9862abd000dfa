"""Two notebooks in one namespace: each says that the other is there, and nobody says it of one that is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wavetank.lesson import LabSession
from wavetank.lesson.presence import at_work

OTHER = """
import sys
from pathlib import Path
from wavetank.lesson.presence import at_work
folder = Path(sys.argv[1])
print(at_work(folder, "tidewater", "02-kubernetes"), flush=True)
sys.stdin.readline()
print(at_work(folder, "tidewater", "02-kubernetes"), flush=True)
sys.stdin.readline()
"""


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is at work in tidewater from its first line on."""
    command = [sys.executable, "-c", OTHER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_each_of_two_processes_says_that_the_other_is_there(tmp_path: Path) -> None:
    with another(tmp_path) as other:
        assert hear(other) == ""
        mine = at_work(tmp_path, "tidewater", "00-start")
        assert mine.startswith(f"also at work in tidewater: 02-kubernetes (process {other.pid}, since ")
        assert at_work(tmp_path, "harbour", "00-start") == ""
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        assert hear(other).startswith("also at work in tidewater: 00-start (process ")


def test_one_that_was_killed_is_not_there_any_more(tmp_path: Path) -> None:
    with another(tmp_path) as other:
        hear(other)
        other.kill()
        other.wait(10)
    assert at_work(tmp_path, "tidewater", "00-start") == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(f".{other.pid}")] == []


def test_two_sessions_of_one_process_are_one(tmp_path: Path) -> None:
    assert at_work(tmp_path, "tidewater", "00-start") == ""
    assert at_work(tmp_path, "tidewater", "02-kubernetes") == ""


def test_where_no_note_can_be_written_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "at-work").write_text("a file where the folder should be")
    assert at_work(tmp_path / "at-work", "tidewater", "00-start") == ""


def test_a_session_says_it_when_it_is_shown_and_at_each_checkpoint(session: LabSession) -> None:
    told: list[str] = []
    session.say = told.append
    with another(session._progress.path.with_name("at-work")) as other:
        hear(other)
        assert f"also at work in tidewater: 02-kubernetes (process {other.pid}" in repr(session)
        session.goto("afloat")
        assert told[0].startswith("also at work in tidewater: 02-kubernetes")
    told.clear()
    session.goto("afloat")
    assert not told[0].startswith("also at work")
    assert "also at work" not in repr(session)
