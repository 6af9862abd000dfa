"""Lab 2 walked in a real browser on the real cluster, as a learner does it.

With WAVETANK_PICTURES=docs/pictures the pictures taken on the way take the place of the README's.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.support.jupyterlab import Notebook, running_chromium, running_jupyterlab

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.faults import active_faults
from wavetank.kube import Kube
from wavetank.lesson import find_lab
from wavetank.lesson.restore import restore
from wavetank.traffic import list_loads

pytestmark = [pytest.mark.kind, pytest.mark.browser, pytest.mark.timeout(600)]

LAB = Path(__file__).parents[2] / "labs" / "02-kubernetes" / "lab.ipynb"
NAMESPACE = "tidewater"
OPENED, CLUSTER, LOAD, FAULTS = range(4)
"""The notebook's first code cells."""

Take = Callable[[str, Locator | Page], None]


@pytest.fixture
def page() -> Iterator[Page]:
    with running_chromium() as browser:
        yield browser.new_page(viewport={"width": 1240, "height": 1240})


@pytest.fixture
def notebook(kube: Kube, spec: ClusterSpec, page: Page, tmp_path: Path) -> Iterator[Notebook]:
    """A copy of the delivered notebook, opened on the real cluster."""
    folder, state = tmp_path / "lab", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    shutil.copy(LAB, folder)
    expect.set_options(timeout=60_000)
    with running_jupyterlab(folder, state, {"KUBECONFIG": str(kubeconfig_path(spec.name))}) as jupyterlab:
        notebook = Notebook(jupyterlab, page, "lab.ipynb")
        yield notebook
        notebook.end_kernel()


@pytest.fixture
def take(tmp_path: Path) -> Take:
    folder = Path(os.environ.get("WAVETANK_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def take_(name: str, of: Locator | Page) -> None:
        of.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take_


def test_a_learner_loads_kills_and_stops(notebook: Notebook, kube: Kube, page: Page, take: Take) -> None:
    notebook.command("application:toggle-left-area")
    for cell in (OPENED, CLUSTER, LOAD, FAULTS):
        notebook.run_again(cell)
    picture, panel, faults = notebook.view("Cluster"), notebook.view("Load"), notebook.view("Faults")
    expect(picture).to_contain_text("3 of 3 nodes ready")
    restore(kube, find_lab("02-kubernetes"), "floating")
    expect(picture).to_contain_text(re.compile(r"(\d+) of \1 pods ready"))

    panel.get_by_label("load", exact=True).select_option("look-up-long")
    panel.get_by_label("seconds", exact=True).fill("150")
    panel.get_by_label("seconds", exact=True).press("Tab")
    panel.get_by_role("button", name="Start").click()
    sent = panel.get_by_role("row", name=re.compile("^sent"))
    expect(sent).to_contain_text("20")
    line = panel.locator(".bqplot path.line").first
    drawn = line.get_attribute("d") or ""
    expect(line).not_to_have_attribute("d", drawn)

    faults.get_by_label("fault", exact=True).select_option("pod-kill")
    faults.get_by_label("at", exact=True).select_option("deployment web")
    before = {pod["metadata"]["name"] for pod in kube.list("Pod", NAMESPACE, "app=web")}
    faults.get_by_role("button", name="Inject").click()
    happened = picture.get_by_label("what happened, latest first")
    expect(happened).to_contain_text(re.compile(f"({'|'.join(before)}) is gone"))
    expect(happened).to_contain_text(re.compile(r"web-\S+ is ready on wavetank-worker2?"))
    expect(panel.get_by_label("marks on the time line")).to_contain_text("fault: pod-kill at deployment web")

    faults.get_by_label("fault", exact=True).select_option("latency")
    faults.get_by_label("at", exact=True).select_option("deployment timetable")
    faults.get_by_label("seconds", exact=True).fill("120")
    faults.get_by_label("seconds", exact=True).press("Tab")
    faults.get_by_role("button", name="Inject").click()
    expect(faults).to_contain_text(re.compile(r"latency at deployment timetable, active, \d+ s left"))
    expect(panel.get_by_label("marks on the time line")).to_contain_text("fault: latency at deployment timetable")
    expect(panel.get_by_role("row", name=re.compile(r"^half of them \(p50\) ([4-9]\d\d|\d{4}) "))).to_be_visible()
    expect(panel.get_by_role("row", name=re.compile(r"^sent \d+ [5-9]\d\d"))).to_be_visible()
    picture.evaluate("view => view.scrollIntoView()")
    take("lab2-load", page)
    take("cluster", picture)
    take("load", panel)
    take("faults", faults)

    faults.get_by_role("button", name="Emergency stop").click()
    expect(faults).to_contain_text(re.compile(r"Stopped in [01]\.\d s: .*Fault tidewater/latency-timetable"))
    assert active_faults(kube, NAMESPACE) == []
    assert [load.name for load in list_loads(kube, NAMESPACE) if not load.ended] == []
    expect(panel.get_by_role("status").first).to_contain_text("stopped")
