"""The views in a real JupyterLab and a real browser, on a cluster that moves: what a learner sees and does."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.support.moving import NAMESPACE, MovingCluster
from tests.ui.conftest import OpenNotebook

from wavetank.faults import Fault, Target, inject

pytestmark = pytest.mark.browser


def lines(chart: Locator) -> list[str]:
    """Return the paths a chart draws."""
    return [path.get_attribute("d") or "" for path in chart.locator("path.line").all()]


def points(chart: Locator) -> int:
    """Return how many points the chart's first line has."""
    drawn = lines(chart)
    return drawn[0].count("L") if drawn else 0


def test_a_load_moves_its_chart_and_a_kill_is_seen_named_and_marked(
    open_notebook: OpenNotebook, cluster: MovingCluster, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    notebook = open_notebook(["ClusterView(lab)", "LoadPanel(lab)"])
    panel, picture = notebook.view("Load"), notebook.view("Cluster")
    expect(picture).to_contain_text("8 of 8 pods ready")

    panel.get_by_role("button", name="Start").click()
    chart = panel.locator(".bqplot").first
    page.wait_for_function("chart => chart.querySelector('path.line')?.getAttribute('d')", arg=chart.element_handle())
    before = points(chart)
    expect(panel.get_by_role("row", name=re.compile("^sent"))).to_contain_text("20")
    expect(panel.get_by_role("row", name=re.compile(r"^half of them .*\d"))).to_be_visible()

    inject(cluster.kube, Fault("kill", "pod-kill", Target("deployment", "web"), 5.0), NAMESPACE)
    expect(panel.get_by_label("marks on the time line")).to_contain_text("fault: pod-kill at deployment web")
    expect(panel.locator(".bqplot").first).to_contain_text("A")
    happened = picture.get_by_label("what happened, latest first")
    expect(happened).to_contain_text(re.compile(r"web-\S+ is gone"))
    expect(happened).to_contain_text(re.compile(r"web-\S+ is ready on wavetank-worker"))
    assert points(chart) > before

    panel.get_by_role("button", name="Stop").click()
    expect(panel.get_by_role("status").first).to_contain_text("stopped")
    away = [url for url in asked if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url)]
    assert away == []


def test_the_emergency_stop_works_while_a_cell_runs(open_notebook: OpenNotebook, cluster: MovingCluster) -> None:
    lab = cluster.open_lab()
    cluster.kube.create(lab.model.load("steady").to_resource(NAMESPACE))
    inject(cluster.kube, Fault("slow", "latency", Target("deployment", "web"), 60.0), NAMESPACE)
    notebook = open_notebook(["FaultPanel(lab)", "import time; print('busy'); time.sleep(60)"])
    panel = notebook.view("Faults")
    expect(panel).to_contain_text("latency at deployment web")
    expect(notebook.output(2)).to_contain_text("busy")
    panel.get_by_role("button", name="Emergency stop").click()
    expect(panel).to_contain_text(re.compile(r"Stopped in [01]\.\d s: Fault tidewater/slow, Load tidewater/steady"))
    expect(panel).to_contain_text("no active fault")
    expect(notebook.prompt(2)).to_have_text("[*]:")


def test_everything_is_reached_and_worked_by_keyboard(
    open_notebook: OpenNotebook, cluster: MovingCluster, page: Page
) -> None:
    notebook = open_notebook(["FaultPanel(lab)"])
    panel = notebook.view("Faults")
    expect(panel.get_by_label("at", exact=True)).to_have_value("deployment booking")
    panel.get_by_role("button", name="Emergency stop").focus()

    def focused() -> str:
        return str(page.evaluate("document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"))

    page.keyboard.press("Tab")
    assert focused() == "fault"
    page.keyboard.press("ArrowDown")
    expect(panel.get_by_label("fault", exact=True)).to_have_value("container-crash")
    expect(panel).to_contain_text("exit with an error")
    page.keyboard.press("Tab")
    assert focused() == "at"
    page.keyboard.press("ArrowDown")
    expect(panel.get_by_label("at", exact=True)).to_have_value("deployment payment")
    page.keyboard.press("Tab")
    assert focused() == "seconds"
    page.keyboard.type("45")
    page.keyboard.press("Tab")
    assert focused() == "Inject"
    page.keyboard.press("Enter")
    expect(panel).to_contain_text(re.compile(r"container-crash at deployment payment, active, 4\d s left"))
    revert = panel.get_by_role("button", name="Revert")
    for _ in range(6):
        page.keyboard.press("Tab")
        if revert.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(panel).to_contain_text("no active fault")


