"""HTTP to a Service or a Pod through the API server: no port is opened anywhere, whatever the cluster's network is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from wavetank.errors import KubeError, UnreachableError
from wavetank.kube.client import Client
from wavetank.kube.connection import ONCE, hangs, refusal

__all__ = ["HttpAnswer", "request"]

PLURALS = {"service": "services", "pod": "pods"}


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
        """Return the body read as JSON."""
        return json.loads(self.body)


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

    Raises `NotFoundError` when there is no such target and `KubeError` when the API server could not get an answer
    (no endpoints: 503; nothing within ``timeout`` seconds: 504).
    """
    kind, _, rest = target.partition(":")
    name, _, port = rest.rpartition(":")
    if kind not in PLURALS or not name or not port:
        raise ValueError(f"target {target!r} is neither service:NAME:PORT nor pod:NAME:PORT")
    route, _, query = path.lstrip("/").partition("?")
    where = f"/api/v1/namespaces/{namespace}/{PLURALS[kind]}/{name}:{port}/proxy/{route}"
    try:
        response = client.connection.exchange(
            method,
            where,
            query=parse_qsl(query, keep_blank_values=True),
            body=body.encode() if isinstance(body, str) else body,
            headers=headers,
            timeout=timeout,
            retries=ONCE,
        )
    except UnreachableError as error:
        if hangs(error):
            raise KubeError(f"{target} gave no answer to {method} {path} within {timeout:g} s", status=504) from error
        raise
    answer = HttpAnswer(response.status, {key.lower(): value for key, value in response.headers.items()}, response.data)
    if _is_from_the_api_server(answer):
        raise refusal(answer.status, answer.body)
    return answer


def _is_from_the_api_server(answer: HttpAnswer) -> bool:
    """Tell the API server's own refusal from an answer of the application that it passed on."""
    if answer.status < 400 or not answer.headers.get("content-type", "").startswith("application/json"):
        return False
    try:
        told = answer.json()
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("kind") == "Status" and told.get("apiVersion") == "v1"
