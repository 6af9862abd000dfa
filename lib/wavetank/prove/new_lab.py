"""A lab laid out for whoever writes one: small, whole, and such that `wavetank prove` has nothing against it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wavetank.errors import InputError
from wavetank.lesson.library import LABS, find_lab
from wavetank.prove.notebooks import delivered, derive, solution_of, tidy
from wavetank.prove.written import answers_of

__all__ = ["new_lab"]

_TEMPLATE = Path(__file__).with_name("template")
_ID = re.compile(r"[0-9]{2}(-[a-z0-9]+)+")
_FILE = "timetable.yaml"
_EXERCISE = "second-pod"


def new_lab(id_: str, title: str = "", labs: Path = LABS) -> list[Path]:
    """Lay out the lab ``id_`` in the folder ``labs`` and beside it; return the folders that were made.

    Without a ``title``, the id's words are it. Raises `InputError` for an id that is none, or what is there already:
    nothing is overwritten.
    """
    if not _ID.fullmatch(id_) or len(id_) > 60:
        raise InputError(f"{id_!r} is no id for a lab", expected="two digits and words, such as 07-harbour")
    folder = labs / id_
    solutions, answers = solution_of(folder).parent, answers_of(labs, id_)
    for place in (folder, solutions, answers):
        if place.exists():
            raise InputError(f"{place} is there already", expected="a lab that is not there yet")
    one = (_TEMPLATE / "deployment.yaml").read_text(encoding="utf-8")
    two = one.replace("replicas: 1", "replicas: 2")
    _write(folder / "lab.yaml", _lab(id_, title or id_.partition("-")[2].replace("-", " ").capitalize()))
    _write(folder / "manifests" / _FILE, one + (_TEMPLATE / "service.yaml").read_text(encoding="utf-8"))
    _write(folder / "starters" / _FILE, one)
    _write(solutions / "exercises" / _FILE, two)
    for answer in sorted((_TEMPLATE / "answers").iterdir()):
        _write(answers / _EXERCISE / answer.name, answer.read_text(encoding="utf-8"))
    lab = find_lab(id_, labs)
    nbformat.write(_notebook(id_, lab.title), delivered(lab))
    derive(lab)
    return [folder, solutions, answers]


def _lab(id_: str, title: str) -> str:
    # A quoted scalar of JSON is one of YAML: any title fits.
    text = (_TEMPLATE / "lab.yaml").read_text(encoding="utf-8")
    quoted = '"' + title.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text.replace("LAB-ID", id_).replace("LAB-TITLE", quoted)


def _notebook(id_: str, title: str) -> nbformat.NotebookNode:
    """Return a notebook in the order of every experiment: predict, act, observe, explain."""
    cells = [
        ("title", f"# {title}\n\nWhat this lab is about, in a few sentences."),
        (
            "open",
            f'from wavetank import open_lab\nfrom wavetank.widgets import Check, Predict\n\nlab = open_lab("{id_}")',
        ),
        ("ship", "## 1 The ship\n\nOne pod of `timetable`."),
        ("afloat", 'lab.goto("afloat")'),
        ("wave", "## 2 The wave\n\nPredict, act, observe, explain."),
        ("predict", 'Predict(lab, "lost")'),
        ("act", 'load = lab.load("steady")\nlab.fault("pause")\nprint(load.summary())'),
        ("observe", 'lab.outcome("lost")'),
        ("explain", "**Explain.** A pod that says *not ready* gets no requests, and nobody else was there."),
        ("exercise", "## 3 Yours\n\nEdit `exercises/timetable.yaml`, then Apply, then Check."),
        ("buttons", f'lab.goto("afloat")\nCheck(lab, "{_EXERCISE}")'),
        ("check", f'lab.apply("{_EXERCISE}")\nlab.check("{_EXERCISE}")'),
    ]
    told = ("title", "ship", "wave", "explain", "exercise")
    made = [
        new_markdown_cell(source, id=name) if name in told else new_code_cell(source, id=name) for name, source in cells
    ]
    return tidy(new_notebook(cells=made))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
