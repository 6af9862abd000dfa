"""Run a command in a container: what it writes and how it ends come back on channels of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass

from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube.channels import Channels
from wavetank.kube.client import Client

__all__ = ["ExecResult", "exec_in_pod"]

STDOUT, STDERR, STATUS = 1, 2, 3


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
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    if container:
        query.append(("container", container))
    told = {STDOUT: b"", STDERR: b"", STATUS: b""}
    try:
        with Channels(client.connection, client.path("Pod", pod, namespace, "exec"), query, timeout) as channels:
            while received := channels.receive():
                channel, data = received
                told[channel] += data
    except TimeoutError as error:
        raise WaitTimeoutError(
            f"waited {timeout:g} s for {' '.join(command)} to end",
            observed="it still runs",
            logs=(told[STDOUT] + told[STDERR]).decode(errors="replace").splitlines()[-10:],
        ) from error
    stdout, stderr = (told[channel].decode(errors="replace") for channel in (STDOUT, STDERR))
    return ExecResult(_exit_code(told[STATUS]), stdout, stderr)


def _exit_code(told: bytes) -> int:
    """Return the exit code out of the Status that ends the stream."""
    status = json.loads(told or b"{}")
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise KubeError(status.get("message") or "the command ended without saying how", status=status.get("code", 0))
