"""Knative on the tests' own API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.knative import Knative


@pytest.fixture
def knative(tmp_path: Path) -> Iterator[Knative]:
    with Knative(tmp_path) as knative:
        yield knative
