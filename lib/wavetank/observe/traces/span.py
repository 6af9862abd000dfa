"""A span: what one side noted of one request, and what the tags mean that Envoy and Istio put on it.

A request from one service to another is noted twice, by the proxy of the caller (CLIENT: from sending the request to
having the answer) and by the proxy of the called (SERVER: from receiving it to having answered). Which tags there are
is Envoy's to say (source/common/tracing/http_tracer_impl.cc), what a service and a destination are called Istio's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["CLIENT", "SERVER", "Span"]

CLIENT, SERVER = "CLIENT", "SERVER"


@dataclass(frozen=True, slots=True)
class Span:
    """One span.

    ``began`` is in microseconds since the epoch, ``duration`` in microseconds. ``parent_id`` is empty for the first
    span of a trace. ``service`` is whose proxy noted it, in Istio ``payment.tidewater``. ``shared``: the other side's
    span has the same ``id``. ``remote`` is the service at the other end, where the tracer says so; Envoy does not.
    """

    trace_id: str
    id: str
    began: int
    duration: int
    parent_id: str = ""
    kind: str = ""
    shared: bool = False
    name: str = ""
    service: str = ""
    remote: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """When it was over, in microseconds since the epoch."""
        return self.began + self.duration

    @property
    def app(self) -> str:
        """The service without its namespace."""
        return self.service.partition(".")[0] or "unknown"

    @property
    def pod(self) -> str:
        """The pod whose proxy noted it; empty when the proxy did not say."""
        parts = self.tags.get("node_id", "").split("~")  # kind~address~pod.namespace~domain
        return parts[2].rpartition(".")[0] if len(parts) == 4 else ""

    @property
    def called(self) -> str:
        """The service that a CLIENT span called, with the subset if it was sent to one: ``payment``, ``payment v2``."""
        if self.kind != CLIENT:
            return ""
        cluster = self.tags.get("upstream_cluster", "").split("|")  # direction|port|subset|host
        if len(cluster) == 4 and cluster[3].strip(";"):
            return f"{_service_at(cluster[3].strip(';'))} {cluster[2]}".rstrip()
        named = self.name.partition(":")[0]  # payment.tidewater.svc.cluster.local:80/*
        return _service_at(self.remote or _host(self.tags.get("http.url", "")) or named)

    @property
    def asked(self) -> str:
        """What was asked for, such as ``GET /api/sailings``; the span's name when it was no HTTP."""
        method, url = self.tags.get("http.method", ""), self.tags.get("http.url", "")
        return f"{method} {_path(url)}".strip() or self.name

    @property
    def status(self) -> int | None:
        """The HTTP status; None when there was no answer."""
        told = self.tags.get("http.status_code", "")
        return int(told) if told.isascii() and told.isdecimal() and told.strip("0") else None

    @property
    def flags(self) -> tuple[str, ...]:
        """Envoy's response flags; see `wavetank.observe.traces.flags`."""
        return tuple(flag for flag in self.tags.get("response_flags", "").split(",") if flag not in ("", "-"))

    @property
    def failed(self) -> bool:
        """Whether there was no answer, or one that says the server is to blame."""
        return self.tags.get("error") == "true" or (self.status or 0) >= 500


def _service_at(host: str) -> str:
    """Return the name of a Service of the cluster without its namespace; any other host as it is."""
    return host.partition(".")[0] if ".svc" in host else host


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # whatever a client has sent as its host is in there
        return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return url
