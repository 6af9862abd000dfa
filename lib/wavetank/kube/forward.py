"""A port inside a pod: what is sent to it through the API server comes out at the pod's own loopback.

The node connects to the port from within the pod's network. What stands between pods does not stand in between here: no
mesh that takes nothing but mutual TLS, no network policy. So this always reaches the application.

One WebSocket carries one connection, on two channels: data, and what went wrong with it; each begins with the port.
Source: k8s.io/cri-streaming, pkg/streaming/portforward/websocket.go.
"""

from __future__ import annotations

import io
from contextlib import suppress

from wavetank.errors import KubeError, UnreachableError
from wavetank.kube.channels import Channels
from wavetank.kube.client import Client

__all__ = ["ForwardedPort"]

DATA, ERROR = 0, 1


class ForwardedPort(io.RawIOBase):
    """One connection to ``port`` in a pod: as much of a socket as `http.client` needs of one. Close it after use.

    All of it has to happen within ``timeout`` seconds, or it raises `TimeoutError`. Raises `KubeError` when the API
    server refuses, and with status 503 when nobody takes the connection inside the pod; `UnreachableError` when there
    is no API server.
    """

    def __init__(self, client: Client, pod: str, namespace: str, port: int, timeout: float) -> None:
        self._name = f"port {port} of the pod {pod}"
        path = client.path("Pod", pod, namespace, "portforward")
        self._channels = Channels(client.connection, path, {"ports": port}, timeout)
        self._greeted: set[int] = set()
        self._unread = b""

    def sendall(self, data: bytes) -> None:
        """Send ``data`` to whoever listens in the pod; that nobody does is told to whoever reads."""
        with suppress(UnreachableError):
            self._channels.send(DATA, data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what comes back, to be read."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` with what has come and return how much that is; 0 once the other side has closed."""
        self._unread = self._unread or self._receive()
        given = self._unread[: len(buffer)]
        buffer[: len(given)] = given
        self._unread = self._unread[len(given) :]
        return len(given)

    def close(self) -> None:
        """Hang up."""
        self._channels.close()
        super().close()

    def _receive(self) -> bytes:
        while received := self._channels.receive():
            channel, data = received
            if channel not in self._greeted:  # its first message is the port
                self._greeted.add(channel)
            elif channel == ERROR:
                raise KubeError(f"no connection to {self._name}", status=503, observed=data.decode(errors="replace"))
            elif data:
                return data
        return b""
