"""Progress survives: a damaged file, a second writer, and SIGKILL at any moment of a write."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.lesson import progress as progress_module
from wavetank.lesson.progress import PredictionProgress, Progress, ProgressFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "progress" / "09-sample.json"


def test_what_was_written_is_read_back_by_another_process_of_the_learner(path: Path) -> None:
    file = ProgressFile(path)
    file.update(lambda progress: progress.at("afloat"))
    file.update(lambda progress: progress.with_exercise("scale", passed=True, hints=2))
    file.update(lambda progress: progress.committed("gap", 3.5))
    again = ProgressFile(path).read()
    assert again.checkpoint == "afloat"
    assert (again.exercise("scale").passed, again.exercise("scale").hints) == (True, 2)
    assert again.predictions["gap"] == PredictionProgress(3.5)


def test_nothing_is_known_at_first(path: Path) -> None:
    assert ProgressFile(path).read() == Progress()


def test_nobody_else_can_read_it(path: Path) -> None:
    ProgressFile(path).update(lambda progress: progress.at("afloat"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_answer_stands_once_the_truth_is_known(path: Path) -> None:
    file = ProgressFile(path)
    file.update(lambda progress: progress.committed("gap", 3.0))
    file.update(lambda progress: progress.committed("gap", 4.0))
    assert file.read().predictions["gap"].answer == 4.0
    file.update(lambda progress: progress.with_prediction("gap", PredictionProgress(4.0, 1.0, False)))
    file.update(lambda progress: progress.committed("gap", 1.0))
    assert file.read().predictions["gap"] == PredictionProgress(4.0, 1.0, False)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"version": 1, "check',
        b"\xff\xfe",
        b"[]",
        b'{"version": 1}',
        b'{"version": 1, "checkpoint": "", "exercises": {"scale": {"passed": "yes"}}, "predictions": {}}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut off", "not text", "another shape", "parts missing", "a wrong type", "too deep"],
)
def test_a_damaged_file_is_put_aside_and_said_so(path: Path, damage: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    file = ProgressFile(path)
    assert file.read() == Progress()
    assert str(path) + ".damaged-1" in file.notice
    assert path.with_name(path.name + ".damaged-1").read_bytes() == damage
    file.update(lambda progress: progress.at("afloat"))
    assert ProgressFile(path).read().checkpoint == "afloat"


def test_a_second_damaged_file_does_not_replace_the_first(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for content in (b"first", b"second"):
        path.write_bytes(content)
        ProgressFile(path).update(lambda progress: progress.at("afloat"))
    assert path.with_name(path.name + ".damaged-1").read_bytes() == b"first"
    assert path.with_name(path.name + ".damaged-2").read_bytes() == b"second"


def test_a_newer_wavetanks_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 2}')
    with pytest.raises(InputError, match="newer Wavetank"):
        ProgressFile(path).update(lambda progress: progress.at("afloat"))
    assert path.read_text() == '{"version": 2}'


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    def write(number: int) -> None:
        ProgressFile(path).update(lambda progress: progress.with_exercise(f"exercise-{number}", passed=True))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(ProgressFile(path).read().exercises) == 40


def test_a_kill_at_any_line_of_a_write_leaves_the_old_file_or_the_new(path: Path) -> None:
    ProgressFile(path).update(lambda progress: progress.at("old"))
    line, seen = 0, []
    while True:
        line += 1
        status = _write_and_die_at(path, line)
        file = ProgressFile(path)
        checkpoint = file.read().checkpoint
        assert checkpoint in ("old", "new")
        assert file.notice == "", "nothing was damaged"
        seen.append(checkpoint)
        if os.WIFEXITED(status):
            break
    assert os.WEXITSTATUS(status) == 0
    assert line > 20, "the kill came at many different lines"
    assert seen == sorted(seen, reverse=True), "the old one until some line, the new one from there on"
    assert json.loads(path.read_text())["checkpoint"] == "new"


def _write_and_die_at(path: Path, line: int) -> int:
    """Write "new" in a child that kills itself at its ``line``-th line of progress.py; return how it ended."""
    child = os.fork()
    if child == 0:
        left = line

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename != progress_module.__file__:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        ProgressFile(path).update(lambda progress: progress.at("new"))
        sys.settrace(None)
        os._exit(0)
    return os.waitpid(child, 0)[1]
