"""The development container: what it starts exists, and JupyterLab behind a forwarded port answers nobody else."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wavetank.cluster import ClusterSpec, find_spec, load_spec
from wavetank.cluster.needs import load_needs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".devcontainer"
NAME = "brave-tank-1"
HOST = f"{NAME}-8888.app.github.dev"


def declared() -> Any:
    text = (FOLDER / "devcontainer.json").read_text()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def test_it_is_pinned_and_has_an_engine_of_its_own() -> None:
    assert re.search(r"@sha256:[0-9a-f]{64}$", declared()["image"])
    (feature,) = declared()["features"]
    assert re.fullmatch(r"ghcr\.io/devcontainers/features/docker-in-docker:\d+\.\d+\.\d+", feature)


def test_what_it_runs_is_there() -> None:
    commands = [declared()[key] for key in ("postCreateCommand", "postAttachCommand")]
    scripts = {word for command in commands for word in re.findall(r"\.devcontainer/\S+\.sh", command)}
    assert {path.relative_to(ROOT).as_posix() for path in FOLDER.glob("*.sh")} == scripts
    assert "make setup" in commands[0]
    assert (FOLDER / "open.sh").read_text().rstrip().endswith("exec make lab")


def test_its_ports_are_those_of_jupyterlab_and_of_the_labs() -> None:
    ports: ClusterSpec = load_spec(find_spec("kind"))
    assert declared()["forwardPorts"] == [8888]
    assert set(declared()["portsAttributes"]) == {"8888", str(ports.ports.ingress), str(ports.ports.gateway)}


def test_it_asks_for_a_machine_that_is_large_enough() -> None:
    asked = {key: int(str(value).removesuffix("gb")) for key, value in declared()["hostRequirements"].items()}
    assert asked["memory"] * 1024 >= load_needs().free.memory
    assert asked["storage"] * 1024 >= load_needs().free.disk_source


def attach(folder: Path, servers: str) -> str:
    """Return what open.sh says in a checkout whose `jupyter server list` says ``servers``."""
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    stand_ins = {
        "jupyter": f"echo 'Currently running servers:'; echo '{servers}'",
        "make": 'echo "make $*"',
        "docker": "exit 0",
    }
    for name, does in stand_ins.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{does}\n")
        (bin_ / name).chmod(0o755)
    (folder / ".devcontainer").mkdir()
    script = folder / ".devcontainer" / "open.sh"
    script.write_bytes((FOLDER / "open.sh").read_bytes())
    environment = {"PATH": f"{bin_}:{os.environ['PATH']}"}
    return subprocess.run(["bash", script], env=environment, check=True, capture_output=True, text=True).stdout


def test_the_lab_is_opened_and_a_second_terminal_is_told_where_it_is(tmp_path: Path) -> None:
    assert attach(tmp_path / "first", "http://127.0.0.1:9999/?token=other :: /home") == "make lab\n"
    told = attach(tmp_path / "second", "http://127.0.0.1:8888/?token=secret :: /workspaces/wavetank")
    assert told == "JupyterLab is open already: http://127.0.0.1:8888/wavetank?token=secret\n"


def prepare(home: Path, **environment: str) -> Path:
    script = FOLDER / "codespace.sh"
    subprocess.run(["bash", script], env={"PATH": os.environ["PATH"], "HOME": str(home), **environment}, check=True)
    return home / ".jupyter" / "jupyter_server_config.json"


def test_outside_a_codespace_nothing_is_configured(tmp_path: Path) -> None:
    assert not prepare(tmp_path).exists()


def test_the_names_domain_may_be_another_one(tmp_path: Path) -> None:
    written = prepare(tmp_path, CODESPACE_NAME=NAME, GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN="example.org")
    assert json.loads(written.read_text())["ServerApp"]["local_hostnames"][1] == f"{NAME}-8888.example.org"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("home")
    prepare(home, CODESPACE_NAME=NAME)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    environment = {**os.environ, "HOME": str(home), "JUPYTER_TOKEN": "t", "JUPYTER_CONFIG_DIR": str(home / ".jupyter")}
    with subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], cwd=home, env=environment, stderr=subprocess.DEVNULL
    ) as server:
        try:
            deadline = time.monotonic() + 60
            while ask(port, "127.0.0.1") == 0:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield port
        finally:
            server.terminate()


def ask(port: int, host: str) -> int:
    """Return the status of the answer to a request for this host name, 0 where nobody listens yet."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/status?token=t", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


@pytest.mark.parametrize(("host", "status"), [(HOST, 200), ("localhost:8888", 200), ("elsewhere.app.github.dev", 403)])
def test_only_the_forwarded_ports_own_name_is_answered(port: int, host: str, status: int) -> None:
    assert ask(port, host) == status
