"""Faults in the mesh: pure functions from a VirtualService as it is to the one with the fault in it, and back.

Istio delays or aborts a request where it begins, in the sidecar of the caller, as the ``fault`` of the HTTP route says
that takes it (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection). So a
fault is put into the routes that are in place, and comes out of each route that still has it as it was left: whatever
else was changed in the VirtualService meanwhile, weights or whole routes, stays.

What the routes were and what was put into them make up an `Injection`, which the operator writes into the Fault's
status before it changes anything.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from wavetank.durations import format_duration
from wavetank.errors import InputError
from wavetank.faults.ownership import owners_of
from wavetank.faults.resource import Fault
from wavetank.faults.virtualservice import fits, http_routes
from wavetank.kube import Obj

__all__ = ["PARTS", "Injection", "asked"]

PARTS: Mapping[str, str] = {"mesh-delay": "delay", "mesh-abort": "abort"}
"""Which kinds of fault the mesh brings about, and as what part of a route's ``fault``."""

_REMEMBERED = ("name", "match", "fault")


@dataclass(frozen=True, slots=True)
class Injection:
    """One part of the ``fault`` of HTTP routes of one VirtualService: what it ``became``, and what they were.

    ``routes`` are their names, matches and faults as planned; ``owners`` who has set them, as `owners_of` tells.
    ``made`` says that the Service had no VirtualService: faults bring this one themselves.
    """

    name: str
    service: str
    part: str
    became: Obj
    routes: Sequence[Obj]
    owners: Sequence[Obj]
    made: bool

    @classmethod
    def plan(cls, found: Obj, fault: Fault, *, made: bool = False) -> Injection:
        """Return what ``fault`` will change in ``found``. Raises `InputError` when none of its routes can take it."""
        name, service, routes = found["metadata"]["name"], fault.target.name, http_routes(found)
        if not routes:
            others = [protocol for protocol in ("tcp", "tls") if found["spec"].get(protocol)]
            raise InputError(
                f"the VirtualService {name} has no http routes to put a fault into",
                observed=f"it has {' and '.join(others) or 'no'} routes",
                expected="http routes: Istio injects faults into HTTP alone",
            )
        if not any(fits(route, found, service) for route in routes):
            raise InputError(
                f"no http route of the VirtualService {name} can take a fault",
                observed=f"each redirects, answers by itself, or sends to others than {service}",
                expected=f"a route to {service}",
            )
        were: list[Obj] = [{key: route[key] for key in _REMEMBERED if key in route} for route in routes]
        return cls(name, service, PARTS[fault.kind], asked(fault), copy.deepcopy(were), owners_of(found), made)

    @classmethod
    def from_status(cls, original: Mapping[str, Any]) -> Injection:
        """Read what `to_status` wrote."""
        return cls(**{field.name: original[field.name] for field in fields(cls)})

    def to_status(self) -> Obj:
        """Return it as ``status.original`` keeps it."""
        return {"kind": self.kind, **asdict(self)}

    @property
    def kind(self) -> str:
        """The kind of the object that is changed."""
        return "VirtualService"

    def injected(self, found: Obj) -> Obj | None:
        """Return ``found`` with the fault in its routes, or None when there is nothing to do.

        A route whose own fault is not what it was when this was planned is left alone.
        """

        def becomes(route: Obj, was: Obj | None) -> Obj | None:
            own = self._part(route)
            return self.became if own == was and fits(route, found, self.service) else own

        return self._rewritten(found, becomes)

    def restored(self, found: Obj) -> Obj | None:
        """Return ``found`` with each route as it was that is as this fault left it, or None when none is.

        A route is known by the requests it takes: one that takes others by now is another one, which had no fault.
        """

        def becomes(route: Obj, was: Obj | None) -> Obj | None:
            own = self._part(route)
            return was if own == self.became else own

        return self._rewritten(found, becomes)

    def count(self, found: Obj) -> int:
        """Return in how many routes the fault is."""
        return sum(self._part(route) == self.became for route in http_routes(found))

    def meets(self, original: Mapping[str, Any]) -> bool:
        """Tell whether a fault that remembers ``original`` has changed the same part of the same routes."""
        same = original.get("service") == self.service or original.get("name") == self.name
        return same and original.get("part") == self.part

    def __str__(self) -> str:
        """Say where it is: ``the delay in VirtualService booking``."""
        return f"the {self.part} in {self.kind} {self.name}"

    def _part(self, route: Obj) -> Obj | None:
        part: Obj | None = (route.get("fault") or {}).get(self.part)
        return part

    def _rewritten(self, found: Obj, becomes: Callable[[Obj, Obj | None], Obj | None]) -> Obj | None:
        """Return ``found`` with this part of each route as ``becomes(route, what it was)`` says, None if it is so."""
        was = dict(zip(_known_by(self.routes), map(self._part, self.routes), strict=True))
        changed, routes = copy.deepcopy(found), http_routes(found)
        for known, route, new in zip(_known_by(routes), routes, http_routes(changed), strict=True):
            fault = {**(route.get("fault") or {}), self.part: becomes(route, was.get(known))}
            new["fault"] = {part: value for part, value in fault.items() if value is not None}
            if not new["fault"]:
                del new["fault"]
        return None if changed == found else changed


def asked(fault: Fault) -> Obj:
    """Return what Istio is asked for."""
    settings = fault.settings
    percentage = {"percentage": {"value": settings["percent"]}}
    if fault.kind == "mesh-delay":
        return {**percentage, "fixedDelay": format_duration(settings["ms"] / 1000)}
    return {**percentage, "httpStatus": int(settings["status"])}


def _known_by(routes: Sequence[Obj]) -> list[str]:
    """Return what each route is known by: its name and match, and which of those it is that have the same."""
    seen: Counter[str] = Counter()
    known = []
    for route in routes:
        requests = json.dumps([route.get("name"), route.get("match")], sort_keys=True)
        known.append(f"{requests} {seen[requests]}")
        seen[requests] += 1
    return known
