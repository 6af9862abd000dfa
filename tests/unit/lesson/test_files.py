"""What the learner wrote is never lost, however often files are solved and started over."""

from __future__ import annotations

import pytest

from wavetank.errors import InputError
from wavetank.lesson.files import lay_out, solve, start_over
from wavetank.lesson.lab import ExerciseFile, Lab


@pytest.fixture
def file(lab: Lab) -> ExerciseFile:
    (file,) = lab.exercise("scale").files
    lay_out([file])
    return file


def test_the_learner_gets_a_copy_of_the_starter(file: ExerciseFile) -> None:
    assert file.learner.read_bytes() == file.starter.read_bytes()


def test_opening_the_lab_again_leaves_the_learners_file_alone(file: ExerciseFile) -> None:
    file.learner.write_text("mine")
    lay_out([file])
    assert file.learner.read_text() == "mine"


def test_solving_keeps_what_the_learner_wrote(file: ExerciseFile) -> None:
    file.learner.write_text("mine")
    (kept,) = solve([file])
    assert file.learner.read_bytes() == file.solution.read_bytes()
    assert kept.name == "web.yaml.mine"
    assert kept.read_text() == "mine"


def test_starting_over_keeps_what_the_learner_wrote(file: ExerciseFile) -> None:
    file.learner.write_text("mine")
    (kept,) = start_over([file])
    assert file.learner.read_bytes() == file.starter.read_bytes()
    assert kept.read_text() == "mine"


def test_what_is_shipped_is_not_kept_as_the_learners(file: ExerciseFile) -> None:
    assert solve([file]) == []
    assert start_over([file]) == []
    assert [path.name for path in file.learner.parent.iterdir()] == ["web.yaml"]


def test_every_different_attempt_is_kept_once(file: ExerciseFile) -> None:
    for attempt in ("first", "second", "first"):
        file.learner.write_text(attempt)
        solve([file])
    kept = {path.name: path.read_text() for path in file.learner.parent.iterdir() if path.name != "web.yaml"}
    assert kept == {"web.yaml.mine": "first", "web.yaml.mine-2": "second"}


def test_a_file_the_learner_deleted_comes_back(file: ExerciseFile) -> None:
    file.learner.unlink()
    assert start_over([file]) == []
    assert file.learner.read_bytes() == file.starter.read_bytes()


def test_nothing_is_touched_when_the_solution_is_missing(file: ExerciseFile) -> None:
    file.learner.write_text("mine")
    file.solution.unlink()
    with pytest.raises(InputError, match="there is no file"):
        solve([file])
    assert file.learner.read_text() == "mine"
