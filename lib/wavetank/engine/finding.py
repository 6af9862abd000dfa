"""Where the engine answers."""

from __future__ import annotations

import os

from docker.context import ContextAPI

__all__ = ["engine_host"]

DEFAULT_HOST = "unix:///var/run/docker.sock"


def engine_host() -> str:
    """Return the engine's address: $DOCKER_HOST, else that of the docker command's current context."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return (context.Host if context else None) or DEFAULT_HOST
