"""A real JupyterLab in a real Chromium, with the settings of the labs: open a notebook, run it, look at the page.

Everything JupyterLab writes goes to a temporary folder; it listens on a free loopback port behind a token.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 60.0
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_KERNEL_IS_IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


@dataclass(frozen=True)
class JupyterLab:
    """A server that answers: its address, token, the folder of its notebooks, and its $XDG_STATE_HOME."""

    url: str
    token: str
    folder: Path
    state: Path

    def write(self, name: str, cells: Sequence[str]) -> str:
        """Put a notebook of code cells into the folder; return its name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.folder / name)
        return name


class Notebook:
    """A notebook that is open on a page."""

    def __init__(self, lab: JupyterLab, page: Page, name: str) -> None:
        self.page = page
        workspace = f"{lab.url}/lab/workspaces/{secrets.token_hex(4)}"  # a fresh one restores no other notebook
        page.goto(f"{workspace}/tree/{quote(name)}?token={lab.token}")
        page.wait_for_selector(".jp-NotebookPanel:visible .jp-Cell", timeout=60_000)
        page.wait_for_function(_KERNEL_IS_IDLE, timeout=60_000)

    def run_all(self) -> None:
        """Start every cell, as the menu does; does not wait for them."""
        self.command("notebook:run-all-cells")

    def command(self, name: str, arguments: Mapping[str, object] | None = None) -> None:
        """Do one of JupyterLab's commands."""
        self.page.evaluate(
            "([name, arguments]) => void window.jupyterapp.commands.execute(name, arguments)", [name, arguments or {}]
        )

    def run_again(self, cell: int) -> None:
        """Run code cell ``cell`` (from 0) and wait until it has ended."""
        self._cell(cell).locator(".cm-content").click()
        # Its number may be the same afterwards, and the star in between too short to be seen.
        self.command("notebook:clear-cell-output")
        expect(self.prompt(cell)).to_have_text(re.compile(r"\[\s\]:"))
        self.page.keyboard.press("Control+Enter")
        expect(self.prompt(cell)).to_have_text(re.compile(r"\[\d+\]:"))

    def save(self) -> None:
        """Save the notebook with its outputs, and wait until it is."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def prompt(self, cell: int) -> Locator:
        """Return what stands before code cell ``cell``: ``[3]:``, or ``[*]:`` while it runs."""
        return self._cell(cell).locator(".jp-InputArea-prompt")

    def output(self, cell: int) -> Locator:
        """Return what code cell ``cell`` (from 0) put out."""
        return self._cell(cell).locator(".jp-OutputArea")

    def _cell(self, cell: int) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(cell)

    def end_kernel(self) -> None:
        """Shut the notebook's kernel down and wait until it is."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def view(self, title: str) -> Locator:
        """Return the view with that title."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator(".wt", has=heading).last

    def prefer(self, scheme: Literal["light", "dark"]) -> None:
        """Let the desktop prefer light or dark; JupyterLab follows."""
        self.page.emulate_media(color_scheme=scheme)
        light = str(scheme == "light").lower()
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")


@contextmanager
def running_jupyterlab(folder: Path, state: Path, environment: Mapping[str, str] | None = None) -> Iterator[JupyterLab]:
    """Start JupyterLab on ``folder`` with the labs' own settings; what it writes of its own goes to ``state``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_urlsafe(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    options = ["--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    log = state / "jupyterlab.log"
    with log.open("wb") as words:
        server = subprocess.Popen(
            [*command, *options],
            env=_environment(state, token) | dict(environment or {}),
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(server, url, log)
        yield JupyterLab(url, token, folder, state / "state")
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start a Chromium: the one on PATH, else Playwright's own. Raises `RuntimeError` that says how to get one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        except Exception as error:
            raise RuntimeError(
                f"the browser tests need a Chromium; {found or 'no chromium on PATH, and'} could not be started.\n"
                f"Install one with: scripts/browser.sh\n{error}"
            ) from error
        yield browser
        browser.close()


def _environment(state: Path, token: str) -> dict[str, str]:
    own = {
        name: str(state / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    return {
        **os.environ,
        **own,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": str(ROOT / "labs" / ".jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(state / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "IPYTHONDIR": str(state / "ipython"),
        "XDG_STATE_HOME": str(state / "state"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lib")]),
    }


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not answer within {STARTS_WITHIN:.0f} s:\n{log.read_text()[-3000:]}")
