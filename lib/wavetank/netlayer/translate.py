"""An Ingress as objects of Istio's, and what to ask the gateways once they are there. All pure.

Hosts that lead to the same paths become one VirtualService. Within it every path stands twice: first for probes, which
ask by a header for the hash of this version, then for everybody. So a probe takes the very way of a request, and what
it brings back says which version has routed it. Sources: net-istio's behaviour and Istio's reference of
`VirtualService` and `Gateway`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from wavetank.kube import Obj
from wavetank.netlayer.claims import expanded
from wavetank.netlayer.doors import LOCAL, NAMESPACE, PUBLIC, SELECTOR, Door
from wavetank.netlayer.spec import INGRESS, Ingress, Path, Rule, Split, Tls, Visibility

__all__ = [
    "HASH_HEADER",
    "OVERRIDE",
    "OWNED",
    "OWNER",
    "Certificate",
    "Plan",
    "Probe",
    "certificate_copy",
    "translate",
]

HASH_HEADER, OVERRIDE = "K-Network-Hash", "override"
"""The header that a probe asks with, and the value that stands for "put the hash of your version here"."""

OWNED = {"wavetank.dev/made-by": "netlayer"}
"""The label of everything that is made here."""
OWNER = "wavetank.dev/ingress"
"""The annotation that says for which Ingress, as namespace/name."""

_ISTIO = "networking.istio.io/v1"
_VISIBILITIES: tuple[Visibility, ...] = ("ExternalIP", "ClusterLocal")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A Secret to be copied to the gateway's namespace, where alone its pods may read it, as ``copy``."""

    namespace: str
    secret: str
    copy: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A request that every pod behind the ``port`` (by name) of a gateway's ``service`` has to answer."""

    service: str
    port: str
    tls: bool
    host: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What there has to be for one Ingress."""

    certificates: tuple[Certificate, ...]
    objects: tuple[Obj, ...]
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Hosts that lead to the same paths."""

    visibility: Visibility
    hosts: tuple[str, ...]
    paths: tuple[Path, ...]


def translate(ingress: Ingress, lost: Container[str] = ()) -> Plan:
    """Return what has to be there for ``ingress``, but for the hosts that it has ``lost`` to another."""
    groups = list(_groups(ingress, lost))
    served = [tls for tls in (_without(tls, lost) for tls in ingress.tls) if tls.hosts]
    gateway = _gateway(ingress, served, [host for host in ingress.public_hosts() if host not in lost])
    secured = frozenset(host for tls in served for host in tls.hosts)
    routes = [_virtual_service(ingress, group, _gateways(ingress, group, secured)) for group in groups]
    return Plan(
        certificates=tuple(Certificate(tls.namespace, tls.secret, _copy_name(ingress, tls)) for tls in served),
        objects=tuple([gateway, *routes] if gateway else routes),
        probes=tuple(probe for group in groups for probe in _probes(group, secured)),
    )


def certificate_copy(ingress: Ingress, certificate: Certificate, source: Obj) -> Obj:
    """Return the copy of the Secret ``source`` that the gateway reads."""
    metadata = {"name": certificate.copy, "namespace": NAMESPACE, **_marks(ingress)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": source.get("type", "kubernetes.io/tls"),
        "data": source.get("data") or {},
    }


def _groups(ingress: Ingress, lost: Container[str]) -> Iterator[_Group]:
    for visibility in _VISIBILITIES:
        rules = [rule for rule in ingress.rules if rule.visibility == visibility]
        by_rules: dict[tuple[int, ...], list[str]] = {}
        for host in expanded(host for rule in rules for host in rule.hosts):
            if host not in lost:
                by_rules.setdefault(_rules_for(host, rules), []).append(host)
        for indices, hosts in by_rules.items():
            yield _Group(visibility, tuple(hosts), tuple(path for at in indices for path in rules[at].paths))


def _rules_for(host: str, rules: list[Rule]) -> tuple[int, ...]:
    return tuple(at for at, rule in enumerate(rules) if host in expanded(rule.hosts))


def _virtual_service(ingress: Ingress, group: _Group, gateways: list[str]) -> Obj:
    # Named by its first host, so that it stays the same object when other hosts or rules come and go.
    name = f"{ingress.name[:200]}-{_digest(group.visibility, group.hosts[0])}"
    probed = [_route(path, ingress.namespace, hash=ingress.hash) for path in group.paths]
    return {
        "apiVersion": _ISTIO,
        "kind": "VirtualService",
        "metadata": _metadata(ingress, name),
        "spec": {
            "hosts": list(group.hosts),
            "gateways": gateways,
            "http": [*probed, *(_route(path, ingress.namespace) for path in group.paths)],
        },
    }


