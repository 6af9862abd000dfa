"""One JupyterLab and one Chromium for all browser tests; a page and a notebook for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.support.jupyterlab import JupyterLab, Notebook, running_chromium, running_jupyterlab

OpenNotebook = Callable[[Sequence[str]], Notebook]


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    folder, state = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("state")
    with running_jupyterlab(folder, state) as lab:
        yield lab


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture
def open_notebook(jupyterlab: JupyterLab, page: Page, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open a notebook with the given code cells; its kernel is shut down after the test."""
    name = re.sub(r"\W+", "-", request.node.name) + ".ipynb"
    opened: list[Notebook] = []

    def open_(cells: Sequence[str]) -> Notebook:
        opened.append(Notebook(jupyterlab, page, jupyterlab.write(name, cells)))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.command("kernelmenu:shutdown")
        Path(jupyterlab.folder / name).unlink()
