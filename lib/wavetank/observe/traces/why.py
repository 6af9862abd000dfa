"""Why there is no trace of a service: the way of a span from request to collector, and where it ends. Pure.

A request is traced when a sidecar sees it, when a Telemetry resource (istio.io/docs, Telemetry API) asks for traces,
and when it is drawn; the first of these that does not hold is the reason, all that comes after it only follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.kube import Obj
from wavetank.kube.sidecar import has_sidecar
from wavetank.observe.traces.store import Stats

__all__ = ["MESH_NAMESPACE", "Why", "explain"]

_FLUSH_SECONDS = 5
"""How long Envoy keeps spans at most before it sends them (tracing.zipkin.flush_interval_ms)."""

MESH_NAMESPACE = "istio-system"
"""Where a Telemetry resource holds for the whole mesh."""

_MESH_SAMPLING = 1.0
"""Istio's own percentage, where nobody says another."""


@dataclass(frozen=True, slots=True)
class Why:
    """What was ``observed``, and the next thing to try."""

    observed: str
    hint: str

    def __str__(self) -> str:
        return f"{self.observed}\n  try: {self.hint}"


def explain(service: str, namespace: str, pods: Sequence[Obj], telemetries: Sequence[Obj], stats: Stats) -> Why:
    """Return why no trace of ``service`` is held.

    ``pods`` are those of the service, ``telemetries`` the Telemetry resources of its namespace and of the mesh's.
    """
    if not pods:
        return Why(f"no pod of {service} is there in {namespace}", "deploy it, and send it a request")
    if not any(map(has_sidecar, pods)):
        return Why(
            f"no pod of {service} has a sidecar, so no proxy sees its requests",
            f"kubectl label namespace {namespace} istio-injection=enabled, then make the pods anew: "
            f"kubectl -n {namespace} rollout restart deployment/{service}",
        )
    sampling = _sampling(telemetries, namespace, pods[0]["metadata"].get("labels", {}))
    if sampling is None:
        return Why(
            f"no Telemetry resource asks for traces of {service}",
            "apply one with tracing: its provider, and randomSamplingPercentage: 100",
        )
    if sampling == 0:
        return Why(
            f"the sampling for {service} is 0 %, so no request is traced",
            "set randomSamplingPercentage: 100 in the Telemetry resource",
        )
    drawn = "" if sampling >= 100 else f", of which {sampling:g} % are traced"
    if not stats.received:
        return Why(
            "no proxy has sent a single span yet",
            f"send {service} some requests{drawn}, and wait {_FLUSH_SECONDS} s; if none comes then either, "
            "look whether the provider in Istio's meshConfig names wavetank-traces.wavetank-system.svc.cluster.local",
        )
    return Why(
        f"no fitting trace of {service} is among what has arrived: {stats}",
        f"send it some requests{drawn}; proxies keep their spans for up to {_FLUSH_SECONDS} s",
    )


def _sampling(telemetries: Iterable[Obj], namespace: str, labels: dict[str, str]) -> float | None:
    """Return what percentage of the requests is traced; None when nobody asks for any.

    What is said for the pods wins over what is said for their namespace, and that over what is said for the mesh.
    """
    asking = list(_asking(telemetries, namespace, labels))
    if not asking:
        return None
    for tracing in asking:
        if tracing.get("disableSpanReporting"):
            return 0.0
        if (percentage := tracing.get("randomSamplingPercentage")) is not None:
            return float(percentage)
    return _MESH_SAMPLING


def _asking(telemetries: Iterable[Obj], namespace: str, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what Telemetry resources that hold for the pods say about tracing, the most particular first."""
    ranked: list[tuple[int, dict[str, Any]]] = []
    for telemetry in telemetries:
        wanted = telemetry["spec"].get("selector", {}).get("matchLabels", {})
        here = telemetry["metadata"]["namespace"] == namespace
        if (here and wanted.items() <= labels.items()) or (not here and not wanted):
            rank = 0 if wanted else 1 if here else 2
            ranked += [(rank, tracing) for tracing in telemetry["spec"].get("tracing", ())[:1]]
    yield from (tracing for _, tracing in sorted(ranked, key=lambda each: each[0]))
