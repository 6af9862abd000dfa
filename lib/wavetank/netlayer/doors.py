"""The two doors of Istio's gateway that Knative's hosts are reached through: one from outside, one from within.

Both are ports of the same pods. ``clusters/manifests/knative-gateways.yaml`` and Istio's own manifest make them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOCAL", "NAMESPACE", "PUBLIC", "SELECTOR", "Door"]

NAMESPACE = "istio-system"
SELECTOR = {"istio": "ingressgateway"}
"""The labels of the gateway's pods."""


@dataclass(frozen=True, slots=True)
class Door:
    """A Gateway for HTTP, and the Service by which its pods are reached; ``http``, ``https`` name ports of that."""

    gateway: str
    service: str
    http: str = "http2"
    https: str = "https"

    @property
    def domain(self) -> str:
        """The name of the Service within the cluster."""
        return f"{self.service}.{NAMESPACE}.svc.cluster.local"


PUBLIC = Door(f"{NAMESPACE}/knative-ingress-gateway", "istio-ingressgateway")
LOCAL = Door(f"{NAMESPACE}/knative-local-gateway", "knative-local-gateway")
