"""The notebooks as files: in step with their solutions, delivered with outputs, true to what their lab declares."""

import json
import re
from pathlib import Path

import pytest
from scripts.notebooks import labs, read, solution_of, solve, sources, tidy

from wavetank.lesson import find_lab

LABS = labs()
NOTEBOOKS = [path for lab in LABS for path in (lab / "lab.ipynb", solution_of(lab))]
CALL = re.compile(r'(?:lab\.(goto|apply|check|load|fault|ask|put|outcome)\(|(Predict|Check)\(lab, )"([^"]+)"')


def name(path: Path) -> str:
    return "/".join(path.parts[-3:])


def test_there_are_notebooks():
    assert [lab.name[3:] for lab in LABS] == ["start", "containers", "kubernetes", "service-mesh", "serverless"]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_the_solved_notebook_is_what_the_lab_and_its_solutions_say(lab):
    solved = read(solution_of(lab))
    assert sources(solved) == sources(solve(find_lab(lab.name))), "run: python scripts/notebooks.py derive"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_the_solved_notebook_shows_and_checks_the_solution_of_every_exercise(lab):
    declared, solved = find_lab(lab.name), read(solution_of(lab))
    text = "\n".join(cell.source for cell in solved.cells)
    assert f'open_lab("{lab.name}", solved=True)' in text
    for exercise in declared.exercises:
        assert f'lab.check("{exercise.id}")' in text
        assert [file.name for file in exercise.files if file.solution.read_text().strip() not in text] == []


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_cell_whose_output_is_checked_has_one(lab):
    checked = [cell for cell in read(lab / "lab.ipynb").cells if "# NBVAL_CHECK_OUTPUT" in cell.source]
    assert checked
    assert [cell.source for cell in checked if not cell.outputs] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_delivered_tidy_and_without_errors(path):
    notebook = read(path)
    assert notebook == tidy(notebook), "run: make notebooks"
    assert not [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_outputs_tell_nothing_about_the_machine_they_were_made_on(path):
    outputs = json.dumps([cell.get("outputs", []) for cell in read(path).cells])
    assert str(Path.home()) + "/" not in outputs
    assert str(path.parents[2]) not in outputs


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_notebook_calls_by_name_what_its_lab_declares_and_leaves_nothing_out(lab):
    declared = find_lab(lab.name)
    exercises, predictions = {e.id for e in declared.exercises}, {p.id for p in declared.predictions}
    known = {
        "goto": {checkpoint.id for checkpoint in declared.checkpoints},
        "apply": exercises,
        "check": exercises,
        "Check": exercises,
        "load": set(declared.loads),
        "fault": set(declared.faults),
        "ask": set(declared.asks),
        "put": set(declared.material),
        "outcome": predictions,
        "Predict": predictions,
    }
    code = "\n".join(cell.source for cell in read(lab / "lab.ipynb").cells if cell.cell_type == "code")
    called: dict[str, set[str]] = {word: set() for word in known}
    for method, view, id_ in CALL.findall(code):
        called[method or view].add(id_)
    assert {word: ids - known[word] for word, ids in called.items() if ids - known[word]} == {}
    assert called["check"] == called["Check"] == exercises
    assert called["outcome"] == called["Predict"] == predictions


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_every_exercise_has_a_starter_that_its_solution_changes(lab):
    for exercise in find_lab(lab.name).exercises:
        assert any(file.starter.read_text() != file.solution.read_text() for file in exercise.files), exercise.id


def test_every_lab_is_on_the_list_that_jupyterlab_opens_on():
    listed = (LABS[0].parent / "README.md").read_text()
    assert [lab.name for lab in LABS if f"({lab.name}/lab.ipynb)" not in listed] == []
