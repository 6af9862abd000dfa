"""`wavetank lab` as a learner meets it: a real JupyterLab, its URL, a taken port, Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.proxied import ENVIRONMENTS, surround
from tests.support.waiting import eventually

from wavetank.cli.lab import _environment


@contextmanager
def wavetank_lab(home: Path, port: int, proxies: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PYTHONUNBUFFERED": "1", **(proxies or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "wavetank", "lab", "--no-browser", "--port", str(port)],
        env={**os.environ, **own},
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
    with wavetank_lab(tmp_path, port=0, proxies=proxies) as process:
        assert process.stdout is not None
        url = next(found[0] for line in process.stdout if (found := re.findall(r"http://127\.0\.0\.1:\S+", line)))
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status == 200
            assert b"Wavetank" in answer.read()
        process.send_signal(sent)
        assert process.wait(timeout=20) == code
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) != 0


def test_killed_it_takes_jupyterlab_with_it_so_that_the_port_is_free_again(tmp_path: Path) -> None:
    with wavetank_lab(tmp_path, port=0) as process:
        assert process.stdout is not None
        url = next(found[0] for line in process.stdout if (found := re.findall(r"http://127\.0\.0\.1:\S+", line)))
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
        assert _environment("wavetank", "token")[name] == "*.example.com,localhost,127.0.0.1,::1"


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


@pytest.mark.parametrize("port", ["-1", "70000", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = subprocess.run([sys.executable, "-m", "wavetank", "lab", "--port", port], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--port" in done.stderr
