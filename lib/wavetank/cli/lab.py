"""`wavetank lab`: JupyterLab on the list of labs, on loopback, with the cluster's kubeconfig and tools at hand."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click
from jupyter_core.paths import jupyter_runtime_dir

from wavetank.bootstrap import follow, running
from wavetank.cluster import kubeconfig_path
from wavetank.errors import InputError, WavetankError
from wavetank.lesson.library import LABS
from wavetank.lesson.place import furnish
from wavetank.markup import html
from wavetank.pasted import pasted
from wavetank.processes import tied_to_us
from wavetank.proxies import except_loopback, open_here
from wavetank.steps import print_report

START_PAGE = "wavetank"
STARTS_WITHIN = 60.0
"""Seconds JupyterLab may take until its first answer."""


@click.command()
@click.option("--cluster-name", default="wavetank", show_default=True, help="The cluster the notebooks talk to.")
@click.option("--port", type=click.IntRange(0, 65535), default=8888, show_default=True, help="0: any free port.")
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser as well.")
def lab(cluster_name: str, port: int, browser: bool) -> None:
    """Start JupyterLab on the list of labs; Ctrl-C ends it, the cluster stays, and what comes up goes on."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # ends JupyterLab on the way out
    port = _free_port(port)
    labs = furnish(LABS)
    if labs != LABS:
        click.echo(f"These labs are not yours to write to: your notebooks and files are in {labs}")
    token = secrets.token_urlsafe(24)
    command = _command(port, labs.parent)
    server = subprocess.Popen([*tied_to_us(), *command], cwd=labs.parent, env=_environment(cluster_name, token, labs))
    try:
        _wait_until_it_answers(server, port, command)
        url = f"http://127.0.0.1:{port}/{START_PAGE}?token={token}"
        click.echo(f"\nJupyterLab: {url}\n(Ctrl-C ends it; the cluster stays until `wavetank down`)\n")
        with _opened(url) if browser and _browser_is_here() else nullcontext():
            follow(
                print_report,
                over=lambda: not running() or server.poll() is not None,
                complain=lambda error: click.echo(error, err=True),
            )
            server.wait()
    except KeyboardInterrupt:
        click.echo("JupyterLab ends; the cluster stays until `wavetank down`.")
    finally:
        _end(server)


@contextmanager
def _opened(url: str) -> Iterator[None]:
    """Open ``url`` in a browser by a file that sends it there, and that only this user can read.

    Everybody on this machine can read the arguments that a browser is started with, and the token is in the URL.
    """
    place = Path(jupyter_runtime_dir())
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=place, prefix="wavetank-", suffix=".html", encoding="utf-8") as page:
        page.write(html('<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={}">', url))
        page.flush()
        webbrowser.open(Path(page.name).as_uri())
        yield


def _browser_is_here() -> bool:
    """Return whether a browser that is started here can read files of here: not in VS Code's remote, nor under WSL."""
    return not os.environ.keys() & {"VSCODE_IPC_HOOK_CLI", "CODESPACES", "REMOTE_CONTAINERS", "WSL_DISTRO_NAME"}


def _command(port: int, root: Path) -> list[str]:
    jupyter = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    settings = [f"--ServerApp.root_dir={root}", "--ServerApp.port_retries=0", "--LabApp.news_url="]
    # Containers that run a laboratory are often root; loopback and the token are what guards it.
    return [*jupyter, *settings, "--log-level=WARN", *(["--allow-root"] if os.geteuid() == 0 else [])]


def _environment(cluster_name: str, token: str, labs: Path) -> dict[str, str]:
    """Give notebooks and their terminals this environment's kernel and kubectl, and the cluster's own kubeconfig."""
    tools = str(Path(sys.executable).parent)
    kernels = str(Path(sys.prefix, "share", "jupyter"))
    return {
        **os.environ,
        **except_loopback(os.environ),
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": str(LABS / ".jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(labs / ".jupyter" / "lab" / "user-settings"),
        # First of all: a kernel of the same name, python3, of another Python may be among the user's own.
        "JUPYTER_PATH": os.pathsep.join(filter(None, [kernels, os.environ.get("JUPYTER_PATH")])),
        "KUBECONFIG": str(kubeconfig_path(cluster_name)),
        "PATH": os.pathsep.join([tools, os.environ.get("PATH", os.defpath)]),
    }


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise InputError(
                f"port {wanted} on 127.0.0.1 is taken",
                observed=str(error),
                expected="a free port for JupyterLab",
                command=f"ss -ltnp 'sport = :{wanted}'" if shutil.which("ss") else f"lsof -i :{wanted}",
                hint="wavetank lab --port 0",
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int, command: list[str]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with open_here(f"http://127.0.0.1:{port}/api", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise WavetankError(
        "JupyterLab did not start",
        observed=f"exit code {server.poll()}" if server.poll() is not None else f"no answer in {STARTS_WITHIN:.0f} s",
        expected=f"an answer on http://127.0.0.1:{port}/api",
        command=pasted(*command).replace("--log-level=WARN", "--debug"),
        hint="run the command above and read its last lines",
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
