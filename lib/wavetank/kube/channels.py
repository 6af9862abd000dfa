"""Several streams over one WebSocket: what a container's processes and ports are spoken to through.

The protocol is Kubernetes' ``v4.channel.k8s.io``: every message begins with one byte that says which stream the rest of
it belongs to. Source: k8s.io/streaming, pkg/httpstream/wsstream.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote

from wavetank.kube.connection import Connection, Query
from wavetank.kube.mark import ANSWER_WITHIN

if TYPE_CHECKING:
    from websocket import WebSocket

    from wavetank.proxies import Proxy

__all__ = ["Channels"]

PROTOCOL = "v4.channel.k8s.io"

_T = TypeVar("_T")


class Channels:
    """An open WebSocket to a subresource of a pod; a context manager that hangs up.

    All of it, from connecting to the last word, has to happen within ``timeout`` seconds. What does not raises
    `TimeoutError`: the API server is there, and waits itself for the node or the pod. A server that is not there, or
    goes away, raises `UnreachableError`; one that refuses, `KubeError` with its words. What goes into a pod may change
    anything there, so a cluster that is not Wavetank's raises `ClusterError`, and nothing is opened.
    """

    def __init__(self, connection: Connection, path: str, query: Query, timeout: float) -> None:
        from websocket import WebSocketBadStatusException, WebSocketException, WebSocketTimeoutException

        self._connection, self._end = connection, time.monotonic() + timeout
        connection.require_mark(min(timeout, ANSWER_WITHIN))
        url, used = connection.url(path, query).replace("http", "ws", 1), connection.configuration
        try:
            try:
                self._socket = _open(connection, url, timeout)
            except WebSocketBadStatusException as error:
                if error.status_code != HTTPStatus.UNAUTHORIZED or not connection.log_in_again(used):
                    raise
                self._socket = _open(connection, url, timeout)
        except WebSocketBadStatusException as error:
            raise connection.refused(error.status_code, error.resp_body or b"") from error
        except WebSocketTimeoutException as error:
            raise TimeoutError from error
        except (OSError, WebSocketException) as error:
            raise connection.unreachable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, channel: int, data: bytes) -> None:
        """Send ``data`` on ``channel``."""
        self._within_time(lambda: self._socket.send_binary(bytes([channel]) + data))

    def receive(self) -> tuple[int, bytes] | None:
        """Return the next channel that something has come on, and what; None once the server has ended."""
        from websocket import ABNF

        while True:
            code, message = self._within_time(self._socket.recv_data)
            if code == ABNF.OPCODE_CLOSE:
                return None
            if message:
                return message[0], message[1:]

    def close(self) -> None:
        """Hang up at once: nobody is left who would wait for the server's farewell."""
        self._socket.shutdown()

    def _within_time(self, do: Callable[[], _T]) -> _T:
        from websocket import WebSocketException, WebSocketTimeoutException

        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            return do()
        except WebSocketTimeoutException as error:
            raise TimeoutError from error
        except (OSError, WebSocketException) as error:
            raise self._connection.unreachable(error) from error


def _open(connection: Connection, url: str, timeout: float) -> WebSocket:
    """Return a socket that the server has taken; what goes wrong is raised as the library raises it."""
    headers = [f"{name}: {value}" for name, value in connection.credentials().items()]
    opened = _socket(connection.configuration)
    way = _way(connection.proxy)
    opened.connect(url, timeout=timeout, header=headers, subprotocols=[PROTOCOL], **way)
    return opened


def _socket(configuration: Any) -> WebSocket:
    """Return a socket, not connected yet, that trusts and identifies itself as the kubeconfig says."""
    from websocket import WebSocket

    trust: dict[str, Any] = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.verify_ssl:
        trust = {"cert_reqs": ssl.CERT_REQUIRED, "check_hostname": configuration.assert_hostname is not False}
    given = {
        "ca_certs": configuration.ssl_ca_cert,
        "certfile": configuration.cert_file,
        "keyfile": configuration.key_file,
        "server_hostname": configuration.tls_server_name,
    }
    return WebSocket(sslopt={**trust, **{name: value for name, value in given.items() if value}})


def _way(proxy: Proxy | None) -> dict[str, Any]:
    """Return what tells the library to go by ``proxy``, or by none: left alone it asks the environment."""
    if proxy is None:
        return {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}
    parts = proxy.parts
    named = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port or 80,
        "http_proxy_auth": named,
        "http_no_proxy": ["none"],  # not empty: it would ask the environment then
    }
