"""What a VirtualService says: for which Service it is, which of its routes a fault fits, and what faults make of one.

Pure functions on the format of https://istio.io/latest/docs/reference/config/networking/virtual-service/.
"""

from __future__ import annotations

from collections.abc import Iterable

from wavetank.kube import Obj

__all__ = [
    "VIRTUAL_SERVICE",
    "fits",
    "governing",
    "http_routes",
    "in_words",
    "joined",
    "left",
    "members",
    "only_for_gateways",
    "speaks_http",
    "virtual_service",
]

VIRTUAL_SERVICE = ("networking.istio.io/v1", "VirtualService")

_MESH = "mesh"
_DOMAINS = ("", ".svc", ".svc.cluster.local")
_DOMAIN = ".svc.cluster.local"
_OTHER_PROTOCOLS = frozenset({"tcp", "tls", "https", "udp", "mongo", "mysql", "redis"})


def governing(found: Iterable[Obj], service: str, namespace: str) -> list[Obj]:
    """Return those of ``found`` that are for a Service, to the sidecars of its namespace, which go by the first alone.

    Istio merges none of them with another. A host in full goes before a wildcard, and a long wildcard before a short
    one; then one that is exported to its own namespace alone, one that is exported to this one, one for all; then the
    oldest (istio.io/istio, pilot/pkg/model/push_context.go, VirtualServicesForGateway; sidecar.go,
    computeWildcardHostVirtualServiceIndex).
    """
    ranked = [(rank, one) for one in found if (rank := _rank(one, service, namespace)) is not None]
    return [one for _, one in sorted(ranked, key=lambda each: each[0])]


def in_words(found: Obj, namespace: str) -> str:
    """Return a VirtualService's name, with its namespace where that is another one than ``namespace``."""
    metadata = found["metadata"]
    name = str(metadata["name"])
    return name if metadata["namespace"] == namespace else f"{name} in the namespace {metadata['namespace']}"


def only_for_gateways(found: Obj, service: str) -> bool:
    """Tell whether ``found`` is for ``service`` in its namespace, but only for what comes through gateways."""
    return _host(found, service, found["metadata"]["namespace"]) is not None and not _for_sidecars(found)


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
        "apiVersion": VIRTUAL_SERVICE[0],
        "kind": VIRTUAL_SERVICE[1],
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


def _rank(found: Obj, service: str, namespace: str) -> tuple[int, int, str, str, str] | None:
    """Return by what ``found`` is ordered among those for a Service; None when no sidecar there goes by it."""
    host, seen, metadata = _host(found, service, namespace), _seen_from(found, namespace), found["metadata"]
    if host is None or seen is None or not _for_sidecars(found):
        return None
    exact = -len(host) if host.startswith("*") else -1000
    return exact, seen, metadata["creationTimestamp"], metadata["name"], metadata["namespace"]


def _host(found: Obj, service: str, namespace: str) -> str | None:
    """Return the host by which ``found`` is for a Service, the most particular of them; None when it is not.

    Istio takes a name without a dot as one of the VirtualService's own namespace, and any other as it is written.
    """
    own, full = found["metadata"]["namespace"], f"{service}.{namespace}{_DOMAIN}"
    fitting = []
    for written in _spec(found).get("hosts") or ():
        host = written.lower() if "." in written or written == "*" else f"{written.lower()}.{own}{_DOMAIN}"
        if host == full:
            return host
        if host.startswith("*") and full.endswith(host[1:]):
            fitting.append(host)
    return max(fitting, key=len, default=None)


def _seen_from(found: Obj, namespace: str) -> int | None:
    """Return the order in which a namespace's sidecars see ``found``, by whom it is exported to; None: not at all."""
    own, exported = found["metadata"]["namespace"], _spec(found).get("exportTo") or ["*"]
    if "*" in exported:
        return 2
    if own == namespace and not {".", own}.isdisjoint(exported):
        return 0
    return 1 if own != namespace and namespace in exported else None


def _for_sidecars(found: Obj) -> bool:
    return _MESH in (_spec(found).get("gateways") or [_MESH])


def _names(service: str, found: Obj) -> frozenset[str]:
    """Return what a Service may be called as a host of the VirtualService ``found``."""
    namespace = found["metadata"]["namespace"]
    return frozenset([service, *(f"{service}.{namespace}{domain}" for domain in _DOMAINS)])


def _spec(found: Obj) -> Obj:
    return found.get("spec") or {}
