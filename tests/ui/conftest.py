"""One JupyterLab and one Chromium for all browser tests; for each test a cluster that moves, a page and notebooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.jupyterlab import JupyterLab, Notebook, running_chromium, running_jupyterlab
from tests.support.moving import MovingCluster

expect.set_options(timeout=30_000)

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
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    """A cluster with Tidewater on it, in this process: what the kernel does is then only the kernel's."""
    with MovingCluster(tmp_path) as cluster:
        for app, replicas in (("web", 3), ("timetable", 2), ("booking", 2), ("payment", 1)):
            cluster.deploy(app, replicas)
        yield cluster


@pytest.fixture
def open_notebook(
    jupyterlab: JupyterLab, page: Page, cluster: MovingCluster, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """Open a notebook whose first cell has a ``lab`` on the cluster, then the given cells, and run it."""
    name = re.sub(r"\W+", "-", request.node.name) + ".ipynb"
    begin = f"""
from pathlib import Path
from tests.support.moving import lab_on
from wavetank.widgets import *
lab = lab_on(Path({str(cluster.kubeconfig)!r}))
"""
    opened: list[Notebook] = []

    def open_(cells: Sequence[str]) -> Notebook:
        notebook = Notebook(jupyterlab, page, jupyterlab.write(name, [begin, *cells]))
        opened.append(notebook)
        notebook.run_all()
        return notebook

    yield open_
    for notebook in opened:
        notebook.end_kernel()
