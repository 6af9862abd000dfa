"""What is said about an Ingress in its status: three conditions, and where its traffic goes in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from wavetank.kube import Obj
from wavetank.netlayer.doors import LOCAL, PUBLIC

__all__ = ["Verdict", "is_ready", "make_status"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a condition; a ``reason`` in CamelCase and a ``message`` in words unless it is True."""

    status: Literal["True", "False", "Unknown"] = "True"
    reason: str = ""
    message: str = ""


def make_status(ingress: Obj, network: Verdict, balancer: Verdict, now: datetime) -> Obj:
    """Return the whole status of ``ingress`` at ``now``.

    ``network``: whether the objects for it are there. ``balancer``: whether the gateways answer for it. Ready is both.
    """
    before = ingress.get("status") or {}
    worst = next(
        (part for word in ("False", "Unknown") for part in (network, balancer) if part.status == word), network
    )
    verdicts = {"LoadBalancerReady": balancer, "NetworkConfigured": network, "Ready": worst}
    known = {condition["type"]: condition for condition in before.get("conditions") or ()}
    conditions = [_condition(type_, verdict, known.get(type_, {}), now) for type_, verdict in verdicts.items()]
    addresses = {"publicLoadBalancer": _address(PUBLIC.domain), "privateLoadBalancer": _address(LOCAL.domain)}
    return {
        **before,
        **(addresses if balancer.status == "True" else {}),
        "conditions": conditions,
        "observedGeneration": ingress["metadata"]["generation"],
    }


def is_ready(ingress: Obj) -> bool:
    """Tell whether ``ingress`` is said to be ready as it is now, not as it was before its last change."""
    status = ingress.get("status") or {}
    ready = any(
        (condition["type"], condition["status"]) == ("Ready", "True") for condition in status.get("conditions") or ()
    )
    return ready and status.get("observedGeneration") == ingress["metadata"]["generation"]


def _condition(type_: str, verdict: Verdict, before: Obj, now: datetime) -> Obj:
    since = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if before.get("status") == verdict.status:
        since = before.get("lastTransitionTime") or since
    told = {"reason": verdict.reason, "message": verdict.message}
    return {
        "type": type_,
        "status": verdict.status,
        **{name: text for name, text in told.items() if text},
        "lastTransitionTime": since,
    }


def _address(domain: str) -> Obj:
    return {"ingress": [{"domainInternal": domain}]}
