"""A delivered notebook, opened in a real browser on the real cluster as a learner does it, and pictures on the way.

With WAVETANK_PICTURES=docs/pictures the pictures taken on the way take the place of the README's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect
from tests.support.jupyterlab import Notebook, running_jupyterlab

from wavetank.prove.nbval import with_own_progress

LABS = Path(__file__).parents[2] / "labs"

Take = Callable[[str, Locator | Page], None]


@contextmanager
def walking(lab: str, page: Page, kubeconfig: Path, folder: Path) -> Iterator[Notebook]:
    """Open a copy of the notebook of ``lab`` on ``page``; what JupyterLab writes goes to ``folder``."""
    here, state = folder / "lab", folder / "state"
    here.mkdir()
    state.mkdir()
    with_own_progress(state / "state")
    shutil.copy(LABS / lab / "lab.ipynb", here)
    expect.set_options(timeout=60_000)
    with running_jupyterlab(here, state, {"KUBECONFIG": str(kubeconfig)}) as jupyterlab:
        notebook = Notebook(jupyterlab, page, "lab.ipynb")
        notebook.command("application:toggle-left-area")
        yield notebook
        notebook.end_kernel()


def cell_with(lab: str, words: str) -> int:
    """Return which of a lab's code cells, from 0, has ``words`` in it."""
    notebook = nbformat.read(LABS / lab / "lab.ipynb", as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    (found,) = (number for number, source in enumerate(code) if words in source)
    return found


def taking(folder: Path) -> Take:
    """Return what takes a picture by a name: into ``folder``, or where WAVETANK_PICTURES says."""
    folder = Path(os.environ.get("WAVETANK_PICTURES", folder))
    folder.mkdir(parents=True, exist_ok=True)

    def take(name: str, of: Locator | Page) -> None:
        of.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take
