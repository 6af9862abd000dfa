"""Run a command in a container, over the WebSocket protocol of the official client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import yaml

from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube.client import Client
from wavetank.kube.connection import refusal

__all__ = ["ExecResult", "exec_in_pod"]

STATUS_CHANNEL = 3


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


def exec_in_pod(
    client: Client, pod: str, namespace: str, command: list[str], *, container: str | None = None, timeout: float = 30.0
) -> ExecResult:
    """Run ``command`` (no shell) without input and return how it ended.

    Raises `KubeError` when it cannot be started, `WaitTimeoutError` when it has not ended after ``timeout`` seconds;
    the command itself then goes on.
    """
    from kubernetes.stream.ws_client import WSClient
    from websocket import WebSocketBadStatusException, WebSocketException

    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    if container:
        query.append(("container", container))
    connection = client.connection
    url = connection.url(client.path("Pod", pod, namespace, "exec"), query).replace("http", "ws", 1)
    try:
        socket = WSClient(connection.configuration, url, connection.credentials(), capture_all=False)
    except WebSocketBadStatusException as error:
        raise refusal(error.status_code, error.resp_body or b"") from error
    except (OSError, WebSocketException) as error:
        raise connection.unreachable(error) from error
    try:
        return _run(socket, command, timeout)
    except (OSError, WebSocketException) as error:
        raise connection.unreachable(error) from error
    finally:
        socket.close()


def _run(socket: Any, command: list[str], timeout: float) -> ExecResult:
    end = time.monotonic() + timeout
    stdout = stderr = ""
    while socket.is_open():
        socket.update(timeout=max(end - time.monotonic(), 0))
        stdout += socket.read_stdout(timeout=0)
        stderr += socket.read_stderr(timeout=0)
        if socket.is_open() and time.monotonic() >= end:
            raise WaitTimeoutError(
                f"waited {timeout:g} s for {' '.join(command)} to end",
                observed="it still runs",
                logs=(stdout + stderr).splitlines()[-10:],
            )
    return ExecResult(_exit_code(socket.read_channel(STATUS_CHANNEL)), stdout, stderr)


def _exit_code(told: str) -> int:
    """Return the exit code out of the Status that ends the stream."""
    status = yaml.safe_load(told) or {}
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise KubeError(status.get("message") or "the command ended without saying how", status=status.get("code", 0))
