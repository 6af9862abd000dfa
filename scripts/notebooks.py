"""Keep the notebooks of labs/ and solutions/ in step, and give them their outputs.

    python scripts/notebooks.py derive      write each solved notebook anew from the delivered one; needs no cluster
    python scripts/notebooks.py [LAB ...]   derive, then run both on the running cluster and store their outputs

A person edits labs/<lab>/lab.ipynb alone. The solved notebook is made of lab.yaml and the solutions: each exercise with
its task, the files that solve it, and its check. The experiments between the exercises are the delivered notebook's.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wavetank.lesson import Lab, find_lab
from wavetank.lesson.lab import ExerciseFile

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 300
"""How long one cell may take: the longest, the autoscaler's check, waits for a rush hour and for what comes after."""
GONE_WITH_THE_KERNEL = "application/vnd.jupyter.widget-view+json"
"""A widget's picture refers to a model in a kernel that has ended; what stays readable is its text."""


def labs() -> list[Path]:
    """Return the folders of all labs that have a notebook."""
    return sorted(path.parent for path in ROOT.glob("labs/*/lab.ipynb"))


def solution_of(lab: Path) -> Path:
    """Return where the solved notebook of a lab's folder lies."""
    return ROOT / "solutions" / lab.name / "lab.ipynb"


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


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return the notebook with the outputs of running it in ``folder``; raises at the first cell that fails."""
    ran = deepcopy(notebook)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(ran, timeout=CELL_SECONDS, resources=resources, store_widget_state=False).execute()
    return tidy(ran)


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


def derive(lab: Path) -> None:
    """Write the solved notebook anew, unless it is in step already."""
    solved, path = solve(find_lab(lab.name)), solution_of(lab)
    if not path.exists() or sources(read(path)) != sources(solved):
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(solved, path)


def read(path: Path) -> NotebookNode:
    """Read a notebook of the current format."""
    return nbformat.read(path, as_version=4)


def sources(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    """Return what makes two notebooks the same: kind, id and source of each cell."""
    return [(cell.cell_type, cell.id, cell.source) for cell in notebook.cells]


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    for lab in labs():
        derive(lab)
    if arguments == ["derive"]:
        return
    for lab in labs():
        if arguments and lab.name not in arguments:
            continue
        for path in (lab / "lab.ipynb", solution_of(lab)):
            print(f"running {path.relative_to(ROOT)}", flush=True)
            nbformat.write(run(read(path), path.parent), path)


if __name__ == "__main__":
    main(sys.argv[1:])
