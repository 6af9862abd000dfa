"""docs/security.md names the tests that hold what it promises: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", (ROOT / "docs" / "security.md").read_text())


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_the_page_names_is_there(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / file).read_text()


def test_the_page_names_some() -> None:
    assert len(NAMED) > 20
