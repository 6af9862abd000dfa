"""The Docker Engine: reaching it, and saying in words what it refuses."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

import docker
import requests
from docker.context import ContextAPI
from docker.models.containers import Container
from docker.utils.socket import frames_iter

from wavetank.errors import ClusterError, EngineError, WavetankError

__all__ = ["connect", "engine_host", "feed", "read_file", "refusal", "run_in", "telling"]

DEFAULT_HOST = "unix:///var/run/docker.sock"
ANSWER_SECONDS = 10
"""How long an engine may take to say hello."""
WORK_SECONDS = 600
"""How long it may be silent while it works, as when it unpacks a large image."""


def engine_host() -> str:
    """Return the engine's address: $DOCKER_HOST, else that of the docker command's current context."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return (context.Host if context else None) or DEFAULT_HOST


def connect(host: str | None = None) -> docker.DockerClient:
    """Return a client of the engine at ``host`` (`engine_host` by default) that has just answered.

    Raises `EngineError` when there is none, when it may not be used, or when it does not answer in 10 s.
    """
    host = host or engine_host()
    try:
        # The version is asked for at once: a client that exists is one whose engine has answered.
        client = docker.DockerClient(base_url=host, version="auto", timeout=ANSWER_SECONDS)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise _unreachable(host, error) from error
    client.api.timeout = WORK_SECONDS
    return client


def _unreachable(host: str, error: Exception) -> EngineError:
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        return EngineError(
            f"the Docker Engine at {host} may not be used by this user",
            observed="permission denied",
            expected="a user in the group docker, or root",
            command="sudo usermod -aG docker $USER",
            hint="log out and in again after that, then `wavetank doctor`",
        )
    return EngineError(
        f"no Docker Engine answers at {host}",
        observed=text,
        expected="a running Docker Engine, 20.10 or newer",
        command="docker info",
        hint="start it (`sudo systemctl start docker`, or Docker Desktop), then `wavetank doctor`",
    )


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Turn what the engine throws while ``doing`` something into the project's own errors."""
    try:
        yield
    except WavetankError:
        raise
    except docker.errors.APIError as error:
        raise refusal(doing, str(error.explanation or error)) from error
    except (docker.errors.DockerException, requests.RequestException, ConnectionError, TimeoutError) as error:
        raise EngineError(
            f"the Docker Engine went away while {doing}",
            observed=str(error),
            command="docker info",
            hint="start the engine and run the same command again: it continues where it stopped",
        ) from error


def refusal(doing: str, said: str, logs: Sequence[str] = ()) -> WavetankError:
    """Return the error for what the engine, or a program talking to it, ``said`` while ``doing`` something."""
    low = said.lower()
    if "no space left on device" in low:
        return EngineError(
            f"the disk is full: {doing} failed",
            observed=said,
            logs=tuple(logs),
            command="docker system df",
            hint="`docker system prune` frees what no container uses; then run the same command again",
        )
    if "port is already allocated" in low or "address already in use" in low:
        return ClusterError(
            f"a port is taken: {doing} failed",
            observed=said,
            logs=tuple(logs),
            command="ss -ltnp",
            hint="end what listens there, or change `ports` in the cluster's file",
        )
    if "cannot connect to the docker daemon" in low or "error during connect" in low:
        return EngineError(
            f"the Docker Engine went away while {doing}",
            observed=said,
            logs=tuple(logs),
            command="docker info",
            hint="start the engine and run the same command again: it continues where it stopped",
        )
    return ClusterError(
        f"{doing} failed", observed=said, logs=tuple(logs), command="wavetank doctor", hint="run the same command again"
    )


def run_in(container: Container, command: Sequence[str]) -> str:
    """Run ``command`` in a container and return what it printed; raises `ClusterError` with its last words."""
    with telling(f"running a command in {container.name}"):
        ended: Any = container.exec_run(list(command))
    return _printed(container, command, ended.exit_code, ended.output.decode(errors="replace"))


def read_file(container: Container, path: str) -> str:
    """Return the text of a file in a container; raises `ClusterError` when it is not there.

    The engine hands it out as an archive. What ``cat`` prints is not the same: an engine with much to do at that moment
    may lose the output of a command that ends at once.
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
        command=f"docker exec {container.name} {' '.join(command)[:200]}",
        hint="`wavetank up` again; if it stays so, `wavetank down` first",
    )