def _route(path: Path, namespace: str, hash: str = "") -> Obj:
    """Return the route for a path, or with ``hash`` the one for its probes."""
    matches = {**path.matches, **({HASH_HEADER: OVERRIDE} if hash else {})}
    headers = {**path.headers, **({HASH_HEADER: hash} if hash else {})}
    match = {
        **({"uri": {"prefix": path.prefix}} if path.prefix else {}),
        **({"headers": {name: {"exact": value} for name, value in matches.items()}} if matches else {}),
    }
    return {
        **({"match": [match]} if match else {}),
        "route": [_destination(split, namespace) for split in path.splits],
        "retries": {"attempts": 0},  # Istio would try twice more; whether a request may be repeated, Knative knows
        **_set_headers(headers),
        **({"rewrite": {"authority": path.rewrite_host}} if path.rewrite_host else {}),
    }


def _destination(split: Split, namespace: str) -> Obj:
    host = f"{split.service}.{namespace}.svc.cluster.local"
    return {
        "destination": {"host": host, "port": {"number": split.port}},
        "weight": split.percent,
        **_set_headers(split.headers),
    }


def _set_headers(headers: Mapping[str, str]) -> Obj:
    return {"headers": {"request": {"set": dict(headers)}}} if headers else {}


def _gateways(ingress: Ingress, group: _Group, secured: frozenset[str]) -> list[str]:
    """Return the Gateways through which the hosts of ``group`` are reached."""
    if group.visibility == "ClusterLocal":
        return [LOCAL.gateway]
    own = f"{ingress.namespace}/{_gateway_name(ingress)}"
    if ingress.redirects:
        return [own]
    return [PUBLIC.gateway, own] if secured.intersection(group.hosts) else [PUBLIC.gateway]


def _gateway(ingress: Ingress, served: list[Tls], public: list[str]) -> Obj | None:
    """Return the Ingress's own Gateway: one server for each certificate, and one that redirects if it is to."""
    servers: list[Obj] = [
        {
            "port": {"number": 443, "name": f"https-{at}", "protocol": "HTTPS"},
            "hosts": list(tls.hosts),
            "tls": {"mode": "SIMPLE", "credentialName": _copy_name(ingress, tls)},
        }
        for at, tls in enumerate(served)
    ]
    if ingress.redirects and public:
        port = {"number": 80, "name": "http-redirect", "protocol": "HTTP"}
        servers.append({"port": port, "hosts": public, "tls": {"httpsRedirect": True}})
    if not servers:
        return None
    metadata = _metadata(ingress, _gateway_name(ingress))
    return {
        "apiVersion": _ISTIO,
        "kind": "Gateway",
        "metadata": metadata,
        "spec": {"selector": dict(SELECTOR), "servers": servers},
    }


def _probes(group: _Group, secured: frozenset[str]) -> Iterator[Probe]:
    """Yield what to ask: each host, by one path that leads somewhere. The routes of a host come all at once."""
    path = group.paths[-1]  # usually the one for everything
    door: Door = LOCAL if group.visibility == "ClusterLocal" else PUBLIC
    for host in group.hosts:
        way = (host, f"{path.prefix.rstrip('/')}/healthz", path.matches)
        yield Probe(door.service, door.http, False, *way)
        if host in secured:
            yield Probe(door.service, door.https, True, *way)


def _without(tls: Tls, lost: Container[str]) -> Tls:
    return Tls(tuple(host for host in tls.hosts if host not in lost), tls.secret, tls.namespace)


def _metadata(ingress: Ingress, name: str) -> Obj:
    owner = {
        "apiVersion": INGRESS[0],
        "kind": INGRESS[1],
        "name": ingress.name,
        "uid": ingress.uid,
        "controller": True,
    }
    return {"name": name, "namespace": ingress.namespace, **_marks(ingress), "ownerReferences": [owner]}


def _marks(ingress: Ingress) -> Obj:
    labels = {"app.kubernetes.io/managed-by": "wavetank", **OWNED}
    return {"labels": labels, "annotations": {OWNER: f"{ingress.namespace}/{ingress.name}"}}


def _gateway_name(ingress: Ingress) -> str:
    """Return a name without dots, the only kind that Istio takes for a Gateway."""
    return f"{ingress.name.replace('.', '-')[:54]}-{_digest(ingress.name)}"


def _copy_name(ingress: Ingress, tls: Tls) -> str:
    return f"knative-{ingress.uid}-{_digest(tls.namespace, tls.secret)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:8]
