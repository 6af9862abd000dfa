"""The two notebooks of a lab: the delivered one, and the solved one, made of ``lab.yaml`` and the solutions."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wavetank.errors import InputError
from wavetank.lesson.lab import ExerciseFile, Lab

__all__ = ["delivered", "derive", "read", "solution_of", "solve", "sources", "tidy"]

GONE_WITH_THE_KERNEL = "application/vnd.jupyter.widget-view+json"
"""A widget's picture refers to a model in a kernel that has ended; what stays readable is its text."""


def delivered(lab: Lab) -> Path:
    """Return where the delivered notebook of a lab lies."""
    return lab.folder / "lab.ipynb"


def solution_of(lab: Path) -> Path:
    """Return where the solved notebook of a lab's folder lies."""
    return lab.parents[1] / "solutions" / lab.name / "lab.ipynb"


def solve(lab: Lab) -> NotebookNode:
    """Return the solved notebook of a lab, without outputs."""
    opening = f"# {lab.title}\n\nThe exercises of [this lab](../../labs/{lab.id}/lab.ipynb), solved."
    cells = [
        new_markdown_cell(opening, id="title"),
        new_code_cell(f'from wavetank import open_lab\n\nlab = open_lab("{lab.id}", solved=True)', id="open"),
    ]
    for exercise in lab.exercises:
        told = [f"## {exercise.title}", exercise.task, *map(_shown, exercise.files)]
        steps = [f'lab.goto("{exercise.checkpoint}")', f'lab.check("{exercise.id}")']
        if exercise.applied:
            steps.insert(1, f'lab.apply("{exercise.id}")')
        cells.append(new_markdown_cell("\n\n".join(told), id=f"{exercise.id}-task"))
        cells.append(new_code_cell("\n".join(steps), id=exercise.id))
    return tidy(new_notebook(cells=cells))


def _shown(file: ExerciseFile) -> str:
    """Return the solution of a file as Markdown."""
    language = file.solution.suffix.removeprefix(".") or file.name.lower()
    return f"`{file.name}`:\n\n```{language}\n{file.solution.read_text().strip()}\n```"


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook without what differs from run to run and tells a reader nothing."""
    tidied = deepcopy(notebook)
    tidied.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for cell in tidied.cells:
        cell.metadata = NotebookNode()
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(GONE_WITH_THE_KERNEL, None)
    return tidied


def derive(lab: Lab) -> None:
    """Write the solved notebook anew, unless it is in step already."""
    solved, path = solve(lab), solution_of(lab.folder)
    if not path.exists() or sources(read(path)) != sources(solved):
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(solved, path)


def read(path: Path) -> NotebookNode:
    """Read a notebook of the current format; raises `InputError` for anything else."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", expected="a notebook") from error
    except Exception as error:  # of JSON, of the format or of its schema, each in a tree of its own
        line = getattr(error.__cause__ or error, "lineno", 1)
        said = str(error).splitlines()[0][:200]
        raise InputError("this is no notebook", where=f"{path}:{line}", observed=said, expected="a notebook") from error
    read_: NotebookNode = notebook
    return read_


def sources(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    """Return what makes two notebooks the same: kind, id and source of each cell."""
    return [(cell.cell_type, cell.id, cell.source) for cell in notebook.cells]
