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
FORM = """
import time
from wavetank.widgets.controls import button, text_field
version = text_field("version", "such as v2")
slow = button("Refresh", lambda: time.sleep(1))
pressed = button("Run", lambda: print("runs", version.value, flush=True))
print(slow.comm.comm_id, version.comm.comm_id, pressed.comm.comm_id)
"""
WITHIN = 2.0
CLICK = {"method": "custom", "content": {"event": "click"}}


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


def tell(client: BlockingKernelClient, comm: str, data: dict[str, Any], shell: str | None = None) -> None:
    """Send what a front end sends to a widget, in a shell if it names one."""
    message = client.session.msg("comm_msg", {"comm_id": comm, "data": data})
    message["header"]["subshell_id"] = shell
    client.shell_channel.send(message)


def test_a_button_answers_while_a_cell_runs_though_the_front_end_names_no_shell(kernel: BlockingKernelClient) -> None:
    kernel.execute(BUTTON)
    comm = said(kernel, 60)
    kernel.execute("print('busy', flush=True); time.sleep(60)")
    assert said(kernel, 20) == "busy"
    for _ in range(2):
        tell(kernel, comm, CLICK)
        assert said(kernel, WITHIN) == "stopped"


def test_what_was_written_before_a_click_is_known_to_it_whichever_shell_either_names(
    kernel: BlockingKernelClient,
) -> None:
    """JupyterLab has no shell for widgets at first, and has one a moment later."""
    kernel.execute(FORM)
    slow, version, pressed = said(kernel, 60).split()
    kernel.control_channel.send(kernel.session.msg("create_subshell_request", {}))
    shell = kernel.get_control_msg(timeout=20)["content"]["subshell_id"]
    tell(kernel, slow, CLICK)
    tell(kernel, version, {"method": "update", "state": {"value": "v2"}, "buffer_paths": []})
    tell(kernel, pressed, CLICK, shell)
    assert said(kernel, 20) == "runs v2"
