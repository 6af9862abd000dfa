"""The proxy that Istio puts into pods: whether it is there, how it is, and whether a pod asked not to get one.

Since Kubernetes 1.29 it is an init container that goes on beside the others; in gateways it is the only container.
"""

from __future__ import annotations

from wavetank.kube.connection import Obj

__all__ = ["SIDECAR", "has_sidecar", "is_running", "sidecar_status", "stays_out"]

SIDECAR = "istio-proxy"
_INJECT = "sidecar.istio.io/inject"


def has_sidecar(pod: Obj) -> bool:
    """Tell whether the proxy is among the pod's containers."""
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    return any(container["name"] == SIDECAR for container in containers)


def sidecar_status(pod: Obj) -> Obj:
    """Return the status of the proxy's container; empty while there is none."""
    status = pod.get("status") or {}
    containers = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    return next((container for container in containers if container["name"] == SIDECAR), {})


def is_running(status: Obj) -> bool:
    """Tell whether a container with this status runs."""
    return "running" in (status.get("state") or {})


def stays_out(pod: Obj) -> bool:
    """Tell whether a pod has asked not to get a proxy, by its label or, as of old, by its annotation."""
    metadata = pod["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return (labels.get(_INJECT) or annotations.get(_INJECT)) == "false"
