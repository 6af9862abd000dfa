"""The views of images, containers and pipelines in a real JupyterLab and a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.support.moving import MovingCluster
from tests.support.shipping import Yard
from tests.ui.conftest import OpenNotebook

pytestmark = pytest.mark.browser

ENGINE = """
import time
from tests.support.fake_engine import FakeEngine
from tests.support.shipping import Shipper
from wavetank.images import Ended
from wavetank.images.pipeline import Records, load_pipeline
engine = FakeEngine()
"""
YARD = """
folder = Path({folder!r})
pipeline, go = load_pipeline(folder / "pipeline.yaml"), folder / "go"
"""
STARTS = """
engine.on_run = lambda ref, command: Ended(0, str(time.time_ns() + 400_000_000))
StartTimes(engine, "wavetank.dev/base:3", 8)
"""
RUN = """
engine.on_run = lambda ref, command: next(Ended(0, "OK") for _ in iter(lambda: time.sleep(0.05), 0) if go.exists())
records = Records("timetable", folder)
PipelineView(Shipper(lab, folder, engine, records), "pipeline.yaml", records=records)
"""
ISOLATION = """
from wavetank.images.isolation import Comparison, Sight
kinds = ("pid", "mnt", "net", "uts", "ipc", "user")
outside, inside = ({kind: f"{kind}:[{number}]" for kind in kinds} for number in (4026531836, 4026532501))
process = Sight(4711, "desk", "Linux 6.8", outside, 212, 1000, "ext4", "8:1", 31)
container = Sight(1, "box", "Linux 6.8", {**inside, "user": outside["user"]}, 1, 10001, "overlay", "0:52", 24, 1 << 28)
IsolationView(Comparison.of(process, container))
"""


def test_what_a_build_reused_and_two_images_share_is_read_off_the_page(
    open_notebook: OpenNotebook, cluster: MovingCluster, tmp_path: Path
) -> None:
    Yard(tmp_path, cluster)
    cells = [
        ENGINE + YARD.format(folder=str(tmp_path)),
        "first = engine.build(pipeline.recipe_of('v1'), 'localhost:5001/tidewater/timetable:v1')\nImageView(first)",
        "(folder / 'service/app.py').write_text('another')\n"
        "second = engine.build(pipeline.recipe_of('v1'), 'localhost:5001/tidewater/timetable:v2')\n"
        "ImageView(first.image, second.image)",
    ]
    notebook = open_notebook(cells)
    one, two = notebook.view("Image"), notebook.view("Two images")
    expect(one.get_by_role("row", name=re.compile(r"^COPY app\.py \. 19 B done anew [0-9a-f]{12}$"))).to_be_visible()
    expect(one.get_by_role("row", name=re.compile(r"40\.0 MB from the base"))).to_be_visible()
    expect(two).to_contain_text("timetable:v1 and timetable:v2 share 1 of 2 layers")
    expect(two.get_by_role("row", name=re.compile("only in timetable:v2"))).to_be_visible()


def test_starts_are_measured_drawn_as_dots_and_written(open_notebook: OpenNotebook, cluster: MovingCluster) -> None:
    notebook = open_notebook([ENGINE, STARTS])
    view = notebook.view("Start times")
    view.get_by_role("button", name="Measure").click()
    expect(view.get_by_role("status").first).to_have_text("measured: 8 of 8 starts")
    expect(view.locator(".bqplot .dot")).to_have_count(16)
    expect(view.get_by_role("row", name=re.compile(r"^half of them within \(p50\) 4\d\d\.\d \d+\.\d$"))).to_be_visible()


def test_a_version_is_shipped_by_keyboard_stage_by_stage(
    open_notebook: OpenNotebook, cluster: MovingCluster, page: Page, tmp_path: Path
) -> None:
    yard = Yard(tmp_path, cluster)
    notebook = open_notebook([ENGINE + YARD.format(folder=str(tmp_path)), RUN])
    view = notebook.view("Pipeline")
    view.get_by_label("version", exact=True).focus()
    page.keyboard.type("v2")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(view.get_by_role("row", name=re.compile(r"^test running"))).to_be_visible()
    expect(view.get_by_role("row", name=re.compile(r"^push waiting -"))).to_be_visible()
    expect(view.get_by_role("button", name="Run")).to_be_disabled()

    (tmp_path / "go").touch()
    expect(view.get_by_role("status").first).to_have_text("run 1, v2: deployed")
    expect(view.get_by_role("row", name=re.compile(r"^deploy passed .*all pods"))).to_be_visible()
    assert "@sha256:" in yard.running


def test_a_container_and_a_process_are_told_apart_in_words(open_notebook: OpenNotebook, cluster: MovingCluster) -> None:
    view = open_notebook([ISOLATION]).view("Isolation")
    expect(view.get_by_role("row", name="its own process number 4711 1 the container's own")).to_be_visible()
    expect(view.get_by_role("row", name="kernel Linux 6.8 Linux 6.8 the same")).to_be_visible()
