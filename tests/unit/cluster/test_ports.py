import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavetank.cluster.ports import is_taken, listener


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_taken_until_it_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_taken(port)
    assert not is_taken(port)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who listens")
def test_the_listener_is_named(taken: int) -> None:
    assert f"process {os.getpid()}" in listener(taken)


def test_nobody_is_named_when_it_cannot_be_told(tmp_path: Path) -> None:
    assert listener(80, proc=tmp_path) == ""
