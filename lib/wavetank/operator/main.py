"""The operator's process: ``python -m wavetank operator``."""

from __future__ import annotations

import logging
import os
import warnings

import kopf

from wavetank.kube import Kube
from wavetank.operator import admission, handlers

__all__ = ["build", "main"]

HEALTH = "http://0.0.0.0:8080/healthz"


def build(kube: Kube, *, in_cluster: bool) -> kopf.OperatorRegistry:
    """Return everything the operator does over ``kube``; ``in_cluster`` tells whether the API server can reach it."""
    registry = kopf.OperatorRegistry()
    handlers.register(registry, kube)
    admission.register(registry, kube, serve=in_cluster)
    return registry


def main() -> None:
    """Run until SIGTERM, for all namespaces, in the cluster it runs in or the one ``$KUBECONFIG`` names.

    Raises `InputError` when there is neither.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=ResourceWarning, module="kopf")
    registry = build(Kube.connect(), in_cluster="KUBERNETES_SERVICE_HOST" in os.environ)
    kopf.run(registry=registry, clusterwide=True, standalone=True, liveness_endpoint=HEALTH)
