"""Run a command in a container: what it writes and how it ends come back on channels of their own."""

from __future__ import annotations

from dataclasses import dataclass

from wavetank.document import read_json
from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube.channels import Channels
from wavetank.kube.client import Client

__all__ = ["ExecResult", "exec_in_pod"]

STDOUT, STDERR, STATUS = 1, 2, 3
MOST_BYTES = 64 << 20
"""That a command may write: what goes on printing must not fill the memory of whoever has asked."""
_MOST_TOLD = 1000


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

    Raises `KubeError` when it cannot be started, or writes more than `MOST_BYTES`; `WaitTimeoutError` when it has not
    ended after ``timeout`` seconds. The command itself then goes on.
    """
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    if container:
        query.append(("container", container))
    told = {STDOUT: bytearray(), STDERR: bytearray(), STATUS: bytearray()}
    try:
        with Channels(client.connection, client.path("Pod", pod, namespace, "exec"), query, timeout) as channels:
            while received := channels.receive():
                channel, data = received
                told.setdefault(channel, bytearray()).extend(data)
                if sum(map(len, told.values())) > MOST_BYTES:
                    raise KubeError(
                        f"{command[0]} in the pod {pod} writes without end",
                        observed=f"more than {MOST_BYTES >> 20} MiB",
                    )
    except TimeoutError as error:
        raise WaitTimeoutError(
            f"waited {timeout:g} s for {' '.join(command)} to end",
            observed="it still runs",
            logs=(told[STDOUT] + told[STDERR]).decode(errors="replace").splitlines()[-10:],
        ) from error
    stdout, stderr = (told[channel].decode(errors="replace") for channel in (STDOUT, STDERR))
    return ExecResult(_exit_code(bytes(told[STATUS])), stdout, stderr)


def _exit_code(told: bytes) -> int:
    """Return the exit code out of the Status that ends the stream. Raises `KubeError` when there is none."""
    try:
        status = read_json(told or b"{}")
        if status.get("status") == "Success":
            return 0
        for cause in (status.get("details") or {}).get("causes") or []:
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
        message, code = status.get("message"), status.get("code")
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        said = told[-_MOST_TOLD:].decode(errors="replace")
        raise KubeError("how the command ended cannot be read", observed=said, expected="a Status") from error
    words = str(message)[:_MOST_TOLD] if message else "the command ended without saying how"
    raise KubeError(words, status=code if isinstance(code, int) else 0)
