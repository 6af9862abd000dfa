"""What a VirtualService says: for which Service it is, which of its routes a fault fits, and what faults make of one.

Pure functions on the format of https://istio.io/latest/docs/reference/config/networking/virtual-service/.
"""

from __future__ import annotations

from wavetank.kube import Obj

__all__ = [
    "fits",
    "governs",
    "http_routes",
    "joined",
    "left",
    "members",
    "only_for_gateways",
    "speaks_http",
    "virtual_service",
]

_MESH = "mesh"
_DOMAINS = ("", ".svc", ".svc.cluster.local")
_OTHER_PROTOCOLS = frozenset({"tcp", "tls", "https", "udp", "mongo", "mysql", "redis"})


def governs(found: Obj, service: str) -> bool:
    """Tell whether sidecars go by the VirtualService ``found`` for requests to ``service`` in its namespace."""
    return _is_for(found, service) and _MESH in (_spec(found).get("gateways") or [_MESH])


def only_for_gateways(found: Obj, service: str) -> bool:
    """Tell whether ``found`` is for ``service``, but only for what comes through gateways."""
    return _is_for(found, service) and not governs(found, service)


def http_routes(found: Obj) -> list[Obj]:
    """Return the HTTP routes, in the order in which the first that takes a request gets it."""
    return _spec(found).get("http") or []


def fits(route: Obj, found: Obj, service: str) -> bool:
    """Tell whether a fault of ``service`` belongs in a route of ``found``, and Istio lets it.

    A route that redirects or answers by itself must have none. Of a VirtualService that is for other hosts too, only
    the routes that send to this one are meant.
    """
    if "redirect" in route or "directResponse" in route:
        return False
    names = _names(service, found)
    if names.issuperset(_spec(found).get("hosts") or ()):
        return True
    return any(sent.get("destination", {}).get("host") in names for sent in route.get("route") or ())


def speaks_http(port: Obj) -> bool:
    """Tell whether Istio may take the traffic of a Service's port for HTTP: by its name or appProtocol, or by looking.

    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    """
    protocol = port.get("appProtocol") or port.get("name", "").partition("-")[0]
    return port.get("protocol", "TCP") == "TCP" and protocol.lower() not in _OTHER_PROTOCOLS


def virtual_service(name: str, namespace: str, service: str) -> Obj:
    """Return a VirtualService that changes nothing: one HTTP route to the Service."""
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"hosts": [service], "http": [{"route": [{"destination": {"host": service}}]}]},
    }


def members(made: Obj) -> list[str]:
    """Return the uids of the faults that a VirtualService they have made belongs to; none for somebody's own."""
    return [owner["uid"] for owner in made["metadata"].get("ownerReferences") or () if owner["kind"] == "Fault"]


def joined(made: Obj, member: Obj) -> Obj:
    """Return ``made`` with ``member``, an owner reference, among those it belongs to."""
    return _owned(made, [*_owners(left(made, member["uid"])), member])


def left(made: Obj, uid: str) -> Obj:
    """Return ``made`` without the fault ``uid`` among those it belongs to."""
    return _owned(made, [owner for owner in _owners(made) if owner["uid"] != uid])


def _owners(made: Obj) -> list[Obj]:
    return made["metadata"].get("ownerReferences") or []


def _owned(made: Obj, owners: list[Obj]) -> Obj:
    return {**made, "metadata": {**made["metadata"], "ownerReferences": owners}}


def _is_for(found: Obj, service: str) -> bool:
    return not _names(service, found).isdisjoint(_spec(found).get("hosts") or ())


def _names(service: str, found: Obj) -> frozenset[str]:
    """Return what a Service may be called as a host of the VirtualService ``found``."""
    namespace = found["metadata"]["namespace"]
    return frozenset([service, *(f"{service}.{namespace}{domain}" for domain in _DOMAINS)])


def _spec(found: Obj) -> Obj:
    return found.get("spec") or {}
