"""Each trouble on the way to a registry is told in the words that docs/troubles.md shows."""

from __future__ import annotations

import pytest
from scripts.troubles import BEFORE, PAGE, row
from tests.support.troubles import TROUBLES


@pytest.mark.parametrize("title", TROUBLES)
def test_a_trouble_is_told_as_the_page_says(title: str) -> None:
    told = row(title)
    assert told in PAGE.read_text(), f"`make docs` would write: {told}"


def test_the_page_has_no_other_troubles() -> None:
    assert PAGE.read_text().startswith(BEFORE)
    assert PAGE.read_text().count("\n|") == len(TROUBLES) + BEFORE.count("\n|")
