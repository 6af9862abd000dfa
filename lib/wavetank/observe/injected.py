"""Which call an injected fault belongs to.

Envoy's fault filter acts before a cluster is chosen, and counts aborts and delays for the whole proxy. Which call was
meant is said by the VirtualServices: where only one can be meant, the count is that edge's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from wavetank.kube import Obj
from wavetank.observe.roster import service_name

__all__ = ["Injection", "declared", "meant"]


class Injection(NamedTuple):
    """What a VirtualService injects into calls of a Service: an "abort" answered with ``status``, or a "delay".

    ``subset`` is empty when several subsets are behind the route: which was to be called is then never decided.
    """

    kind: str
    service: str
    subset: str = ""
    status: str = ""


def declared(virtual_services: Iterable[Obj], namespace: str, *, at_gateway: bool = False) -> list[Injection]:
    """Return what sidecars, or else gateways, have to inject into calls of the Services of ``namespace``."""
    return [
        injection
        for virtual_service in virtual_services
        if any((gateway != "mesh") == at_gateway for gateway in virtual_service["spec"].get("gateways") or ["mesh"])
        for route in virtual_service["spec"].get("http") or []
        for injection in _of_route(route, namespace)
    ]


def meant(injections: Sequence[Injection], kind: str, called: Collection[str]) -> Injection | None:
    """Return what was injected into calls of a proxy that has reached the Services ``called``.

    None when several Services may be meant. Who has reached none of them may be kept from it by the only one there is.
    """
    of_kind = [injection for injection in injections if injection.kind == kind]
    services = {injection.service for injection in of_kind}
    if len(services) > 1:
        services &= set(called)
    candidates = [injection for injection in of_kind if injection.service in services]
    if len(services) != 1:
        return None
    subsets = {injection.subset for injection in candidates}
    return candidates[0] if len(subsets) == 1 else candidates[0]._replace(subset="")


def _of_route(route: Obj, namespace: str) -> Iterator[Injection]:
    fault = route.get("fault") or {}
    destinations = [way["destination"] for way in route.get("route") or []]
    for service in {service_name(destination["host"], namespace) for destination in destinations} - {""}:
        subsets = {destination.get("subset", "") for destination in destinations}
        subset = subsets.pop() if len(subsets) == 1 else ""
        if "abort" in fault:
            yield Injection("abort", service, subset, str(fault["abort"].get("httpStatus", "")))
        if "delay" in fault:
            yield Injection("delay", service, subset)
