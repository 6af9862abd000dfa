"""TraceView in a real JupyterLab and a real browser: read, chosen by keyboard, and the slowest hop in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.support.collecting import Collecting, sample, shifted
from tests.support.moving import MovingCluster
from tests.ui.conftest import OpenNotebook

pytestmark = pytest.mark.browser


@pytest.fixture
def collecting(cluster: MovingCluster) -> Iterator[Collecting]:
    with Collecting(cluster.api) as collecting:
        yield collecting


def test_a_request_is_chosen_by_keyboard_and_its_slowest_hop_is_named(
    open_notebook: OpenNotebook, collecting: Collecting
) -> None:
    collecting.send(sample("booking"))
    collecting.send(shifted("delay", 1, seconds=-60))
    view = open_notebook(["TraceView(lab, 'web')"]).view("Traces")
    expect(view.get_by_text("slowest: payment, 812 of 840 ms, in the service itself")).to_be_visible()
    row = view.get_by_role("row", name="payment: POST /payments slowest in payment-5f6d8c7b94-h8wjn 16 ms 812 ms")
    expect(row).to_be_visible()
    view.get_by_role("listbox", name="requests").focus()
    view.page.keyboard.press("ArrowDown")
    expect(view.get_by_text("a delay that the proxy of web injected (DI)")).to_be_visible()
    collecting.send(shifted("timeout", 2, seconds=60))
    view.get_by_role("button", name="Refresh").press("Enter")
    expect(view.get_by_role("option")).to_have_count(6)  # three requests, and three ways to show them
    expect(view.get_by_text("a delay that the proxy of web injected (DI)")).to_be_visible()
