"""What an Ingress asks for, as values that have been checked.

The format is Knative's, knative.dev/networking pkg/apis/networking/v1alpha1. The API server checks types only; what
does not add up is refused here, by the name of its field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from wavetank.errors import InputError
from wavetank.kube import Kind, Obj
from wavetank.netlayer.fingerprint import fingerprint

__all__ = ["CLASS", "INGRESS", "Ingress", "Path", "Rule", "Split", "Tls", "Visibility", "is_ours", "read_ingress"]

INGRESS: Kind = ("networking.internal.knative.dev/v1alpha1", "Ingress")
CLASS = "wavetank.ingress.networking.knative.dev"
_CLASS_ANNOTATIONS = ("networking.knative.dev/ingress.class", "networking.knative.dev/ingress-class")

Visibility = Literal["ExternalIP", "ClusterLocal"]


@dataclass(frozen=True, slots=True)
class Split:
    """A Service of the Ingress's namespace that gets ``percent`` of the requests, with ``headers`` set."""

    service: str
    port: int
    percent: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Path:
    """Requests whose path begins with ``prefix`` ("" for all) and that have exactly these ``matches`` as headers."""

    prefix: str
    matches: Mapping[str, str]
    headers: Mapping[str, str]
    rewrite_host: str
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """For requests to any of ``hosts``: the first of ``paths`` that fits."""

    hosts: tuple[str, ...]
    visibility: Visibility
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate for ``hosts``, and the Secret it lies in."""

    hosts: tuple[str, ...]
    secret: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Ingress:
    """A whole Ingress. ``hash`` is what a gateway that has this version answers a probe with."""

    namespace: str
    name: str
    uid: str
    hash: str
    rules: tuple[Rule, ...]
    tls: tuple[Tls, ...]
    redirects: bool
    """Whether plain HTTP is answered with a redirect to HTTPS."""

    def public_hosts(self) -> tuple[str, ...]:
        """Return the hosts that are reached from outside, each once."""
        return tuple(
            dict.fromkeys(host for rule in self.rules if rule.visibility == "ExternalIP" for host in rule.hosts)
        )


def is_ours(ingress: Obj) -> bool:
    """Tell whether an Ingress is of our class."""
    annotations = ingress["metadata"].get("annotations") or {}
    return next((annotations[key] for key in _CLASS_ANNOTATIONS if key in annotations), "") == CLASS


def read_ingress(ingress: Obj) -> Ingress:
    """Return what ``ingress`` asks for. Raises `InputError` naming the field that is wrong."""
    metadata, spec = ingress["metadata"], ingress.get("spec") or {}
    _require(bool(spec.get("rules")), "spec.rules", "none", "at least one rule")
    option = spec.get("httpOption") or "Enabled"
    _require(option in ("Enabled", "Redirected"), "spec.httpOption", option, "Enabled or Redirected")
    rules = tuple(_rule(rule, f"spec.rules[{at}]", metadata["namespace"]) for at, rule in enumerate(spec["rules"]))
    return Ingress(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        hash=fingerprint(ingress),
        rules=rules,
        tls=tuple(_tls(tls, f"spec.tls[{at}]", rules) for at, tls in enumerate(spec.get("tls") or ())),
        redirects=option == "Redirected",
    )


def _rule(rule: Obj, where: str, namespace: str) -> Rule:
    hosts, visibility = tuple(rule.get("hosts") or ()), rule.get("visibility") or "ExternalIP"
    _require(bool(hosts), f"{where}.hosts", "none", "at least one host")
    visibilities = ("ExternalIP", "ClusterLocal")
    _require(visibility in visibilities, f"{where}.visibility", visibility, " or ".join(visibilities))
    paths = (rule.get("http") or {}).get("paths") or ()
    _require(bool(paths), f"{where}.http.paths", "none", "at least one path")
    return Rule(
        hosts=hosts,
        visibility=cast(Visibility, visibility),
        paths=tuple(_path(path, f"{where}.http.paths[{at}]", namespace) for at, path in enumerate(paths)),
    )


def _path(path: Obj, where: str, namespace: str) -> Path:
    prefix = path.get("path") or ""
    _require(prefix == "" or prefix.startswith("/"), f"{where}.path", prefix, "a path that begins with /")
    splits = tuple(_splits(path.get("splits") or (), f"{where}.splits", namespace))
    total = sum(split.percent for split in splits)
    _require(total == 100, f"{where}.splits", f"percentages that add up to {total}", "percentages that add up to 100")
    return Path(
        prefix=prefix,
        matches={name: match["exact"] for name, match in (path.get("headers") or {}).items()},
        headers=path.get("appendHeaders") or {},
        rewrite_host=path.get("rewriteHost") or "",
        splits=splits,
    )


def _splits(splits: Sequence[Obj], where: str, namespace: str) -> Iterator[Split]:
    _require(bool(splits), where, "none", "at least one Service")
    for at, split in enumerate(splits):
        here = f"{where}[{at}]"
        percent = split.get("percent") or (100 if len(splits) == 1 else 0)
        _require(0 <= percent <= 100, f"{here}.percent", percent, "0 to 100")
        _require(bool(split["serviceName"]), f"{here}.serviceName", "nothing", "the name of a Service")
        place = split["serviceNamespace"]
        _require(place == namespace, f"{here}.serviceNamespace", place, f"the Ingress's own namespace, {namespace}")
        port = _number(split["servicePort"])
        _require(0 < port < 65536, f"{here}.servicePort", split["servicePort"], "the number of a Service's port")
        yield Split(split["serviceName"], port, percent, split.get("appendHeaders") or {})


def _tls(tls: Obj, where: str, rules: tuple[Rule, ...]) -> Tls:
    for field in ("secretName", "secretNamespace"):
        _require(bool(tls.get(field)), f"{where}.{field}", "nothing", "where the certificate lies")
    public = [host for rule in rules if rule.visibility == "ExternalIP" for host in rule.hosts]
    hosts = tuple(tls.get("hosts") or dict.fromkeys(public))
    hidden = sorted(set(hosts).difference(public))
    expected = "hosts of a rule that is reached from outside: there is no TLS within the cluster"
    _require(bool(hosts) and not hidden, f"{where}.hosts", ", ".join(hidden) or "none", expected)
    return Tls(hosts, tls["secretName"], tls["secretNamespace"])


def _number(port: int | str) -> int:
    """Return the number of a port, 0 for a name: Istio's routes know no names."""
    return int(port) if str(port).isdecimal() else 0


def _require(holds: bool, field: str, observed: Any, expected: str) -> None:
    if not holds:
        raise InputError(f"{field} is wrong", observed=str(observed), expected=expected)
