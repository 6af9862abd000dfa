"""What is done inside a running container: commands, files read, standard input fed."""

from __future__ import annotations

import io
import socket
import tarfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

import docker
from docker.models.containers import Container
from docker.utils.socket import frames_iter

from wavetank.engine.client import WORK_SECONDS
from wavetank.engine.refusals import refusal, telling
from wavetank.errors import ClusterError
from wavetank.pasted import pasted

__all__ = ["feed", "read_file", "run_in"]


def run_in(container: Container, command: Sequence[str]) -> str:
    """Run ``command`` in a container and return what it printed; raises `ClusterError` with its last words."""
    with telling(f"running a command in {container.name}"):
        ended: Any = container.exec_run(list(command))
    return _printed(container, command, ended.exit_code, ended.output.decode(errors="replace"))


def read_file(container: Container, path: str) -> str:
    """Return the text of a file in a container; raises `ClusterError` when it is not there.

    The engine hands it out as an archive, so that nothing needs to be run for it.
    """
    with telling(f"reading {path} in {container.name}"):
        parts, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:
        content = archive.extractfile(archive.getmembers()[0])
        return content.read().decode() if content else ""


def feed(container: Container, command: Sequence[str], write: Callable[[BinaryIO], None]) -> str:
    """Run ``command`` in a container with standard input from ``write``; return what it printed."""
    with telling(f"streaming into {container.name}"):
        api = cast(docker.DockerClient, container.client).api
        started = api.exec_create(str(container.id), list(command), stdin=True)
        stream: Any = api.exec_start(started["Id"], socket=True)
        connection: socket.socket = getattr(stream, "_sock", stream)  # the client wraps it, or not, by transport
        connection.settimeout(WORK_SECONDS)
        try:
            with suppress(BrokenPipeError), connection.makefile("wb") as sink:  # broken: it has ended, and says why
                write(sink)
            connection.shutdown(socket.SHUT_WR)  # the command sees the end of its input
            output = b"".join(part for _, part in frames_iter(stream, tty=False))  # type: ignore[no-untyped-call]
        finally:
            stream.close()
        code = api.exec_inspect(started["Id"])["ExitCode"]
    return _printed(container, command, code, output.decode(errors="replace"))


def _printed(container: Container, command: Sequence[str], code: int | None, output: str) -> str:
    if code == 0:
        return output
    lines = output.strip().splitlines()[-10:]
    doing = f"`{command[0]}` in {container.name}"
    if "no space left on device" in output.lower():
        raise refusal(doing, "no space left on device", lines)
    raise ClusterError(
        f"{doing} failed",
        observed=f"exit code {code}",
        expected="exit code 0",
        logs=lines,
        command=pasted("docker", "exec", container.name, *command),
        hint="`wavetank up` again; if it stays so, `wavetank down` first",
    )
