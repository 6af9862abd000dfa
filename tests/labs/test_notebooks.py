"""The labs as files: what `wavetank prove --written` says of them, and what this course asks of its own."""

import pytest

from wavetank.lesson import find_lab, lab_ids
from wavetank.lesson.library import LABS
from wavetank.prove import mistakes
from wavetank.prove.notebooks import delivered, read, solution_of
from wavetank.prove.written import stray_answers


def test_there_are_notebooks() -> None:
    assert [id_[3:] for id_ in lab_ids()] == ["start", "containers", "kubernetes", "service-mesh", "serverless"]


@pytest.mark.parametrize("id_", lab_ids())
def test_nothing_is_wrong_with_a_lab_as_it_is_written(id_: str) -> None:
    assert [str(mistake) for mistake in mistakes(id_, LABS)] == []


def test_every_answer_belongs_to_a_lab() -> None:
    assert stray_answers(LABS, lab_ids()) == []


@pytest.mark.parametrize("id_", lab_ids())
def test_a_delivered_notebook_compares_some_outputs(id_: str) -> None:
    cells = read(delivered(find_lab(id_))).cells
    assert [cell for cell in cells if "# NBVAL_CHECK_OUTPUT" in cell.source]


@pytest.mark.parametrize("id_", lab_ids())
def test_the_solved_notebook_shows_and_checks_the_solution_of_every_exercise(id_: str) -> None:
    lab = find_lab(id_)
    text = "\n".join(cell.source for cell in read(solution_of(lab.folder)).cells)
    assert f'open_lab("{id_}", solved=True)' in text
    for exercise in lab.exercises:
        assert f'lab.check("{exercise.id}")' in text
        assert [file.name for file in exercise.files if file.solution.read_text().strip() not in text] == []


def test_every_lab_is_on_the_list_that_jupyterlab_opens_on() -> None:
    listed = (LABS / "README.md").read_text()
    assert [id_ for id_ in lab_ids() if f"({id_}/lab.ipynb)" not in listed] == []
