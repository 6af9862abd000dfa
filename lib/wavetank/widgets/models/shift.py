"""How much of a host's traffic goes to which of its subsets: the weights in an Istio VirtualService.

The route that is shifted is the one for everybody, the first without a ``match``. All the rest of a VirtualService
stays as it is. Format: VirtualService of networking.istio.io/v1, HTTPRoute and HTTPRouteDestination.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wavetank.errors import InputError
from wavetank.faults.virtualservice import VIRTUAL_SERVICE
from wavetank.kube import Obj
from wavetank.widgets.models.change import Change

__all__ = [
    "ShiftPicture",
    "Weights",
    "after",
    "balanced",
    "check",
    "in_words",
    "presets",
    "shifted",
    "weights_of",
]

ALL = 100

Weights = Mapping[str, int]
"""Percent for each subset; ``""`` stands for pods of any version."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class ShiftPicture:
    """The VirtualService called ``name``, as far as it is about ``host``.

    ``service`` is what the cluster has now (None: nothing), ``applied`` what it stored when it was last shifted here,
    and ``deleted`` the uid of the last one that went.
    """

    name: str
    namespace: str
    host: str
    service: Obj | None = None
    applied: Obj | None = None
    deleted: str = ""
    instead: str = ""
    """Another VirtualService, in words, by which sidecars go for the host."""

    @property
    def weights(self) -> Weights:
        """The weights that the cluster has now; empty where nothing leads to the host."""
        return weights_of(self.service, self.host, self.namespace) if self.service else {}

    def drift(self) -> str:
        """Return, in words, that the cluster no longer has what was applied, and who has changed it; else nothing."""
        if self.applied is None:
            return ""
        was = weights_of(self.applied, self.host, self.namespace)
        if self.service is None:
            gone = self.deleted == self.applied["metadata"]["uid"]  # a new one may only not have been seen yet
            return f"Applied was {in_words(was)}; since then {self.name} was deleted." if gone else ""
        if was == self.weights or not _is_later(self.service, self.applied):
            return ""
        return f"Applied was {in_words(was)}; since then {_manager(self.service)} has changed it."

    def text(self) -> str:
        """Return what the cluster has now, in words."""
        now = f"{self.host}: {in_words(self.weights)}"
        if self.service is None:
            now = f"no virtual service {self.name}: requests for {self.host} go to every version alike"
        return "\n".join(filter(None, [now, self.overruled(), self.drift()]))

    def overruled(self) -> str:
        """Return, in words, that the weights move nothing, since another VirtualService counts; else nothing."""
        if not self.instead:
            return ""
        return f"Sidecars go for {self.host} by the virtual service {self.instead} alone: these weights move nothing."

    __repr__ = __str__ = text


def after(picture: ShiftPicture, change: Change) -> ShiftPicture:
    """Return the picture after ``change`` of a VirtualService."""
    there = {} if change.type == "DELETED" else {obj["metadata"]["name"]: obj for obj in change.objects}
    before, now = picture.service, there.get(picture.name)
    if before and (now is None or now["metadata"]["uid"] != before["metadata"]["uid"]):
        picture = replace(picture, deleted=before["metadata"]["uid"])
    return replace(picture, service=now)


def check(weights: Weights, subsets: Sequence[str]) -> None:
    """Raise `InputError` unless ``weights`` share out all of the traffic among ``subsets``."""
    whole = all(isinstance(weight, int) and 0 <= weight <= ALL for weight in weights.values())
    if sorted(weights) != sorted(subsets) or not whole or sum(weights.values()) != ALL:
        raise InputError(
            "these weights do not share out the traffic",
            observed=in_words(weights),
            expected=f"whole numbers for {', '.join(subsets)} that are {ALL} together",
        )


def presets(subsets: Sequence[str]) -> list[Weights]:
    """Return the usual steps from the first subset to the second. Raises `InputError` when there are not two."""
    if len(set(subsets)) < 2:
        raise InputError("subsets is wrong", observed=", ".join(subsets), expected="at least two different ones")
    return [{**dict.fromkeys(subsets, 0), subsets[0]: ALL - second, subsets[1]: second} for second in (0, 10, 50, 100)]


