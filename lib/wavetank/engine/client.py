"""Reaching the engine: a client that exists is one whose engine has answered."""

from __future__ import annotations

import docker
import requests

from wavetank.engine.finding import engine_host
from wavetank.errors import EngineError

__all__ = ["WORK_SECONDS", "connect"]

ANSWER_SECONDS = 10
"""How long an engine may take to say hello."""
WORK_SECONDS = 600
"""How long it may be silent while it works, as when it unpacks a large image."""


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
