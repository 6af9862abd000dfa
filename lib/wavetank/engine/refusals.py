"""What an engine, or a program that talks to one, refuses: said in the project's own errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import docker
import requests

from wavetank.errors import ClusterError, EngineError, WavetankError

__all__ = ["refusal", "telling"]


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
            f"the engine went away while {doing}",
            observed=str(error),
            command="docker info",
            hint="start the engine and run the same command again: it continues where it stopped",
        ) from error


_NO_SUBNET = (
    "could not find an available, non-overlapping ipv4 address pool",
    "all predefined address pools have been fully subnetted",
    "could not find free subnet",
)
"""What Docker, its later versions and Podman say when every range that they give to networks is in use."""

_GONE = ("cannot connect to the docker daemon", "cannot connect to podman", "error during connect")
"""What the docker and the podman command say when nobody answers."""


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
    if any(words in low for words in _NO_SUBNET):
        return EngineError(
            f"the engine has no range of addresses left for one more network: {doing} failed",
            observed=said,
            logs=tuple(logs),
            command="docker network ls",
            hint="`docker network prune` removes the networks that no container uses; then run the same command again",
        )
    if any(words in low for words in _GONE):
        return EngineError(
            f"the engine went away while {doing}",
            observed=said,
            logs=tuple(logs),
            command="docker info",
            hint="start the engine and run the same command again: it continues where it stopped",
        )
    return ClusterError(
        f"{doing} failed", observed=said, logs=tuple(logs), command="wavetank doctor", hint="run the same command again"
    )