def balanced(weights: Weights, subset: str, weight: int) -> Weights:
    """Return ``weights`` with ``weight`` for ``subset``; the others share the rest as they have shared it before."""
    others = {name: old for name, old in weights.items() if name != subset}
    rest, shared = ALL - weight, sum(others.values())
    shares = {name: rest * old // shared if shared else 0 for name, old in others.items()}
    shares[next(iter(others))] += rest - sum(shares.values())
    return {name: weight if name == subset else shares[name] for name in weights}


def in_words(weights: Weights) -> str:
    """Return weights as a person says them: ``v1 90 %, v2 10 %``."""
    parts = [f"{name or 'any version'} {weight} %" for name, weight in weights.items()]
    return ", ".join(parts) or "no route leads there"


def weights_of(service: Obj, host: str, namespace: str) -> Weights:
    """Return the weights that a VirtualService gives the subsets of ``host``; empty where no route leads there.

    A destination that is alone gets all, others without a weight nothing.
    """
    route = _route(service["spec"].get("http") or [], host, namespace)
    destinations = route["route"] if route else []
    alone = ALL if len(destinations) == 1 else 0
    return {one["destination"].get("subset", ""): one.get("weight", alone) for one in destinations}


def shifted(service: Obj | None, name: str, namespace: str, host: str, weights: Weights) -> Obj:
    """Return the VirtualService to apply: ``service`` (None: a new one) with these weights for the subsets of ``host``.

    Raises `InputError` when the route for everybody leads to another host, or to a subset that has no weight here.
    """
    spec: Obj = copy.deepcopy(service["spec"]) if service else {"hosts": [host]}
    routes = spec.setdefault("http", [])
    route = _route(routes, host, namespace)
    if route is None:
        if not all(one.get("match") for one in routes):
            raise InputError(
                f"the virtual service {name} sends everybody to another host than {host}",
                expected=f"a route without match whose destinations are {host}, or no route without match",
            )
        route = {"route": [{"destination": {"host": host}}]}
        routes.append(route)
    before = {one["destination"].get("subset", ""): one for one in route["route"]}
    if lost := [subset for subset in before if subset and subset not in weights]:
        raise InputError(
            f"the virtual service {name} also sends requests to {', '.join(lost)}",
            observed=f"subsets {', '.join(before)}",
            expected=f"no others than {', '.join(weights)}",
            hint="give a weight to each of its subsets",
        )
    pattern = route["route"][0]
    route["route"] = [_weighted(before.get(subset), pattern, subset, weight) for subset, weight in weights.items()]
    metadata = {"name": name, "namespace": namespace, **_labels(service)}
    return {"apiVersion": VIRTUAL_SERVICE[0], "kind": VIRTUAL_SERVICE[1], "metadata": metadata, "spec": spec}


def _weighted(before: Obj | None, pattern: Obj, subset: str, weight: int) -> Obj:
    """Return a destination: as it was but for its weight, or a new one, at the host and port that the first one has."""
    if before is None:
        before = {"destination": {**pattern["destination"], "subset": subset}}
    return {**before, "weight": weight}


def _route(routes: Sequence[Obj], host: str, namespace: str) -> Obj | None:
    """Return the route for everybody, if every destination of it is ``host``."""
    names = {host, f"{host}.{namespace}", f"{host}.{namespace}.svc", f"{host}.{namespace}.svc.cluster.local"}
    route = next((route for route in routes if not route.get("match")), {})
    led = [one["destination"]["host"] for one in route.get("route") or ()]
    return route if led and names.issuperset(led) else None


def _labels(service: Obj | None) -> dict[str, Any]:
    """Return what a person may have written into the metadata."""
    metadata = service["metadata"] if service else {}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != _LAST_APPLIED}
    parts = {"labels": metadata.get("labels"), "annotations": annotations}
    return {name: value for name, value in parts.items() if value}


def _is_later(service: Obj, applied: Obj) -> bool:
    """Tell whether it is another object, or has been changed since: what was applied may not have been seen yet."""
    new, old = service["metadata"], applied["metadata"]
    return bool(new["uid"] != old["uid"] or new["generation"] > old["generation"])


def _manager(service: Obj) -> str:
    """Return who has written the routes last, as field managers are called (managedFields of every object)."""
    writers = [
        (entry.get("time", ""), entry["manager"])
        for entry in service["metadata"].get("managedFields") or ()
        if "f:http" in entry.get("fieldsV1", {}).get("f:spec", {})
    ]
    return max(writers)[1] if writers else "somebody"
