"""A lab's notebooks held against its ``lab.yaml``: they call what there is, and leave nothing out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from wavetank.errors import InputError
from wavetank.lesson.lab import Lab
from wavetank.prove.notebooks import delivered, read, solution_of, solve, sources, tidy

__all__ = ["mistakes_in_notebooks"]

_CALL = re.compile(
    r"(?:lab\.(goto|apply|check|hint|solve|start_over|load|fault|ask|put|predict|outcome)\("
    r'|lab\.(images)\.\w+\(|(Predict|Check)\(lab, |(open_lab)\()"([^"]+)"'
)


def mistakes_in_notebooks(lab: Lab) -> list[InputError]:
    """Return what is wrong with both notebooks of a lab, each with the notebook's line or by name."""
    found: list[InputError] = []
    for path in (delivered(lab), solution_of(lab.folder)):
        try:
            notebook = read(path)
        except InputError as error:
            found.append(error)
            continue
        found += _outputs(path, notebook)
        found += _calls(lab, path, notebook) if path == delivered(lab) else _steps(lab, path, notebook)
    return found


def _calls(lab: Lab, path: Path, notebook: NotebookNode) -> Iterator[InputError]:
    exercises, predictions = {one.id for one in lab.exercises}, {one.id for one in lab.predictions}
    known = {
        **dict.fromkeys(("apply", "check", "hint", "solve", "start_over", "Check"), exercises),
        **dict.fromkeys(("predict", "outcome", "Predict"), predictions),
        "goto": {checkpoint.id for checkpoint in lab.checkpoints},
        "load": set(lab.loads),
        "fault": set(lab.faults),
        "ask": set(lab.asks),
        "put": set(lab.material),
        "images": set(lab.images),
        "open_lab": {lab.id},
    }
    called: dict[str, set[str]] = {word: set() for word in known}
    for cell in notebook.cells:
        for found in _CALL.finditer(cell.source) if cell.cell_type == "code" else ():
            *words, id_ = found.groups()
            word = next(filter(None, words))
            called[word].add(id_)
            if id_ not in known[word]:
                yield InputError(
                    f"{found[0]}): lab.yaml has no such {_KINDS.get(word, word)}",
                    where=_where(path, found[0]),
                    expected=f"one of: {', '.join(sorted(known[word])) or 'none declared'}",
                )
    for word, ids in (("check", exercises), ("Check", exercises), ("Predict", predictions), ("outcome", predictions)):
        for id_ in sorted(ids - called[word]):
            cell = f'{word}(lab, "{id_}")' if word[0].isupper() else f'lab.{word}("{id_}")'
            yield InputError(f"the notebook never comes to {id_}", where=f"{path}", expected=f"a cell with {cell}")


_KINDS = {
    **dict.fromkeys(("apply", "check", "hint", "solve", "start_over", "Check"), "exercise"),
    **dict.fromkeys(("predict", "outcome", "Predict"), "prediction"),
    "goto": "checkpoint",
    "put": "material",
    "images": "image",
    "ask": "question",
    "open_lab": "id",
}
"""What each call names, where that is not the call's own word."""


def _steps(lab: Lab, path: Path, solved: NotebookNode) -> Iterator[InputError]:
    if not all(file.solution.is_file() for exercise in lab.exercises for file in exercise.files):
        return  # told where the solutions are looked at
    if sources(solved) != sources(solve(lab)):
        yield InputError(
            "this is not what lab.yaml and the solutions say", where=f"{path}:1", hint="run: make notebooks"
        )


def _outputs(path: Path, notebook: NotebookNode) -> Iterator[InputError]:
    if notebook != tidy(notebook):
        yield InputError("this notebook is not tidy", where=f"{path}:1", hint="run: make notebooks")
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        first = cell.source.split("\n")[0]
        if "# NBVAL_CHECK_OUTPUT" in cell.source and not outputs:
            yield InputError(
                "a cell whose output is compared has none", where=_where(path, first), hint="run: make notebooks"
            )
        if any(output.output_type == "error" for output in outputs):
            yield InputError("a cell is delivered with an error", where=_where(path, first), hint="run: make notebooks")
        told = json.dumps(outputs)
        if f"{Path.home()}/" in told or str(path.parents[2]) in told:
            yield InputError(
                "an output tells where it was made", where=_where(path, first), expected="nothing of this machine"
            )


def _where(path: Path, text: str) -> str:
    """Return the line of the file that has ``text`` of a cell in it."""
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"{path}:{next((number for number, line in enumerate(lines, 1) if written in line), 1)}"
