"""HTTP to a Service or a Pod through the API server: no port is opened anywhere, whatever the cluster's network is.

A Service is asked as a client would: the API server sends the request on to one of its pods, over the cluster's
network. A pod is asked from within, through a port-forward, and so is the application in it, whatever a mesh or a
network policy lets in from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import parse_qsl, quote

from wavetank.document import read_json
from wavetank.errors import KubeError, UnreachableError
from wavetank.kube.client import Client
from wavetank.kube.connection import ONCE
from wavetank.kube.forward import ForwardedPort
from wavetank.kube.refusals import hangs

__all__ = ["HttpAnswer", "request"]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the application answered. The keys of ``headers`` are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body read as JSON. Raises `ValueError` for anything else."""
        return read_json(self.body)


def request(
    client: Client,
    target: str,
    path: str,
    namespace: str,
    *,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
) -> HttpAnswer:
    """Send one request to ``service:NAME:PORT`` or ``pod:NAME:PORT`` and return the answer, whatever its status.

    A pod's port is a number, a service's may be a name. Raises `NotFoundError` when there is no such target and
    `KubeError` when there is no answer to get (no endpoints, or nobody at that port: 503; nothing within ``timeout``
    seconds: 504).
    """
    kind, _, rest = target.partition(":")
    name, _, port = rest.rpartition(":")
    if not name or not (port.isdecimal() if kind == "pod" else port and kind == "service"):
        raise ValueError(f"target {target!r} is neither service:NAME:PORT nor pod:NAME:PORT (a number)")
    asked = _Request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
    try:
        if kind == "pod":
            with ForwardedPort(client, name, namespace, int(port), timeout) as inside:
                return _ask_inside(inside, asked)
        return _ask_service(client, f"{name}:{port}", namespace, asked, timeout)
    except TimeoutError as error:
        raise KubeError(f"{target} gave no answer to {method} {path} within {timeout:g} s", status=504) from error
    except HTTPException as error:
        raise KubeError(
            f"{target} broke off its answer to {method} {path}", status=502, observed=repr(error)
        ) from error


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str]


def _ask_inside(inside: ForwardedPort, asked: _Request) -> HttpAnswer:
    sender: Any = HTTPConnection("localhost")
    sender.sock = inside
    sender.request(asked.method, quote(asked.path, safe="/:@%?=&+,;"), asked.body, dict(asked.headers))
    response = HTTPResponse(inside, method=asked.method)  # type: ignore[arg-type]
    response.begin()
    return _answer(response.status, dict(response.headers), response.read())


def _ask_service(client: Client, service: str, namespace: str, asked: _Request, timeout: float) -> HttpAnswer:
    route, _, query = asked.path.lstrip("/").partition("?")
    try:
        response = client.connection.exchange(
            asked.method,
            f"/api/v1/namespaces/{namespace}/services/{service}/proxy/{route}",
            query=parse_qsl(query, keep_blank_values=True),
            body=asked.body,
            headers=asked.headers,
            timeout=timeout,
            retries=ONCE,
        )
    except UnreachableError as error:
        if hangs(error):
            raise TimeoutError from error
        raise
    answer = _answer(response.status, dict(response.headers), response.data)
    if _is_from_the_api_server(answer):
        raise client.connection.refused(answer.status, answer.body)
    return answer


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
    return HttpAnswer(status, {name.lower(): value for name, value in headers.items()}, body)


def _is_from_the_api_server(answer: HttpAnswer) -> bool:
    """Tell the API server's own refusal from an answer of the application that it passed on."""
    if answer.status < 400 or not answer.headers.get("content-type", "").startswith("application/json"):
        return False
    try:
        told = answer.json()
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("kind") == "Status" and told.get("apiVersion") == "v1"
