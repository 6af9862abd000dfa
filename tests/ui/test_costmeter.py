"""CostMeter in a real JupyterLab and a real browser: a day replayed by keyboard, its bills, and another Deployment."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect
from tests.support.functions import CRDS, put_function
from tests.support.moving import ROOT, MovingCluster
from tests.ui.conftest import OpenNotebook

pytestmark = pytest.mark.browser

_CELL = """
from dataclasses import replace
from wavetank.traffic import Day, Load, Target
day = Load("day", Target("tides"), rate=20, duration=5, profile=Day())
lab.model = replace(lab.model, loads={"day": day})
CostMeter(lab, "day", "tides")
"""


def test_a_day_is_replayed_and_reckoned_by_keyboard(open_notebook: OpenNotebook, cluster: MovingCluster) -> None:
    for crd in CRDS:
        cluster.api.put(crd)
    put_function(cluster.api, "tides", pods=3, min_scale=3)
    shutil.copy(ROOT / "labs/04-serverless/prices.yaml", cluster.folder)
    view = open_notebook([_CELL]).view("Cost meter")
    view.get_by_role("button", name="Replay the day").press("Enter")
    expect(view.get_by_role("status")).to_contain_text("replaying the day")
    expect(view.get_by_text("min-scale keeps 3 of tides-00001: nothing ran in")).to_be_visible()
    expect(view.get_by_role("table", name="what a month costs")).to_contain_text("1 replica, day and night")
    expect(view.get_by_role("row", name="A, this day")).to_be_visible()
    expect(view.get_by_role("row", name="B, break-even")).to_be_visible()
    expect(view.locator(".bqplot .axislabel, .bqplot .axis").first).to_be_visible()
    replicas = view.get_by_label("always on: replicas, at least")
    replicas.fill("2")
    replicas.press("Enter")
    expect(view.get_by_role("table", name="what a month costs")).to_contain_text("2 replicas, day and night")
