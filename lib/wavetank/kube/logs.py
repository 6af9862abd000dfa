"""What containers have written, and are writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from wavetank.kube.client import Client

__all__ = ["follow_logs", "logs"]


def logs(
    client: Client,
    pod: str,
    namespace: str,
    container: str | None = None,
    tail: int | None = None,
    previous: bool = False,
) -> str:
    """Return the log of a container (of the pod's first or default one), or its last ``tail`` lines.

    ``previous`` asks for the run before its last restart.
    """
    query = {"container": container, "tailLines": tail, "previous": previous or None}
    return client.connection.text(client.path("Pod", pod, namespace, "log"), query=query)


def follow_logs(
    client: Client,
    pod: str,
    namespace: str,
    container: str | None = None,
    stop: threading.Event | None = None,
    *,
    silence: float | None = None,
) -> Iterator[str]:
    """Yield the log from its beginning, line by line as it grows, until the container ends or ``stop`` is set.

    ``silence`` is the longest pause in seconds of a container that is known to speak more often. Raises
    `UnreachableError` when the stream breaks or is silent for longer: following again starts from the beginning.
    """
    query = {"container": container, "follow": True}
    path = client.path("Pod", pod, namespace, "log")
    for line in client.connection.lines(path, query=query, timeout=silence, stop=stop):
        yield line.decode(errors="replace")
