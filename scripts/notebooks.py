"""Keep the notebooks of labs/ and solutions/ in step, and give them their outputs.

    python scripts/notebooks.py derive      write each solved notebook anew from the delivered one; needs no cluster
    python scripts/notebooks.py [LAB ...]   derive, then run both on the running cluster and store their outputs

A person edits labs/<lab>/lab.ipynb alone. The solved notebook is the same, cell by cell, but for how the lab is opened.
"""

from __future__ import annotations

import re
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 300
"""How long one cell may take: the longest, the autoscaler's check, waits for a rush hour and for what comes after."""
OPENED = re.compile(r'open_lab\("([^"]+)"\)')
GONE_WITH_THE_KERNEL = "application/vnd.jupyter.widget-view+json"
"""A widget's picture refers to a model in a kernel that has ended; what stays readable is its text."""


def labs() -> list[Path]:
    """Return the folders of all labs that have a notebook."""
    return sorted(path.parent for path in ROOT.glob("labs/*/lab.ipynb"))


def solution_of(lab: Path) -> Path:
    """Return where the solved notebook of a lab's folder lies."""
    return ROOT / "solutions" / lab.name / "lab.ipynb"


def solve(delivered: NotebookNode) -> NotebookNode:
    """Return the solved notebook, with the outputs taken off."""
    solved = deepcopy(delivered)
    for cell in solved.cells:
        if cell.cell_type == "code":
            cell.source = OPENED.sub(r'open_lab("\1", solved=True)', cell.source)
            cell.outputs, cell.execution_count = [], None
    return solved


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
    solved, path = solve(read(lab / "lab.ipynb")), solution_of(lab)
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