def test_an_outage_of_the_api_server_is_told_and_over_when_it_is_over(
    open_notebook: OpenNotebook, cluster: MovingCluster
) -> None:
    picture = open_notebook(["ClusterView(lab)"]).view("Cluster")
    expect(picture).to_contain_text("8 of 8 pods ready")
    cluster.api.stop()
    expect(picture).to_contain_text(re.compile(r"The API server does not answer since [2-9] s"))
    expect(picture).to_contain_text("web-")
    cluster.put_pod("web-late", "web", "wavetank-worker")
    cluster.api.start()
    expect(picture).not_to_contain_text("does not answer")
    expect(picture).to_contain_text("9 of 9 pods ready")


def test_running_a_cell_again_leaves_one_view_and_its_threads_alone(open_notebook: OpenNotebook) -> None:
    threads = "import threading; print(sum(t.name == 'Cluster: view' for t in threading.enumerate()), 'view')"
    notebook = open_notebook(["ClusterView(lab)", threads])
    expect(notebook.output(2)).to_contain_text("1 view")
    for _ in range(3):
        notebook.run_all()
        expect(notebook.view("Cluster")).to_contain_text("8 of 8 pods ready")
    notebook.run_again(2)
    expect(notebook.output(2)).to_contain_text("1 view")


def test_a_reloaded_page_shows_the_views_again_and_they_go_on(
    open_notebook: OpenNotebook, cluster: MovingCluster, page: Page
) -> None:
    notebook = open_notebook(["ClusterView(lab)"])
    expect(notebook.view("Cluster")).to_contain_text("8 of 8 pods ready")
    notebook.save()
    page.reload()
    expect(notebook.view("Cluster")).to_contain_text("8 of 8 pods ready")
    gone = cluster.kill("web")
    expect(notebook.view("Cluster")).to_contain_text(f"{gone} is gone")


def test_it_follows_light_and_dark(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(["ClusterView(lab)"])
    picture = notebook.view("Cluster")
    expect(picture).to_contain_text("8 of 8 pods ready")

    def contrast() -> float:
        colours = picture.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
        dark, light = sorted(luminance(colour) for colour in colours)
        return (light + 0.05) / (dark + 0.05)

    notebook.prefer("light")
    assert contrast() > 7
    notebook.prefer("dark")
    assert contrast() > 7


def luminance(colour: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)`` as WCAG 2 defines it."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    if len(parts) == 4:  # a translucent text colour lies on its own background: take it as it is, blended at the end
        level = 1.0 if parts[0] > 127 else 0.0
        parts = [255 * level * parts[3] + 255 * (1 - level) * (1 - parts[3])] * 3
    channels = [value / 255 for value in parts[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_notebook_opened_the_next_day_says_what_to_run(open_notebook: OpenNotebook, page: Page) -> None:
    notebook = open_notebook(["ClusterView(lab)"])
    expect(notebook.view("Cluster")).to_contain_text("8 of 8 pods ready")
    notebook.save()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(notebook.view("Cluster")).to_have_class(re.compile("jupyter-widgets-disconnected"))
    told = "element => getComputedStyle(element, '::before').content"
    assert "Run the first cell of the notebook" in notebook.view("Cluster").evaluate(told)
    page.reload()
    left = notebook.output(1).locator(".jupyter-widgets")
    expect(left).to_have_css("font-size", "0px")  # what ipywidgets says of it
    assert "Run the first cell of the notebook" in left.evaluate(told.replace("before", "after"))
