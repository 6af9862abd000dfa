"""The small application every test of the operator has to deal with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pond import Pond


@pytest.fixture
def pond(tmp_path: Path) -> Iterator[Pond]:
    with Pond(tmp_path) as pond:
        yield pond
