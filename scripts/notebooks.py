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

from wavetank.lesson import find_lab
from wavetank.prove.notebooks import derive, read, solution_of, tidy

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 300
"""How long one cell may take: the longest, the autoscaler's check, waits for a rush hour and for what comes after."""


def labs() -> list[Path]:
    """Return the folders of all labs that have a notebook."""
    return sorted(path.parent for path in ROOT.glob("labs/*/lab.ipynb"))


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Return the notebook with the outputs of running it in ``folder``; raises at the first cell that fails."""
    ran = deepcopy(notebook)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(ran, timeout=CELL_SECONDS, resources=resources, store_widget_state=False).execute()
    return tidy(ran)


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    for lab in labs():
        derive(find_lab(lab.name))
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
