from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.basin import Basin


@pytest.fixture
def basin(tmp_path: Path) -> Iterator[Basin]:
    with Basin(tmp_path) as basin:
        yield basin
