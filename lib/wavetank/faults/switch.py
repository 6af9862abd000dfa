"""Faults inside the application: what to say to a service's fault switch, and to which pods.

Each service answers ``/faults`` on its pod's own loopback, at a port of its own (labs/tidewater/shared): whoever may
open a port-forward into the pod reaches it, and nobody else. Every order carries its own end, so the application is
well again on time whatever becomes of those who asked. Pure functions: the operator does the asking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from wavetank.faults.resource import Fault
from wavetank.kube import Obj

__all__ = ["PORT", "SWITCHED", "label_selector", "order", "restarts", "running", "switch_target"]

PORT = 8079
"""Where the application's fault switch listens in its pod; no Service names it."""

SWITCHED: Mapping[str, str] = {
    "container-crash": "crash",
    "cpu-burn": "cpu-burn",
    "memory-leak": "memory-leak",
    "latency": "latency",
    "errors": "errors",
    "unready": "unready",
}
"""Which kinds of fault the application switches on itself, and what it calls them."""

_TARGETING = frozenset({"pods"})
_HUMP = re.compile(r"[A-Z]")


def order(fault: Fault, fault_id: str, seconds: float) -> dict[str, Any]:
    """Return the body that switches ``fault`` on for ``seconds``; the same id again replaces it."""
    parameters = {
        _HUMP.sub(lambda hump: "_" + hump[0].lower(), name): value
        for name, value in fault.settings.items()
        if name not in _TARGETING
    }
    return {"id": fault_id, "kind": SWITCHED[fault.kind], "seconds": round(seconds, 1), **parameters}


def switch_target(pod: Obj) -> str:
    """Return where the pod's fault switch is, as `Kube.request` names it."""
    return f"pod:{pod['metadata']['name']}:{PORT}"


def running(pods: Iterable[Obj]) -> list[Obj]:
    """Return the pods that have a process to talk to, by name."""
    found = [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def restarts(pod: Obj, container: str = "") -> int:
    """Return how often ``container`` has been started again; without a name, all of the pod's together."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return sum(status.get("restartCount", 0) for status in statuses if container in ("", status.get("name")))


def label_selector(labels: Mapping[str, Any]) -> str:
    """Return the selector of a Service (plain labels) or of a Deployment as one query string."""
    if "matchLabels" not in labels and "matchExpressions" not in labels:
        return ",".join(f"{key}={value}" for key, value in labels.items())
    terms = [f"{key}={value}" for key, value in (labels.get("matchLabels") or {}).items()]
    for expression in labels.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(expression.get("values") or [])
        match expression["operator"]:
            case "In":
                terms.append(f"{key} in ({values})")
            case "NotIn":
                terms.append(f"{key} notin ({values})")
            case "Exists":
                terms.append(key)
            case "DoesNotExist":
                terms.append(f"!{key}")
    return ",".join(terms)
