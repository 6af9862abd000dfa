"""A click while a cell runs, from a front end that knows of no shells but the main one: it is answered at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

BUTTON = """
import time
from wavetank.widgets.controls import button
pressed = button("Emergency stop", lambda: print("stopped", flush=True))
print(pressed.comm.comm_id)
"""
WITHIN = 2.0


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockingKernelClient]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said(client: BlockingKernelClient, within: float) -> str:
    """Return what is printed next."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        message: dict[str, Any] = client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
        if message["msg_type"] == "stream":
            return str(message["content"]["text"]).strip()
        assert message["msg_type"] != "error", message["content"]["traceback"]
    raise AssertionError(f"nothing was printed within {within} s")


def test_a_button_answers_while_a_cell_runs_though_the_front_end_names_no_shell(kernel: BlockingKernelClient) -> None:
    kernel.execute(BUTTON)
    comm = said(kernel, 60)
    kernel.execute("print('busy', flush=True); time.sleep(60)")
    assert said(kernel, 20) == "busy"
    for _ in range(2):
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.shell_channel.send(kernel.session.msg("comm_msg", content))
        assert said(kernel, WITHIN) == "stopped"
