"""The operator's process: ``python -m wavetank operator``."""

from __future__ import annotations

import logging
import os
import time
import warnings

import kopf

from wavetank.kube import Kube
from wavetank.operator import admission, handlers

__all__ = ["main"]

HEALTH = "http://0.0.0.0:8080/healthz"
_API_SERVER_WITHIN = 30.0
"""Seconds: after a restart of everything the operator may be there before the API server is."""


def main() -> None:
    """Run until SIGTERM, for all namespaces, in the cluster it runs in or the one ``$KUBECONFIG`` names.

    Outside a cluster nobody could reach the webhook or the health endpoint, so neither is served. Raises `InputError`
    when there is no cluster, `ClusterError` when it is not Wavetank's.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # it would tell where the webhook is asked
    warnings.filterwarnings("ignore", category=ResourceWarning, module="kopf")
    kube, registry = Kube.connect(), kopf.OperatorRegistry()
    _await_api_server(kube)
    kube.require_mark()
    handlers.register(registry, kube)
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    if in_cluster:
        admission.register(registry, kube)
    kopf.run(registry=registry, clusterwide=True, standalone=True, liveness_endpoint=HEALTH if in_cluster else None)


def _await_api_server(kube: Kube) -> None:
    deadline = time.monotonic() + _API_SERVER_WITHIN
    while not kube.alive() and time.monotonic() < deadline:
        time.sleep(1)
