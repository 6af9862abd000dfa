"""The list of labs in a browser, while a cluster comes up behind it: here, what comes up is written by the test."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.support.jupyterlab import JupyterLab

from wavetank.bootstrap.journal import Journal, folder
from wavetank.bootstrap.process import held
from wavetank.bundle.stages import up_to
from wavetank.steps import StepEvent

pytestmark = pytest.mark.browser


@pytest.fixture
def journal(jupyterlab: JupyterLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """Be the process behind the lab."""
    monkeypatch.setenv("XDG_STATE_HOME", str(jupyterlab.state))
    with held() as mine:
        assert mine
        yield Journal(folder() / "journal.jsonl")
    (folder() / "journal.jsonl").unlink()


def states(page: Page) -> list[str]:
    return [text.split(" ·")[0] for text in page.locator("#labs li > p").all_inner_texts()]


def test_it_shows_what_can_be_begun_as_it_becomes_ready(jupyterlab: JupyterLab, journal: Journal, page: Page) -> None:
    journal.step(StepEvent("build registry", "started"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{jupyterlab.url}/wavetank?token={jupyterlab.token}")
    expect(page.get_by_role("status")).to_have_text("Now: build registry")
    assert states(page)[1:3] == ["… waits for containers, images and a registry", "… waits for Kubernetes"]

    journal.step(StepEvent("build registry", "done", 40.0))
    journal.ready(up_to("containers"))
    journal.step(StepEvent("build kubernetes", "started"))
    expect(page.get_by_text("▶ can be begun; later parts wait for Kubernetes")).to_have_count(2)
    expect(page.get_by_role("status")).to_have_text("Now: build kubernetes")

    journal.ready(up_to("kubernetes"))
    expect(page.get_by_text("✓ ready")).to_have_count(3)
    journal.error("a port is taken\n  try: end what listens there")
    expect(page.get_by_role("alert")).to_contain_text("end what listens there")
    journal.error("")
    expect(page.get_by_role("alert")).to_be_empty()
    assert [url for url in asked if not url.startswith((jupyterlab.url, "data:"))] == []


def test_a_lab_is_opened_by_keyboard(jupyterlab: JupyterLab, journal: Journal, page: Page) -> None:
    journal.ready(up_to("functions"))
    page.goto(f"{jupyterlab.url}/wavetank?token={jupyterlab.token}")
    link = page.get_by_role("link", name="Containers: the same bytes everywhere")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/tree/labs/01-containers/lab.ipynb")


@pytest.mark.parametrize("address", ["wavetank", "wavetank/state"])
def test_nobody_sees_it_without_the_token(jupyterlab: JupyterLab, address: str) -> None:
    with urllib.request.urlopen(f"{jupyterlab.url}/{address}", timeout=20) as answer:
        assert "/login" in answer.url
        assert b"labs" not in answer.read()
