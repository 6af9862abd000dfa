"""`wavetank lab` as a learner meets it: a real JupyterLab, its URL, a taken port, Ctrl-C."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.proxied import ENVIRONMENTS, surround
from tests.support.waiting import eventually

from wavetank.cli.lab import _environment

ROOT = Path(__file__).parents[3]


@contextmanager
def wavetank_lab(
    home: Path, browser: str = "--no-browser", port: int = 0, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "wavetank", "lab", browser, "--port", str(port)],
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def its_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.findall(r"http://127\.0\.0\.1:\S+", line):
            return str(found[0])
    raise AssertionError("".join(said))


def ask(url: str, path: str, method: str = "GET") -> dict[str, Any]:
    """Ask JupyterLab's API at ``path``."""
    address, _, token = url.partition("/wavetank?token=")
    request = urllib.request.Request(f"{address}{path}", headers={"Authorization": f"token {token}"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


@pytest.mark.parametrize(
    ("sent", "code", "proxies"),
    [
        (signal.SIGINT, 0, {}),
        (signal.SIGTERM, 128 + signal.SIGTERM, ENVIRONMENTS["loopback left out as a network"]),
    ],
)
def test_it_prints_a_url_that_answers_and_leaves_no_jupyterlab(
    tmp_path: Path, sent: signal.Signals, code: int, proxies: Mapping[str, str]
) -> None:
    with wavetank_lab(tmp_path, port=0, **proxies) as process:
        url = its_url(process)
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status == 200
            assert b"Wavetank" in answer.read()
        process.send_signal(sent)
        assert process.wait(timeout=20) == code
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) != 0


def test_killed_it_takes_jupyterlab_with_it_so_that_the_port_is_free_again(tmp_path: Path) -> None:
    with wavetank_lab(tmp_path, port=0) as process:
        url = its_url(process)
        port = int(url.split(":")[2].split("/")[0])
        process.kill()
        process.wait(10)

    def refused() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    eventually(refused, "JupyterLab to end with it")


def test_terminals_leave_loopback_out_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, ENVIRONMENTS["something else left out"])
    for name in ("NO_PROXY", "no_proxy"):
        assert _environment("wavetank", "token", ROOT / "labs")[name] == "*.example.com,localhost,127.0.0.1,::1"


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with wavetank_lab(tmp_path, port=port) as process:
            said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "wavetank lab --port 0" in said
    assert "Traceback" not in said


def test_the_token_is_in_no_arguments_and_no_kernel_s_environment_and_no_solution_is_listed(tmp_path: Path) -> None:
    browser, said = tmp_path / "browser", tmp_path / "said"
    browser.write_text(
        "#!/bin/sh\nfile=${1#file://}\n"
        f'(echo "$1"; stat -c %a "$file"; cat "$file") > {said}.part; mv {said}.part {said}\n'
    )
    browser.chmod(0o755)
    runtime = str(tmp_path / "runtime")
    with wavetank_lab(tmp_path, "--browser", BROWSER=str(browser), JUPYTER_RUNTIME_DIR=runtime) as process:
        url = its_url(process)
        token = url.partition("token=")[2]
        eventually(said.exists, "the browser to be started")
        argument, mode, page = said.read_text().split("\n", 2)
        assert argument.startswith(f"file://{runtime}/")
        assert mode == "600"
        assert f"url={url}" in page
        ask(url, "/api/terminals", "POST")
        ask(url, "/api/kernels", "POST")
        server = below(process.pid, 1)
        given = below(process.pid) - server
        environments = [there for there in (of_process(pid, "environ") for pid in given) if there]
        assert len(environments) >= 2, "a terminal and a kernel"
        assert not any(token in there for there in environments)
        assert not any(token in of_process(pid, "cmdline") for pid in {process.pid} | server | given)
        shown = {entry["name"] for entry in ask(url, "/api/contents/")["content"]}
        assert {"labs", "docs"} <= shown
        assert "solutions" not in shown
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert not Path(argument.removeprefix("file://")).exists()


def of_process(pid: int, what: str) -> str:
    """Return what /proc says of a process; nothing of one that has ended, as a kernel's helpers do."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def below(pid: int, generations: int = 9) -> set[int]:
    """Return the processes that a process has started, and those have."""
    if not generations:
        return set()
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    started = {int(child) for task in tasks for child in task.read_text().split()}
    return started.union(*(below(child, generations - 1) for child in started))


@pytest.mark.parametrize("port", ["-1", "70000", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = subprocess.run([sys.executable, "-m", "wavetank", "lab", "--port", port], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("by", ["user", "variable"])
def test_the_labs_own_kernel_wins_over_one_of_the_same_name(tmp_path: Path, by: str) -> None:
    other = tmp_path / "jupyter data"
    (other / "kernels" / "python3").mkdir(parents=True)
    spec = {"argv": ["/usr/bin/python3", "-m", "ipykernel_launcher"], "display_name": "another", "language": "python"}
    (other / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    way = {"JUPYTER_DATA_DIR": str(other)} if by == "user" else {"JUPYTER_PATH": str(other)}
    with wavetank_lab(tmp_path, JUPYTER_PREFER_ENV_PATH="0", **way) as process:
        known = ask(its_url(process), "/api/kernelspecs")["kernelspecs"]
    assert known["python3"]["spec"]["display_name"] == "Python 3 (ipykernel)"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a checkout to somebody else")
def test_in_somebody_elses_checkout_a_learner_has_notebooks_of_their_own(tmp_path: Path) -> None:
    checkout = tmp_path / "their checkout"
    for part in ("clusters", "docs", "labs", "lib", "solutions"):
        shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("exercises", "__pycache__"))
    os.chown(checkout / "labs", 54321, 54321)
    own = tmp_path / "own data"
    with wavetank_lab(tmp_path, PYTHONPATH=str(checkout / "lib"), XDG_DATA_HOME=str(own)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.strip().endswith(f"your notebooks and files are in {own}/wavetank/labs")
        url = its_url(process)
        assert ask(url, "/api/contents/labs/00-start/lab.ipynb")["writable"]
        assert ask(url, "/api/contents/labs/tidewater/README.md")["content"]
        assert ask(url, "/api/contents/docs/what-is-real.md")["content"]
        assert ask(url, "/lab/api/settings")["settings"]
    assert not list(checkout.rglob("exercises"))
    assert not (checkout / "labs/.jupyter/lab").exists()
