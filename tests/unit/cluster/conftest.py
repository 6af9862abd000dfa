import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.basin import Basin

from wavetank.cluster import Ports


@pytest.fixture
def basin(tmp_path: Path) -> Iterator[Basin]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        free = Ports(ingress=one.getsockname()[1], registry=two.getsockname()[1])
    with Basin(tmp_path, free) as basin:
        yield basin
