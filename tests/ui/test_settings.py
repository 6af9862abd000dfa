"""The labs' own JupyterLab settings: quiet, offline, and markdown is shown as it reads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.support.jupyterlab import JupyterLab

pytestmark = pytest.mark.browser


def test_it_asks_nothing_fetches_nothing_and_shows_pages_as_they_read(jupyterlab: JupyterLab, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    (jupyterlab.folder / "README.md").write_text("# The labs\n\nBegin with the *first*.\n")
    page.goto(f"{jupyterlab.url}/lab/tree/README.md?token={jupyterlab.token}")
    expect(page.get_by_role("heading", name="The labs")).to_be_visible(timeout=60_000)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(re.compile("news", re.IGNORECASE))).to_have_count(0)
    assert [url for url in asked if not url.startswith((jupyterlab.url, "data:", "blob:"))] == []
    assert not [url for url in asked if "/lab/api/news" in url or "/lab/api/update" in url]
    assert not [url for url in asked if "/lab/api/extensions" in url]
