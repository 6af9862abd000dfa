"""Starts the services of Tidewater Ferries as processes on free loopback ports, and talks to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

TIDEWATER = Path(__file__).parents[2] / "labs" / "tidewater"

JSON = {"Content-Type": "application/json"}


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Running:
    """One service of the application, running."""

    process: subprocess.Popen[str]
    first: dict[str, Any]
    """The log line that says it serves."""
    logs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.first["port"])

    @property
    def faults_port(self) -> int:
        return int(self.first["faults"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout: float = 5) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        with closing(self.connect()) as connection:
            return ask(connection, method, path, body, headers)

    def switch(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = JSON) -> Reply:
        """Ask the fault switch, as the operator does."""
        with closing(HTTPConnection("127.0.0.1", self.faults_port, timeout=5)) as connection:
            return ask(connection, method, path, body, headers)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


def ask(
    connection: HTTPConnection, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Reply:
    content = body if body is None or isinstance(body, str) else json.dumps(body)
    connection.request(method, path, content, dict(headers or {}))
    reply = connection.getresponse()
    return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode())


@contextmanager
def running(service: str, **env: str) -> Iterator[Running]:
    """Run one service until the block ends; its log lines are collected as they come."""
    process = subprocess.Popen(
        [sys.executable, str(TIDEWATER / service / "main.py")],
        env={
            **os.environ,
            "PYTHONPATH": str(TIDEWATER),
            "PORT": "0",
            "FAULTS_PORT": "0",
            "DRAIN_SECONDS": "0.3",
            **env,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        started = Running(process, json.loads(process.stdout.readline()))
        reader = threading.Thread(target=_collect, args=(started,), daemon=True)
        reader.start()
        yield started
    finally:
        process.kill()
        process.wait()


def _collect(started: Running) -> None:
    assert started.process.stdout is not None
    for line in started.process.stdout:
        started.logs.append(json.loads(line))
