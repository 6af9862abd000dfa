"""A VirtualService that was applied, and that nobody goes by: of those for one host, Istio takes one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wavetank.errors import KubeError
from wavetank.faults.virtualservice import VIRTUAL_SERVICE, governing, in_words
from wavetank.kube import Kube, Obj

__all__ = ["outranked"]


def outranked(kube: Kube, applied: Iterable[Obj], namespace: str) -> tuple[str, ...]:
    """Return a sentence for each VirtualService of ``applied`` that another one goes before; none for who may not ask.

    Only calls from ``namespace`` to Services there are looked at.
    """
    routes = [obj for obj in applied if (obj["apiVersion"].partition("/")[0], obj["kind"]) == _ROUTES]
    if not routes:
        return ()
    try:
        services = sorted(service["metadata"]["name"] for service in kube.list("Service", namespace))
        found = kube.list(VIRTUAL_SERVICE)
    except KubeError:  # what was applied stays applied
        return ()
    uids = {route["metadata"]["uid"] for route in routes}
    return tuple(
        sentence
        for one in found
        if one["metadata"]["uid"] in uids
        for sentence in _losses(one, found, services, namespace)
    )


_ROUTES = (VIRTUAL_SERVICE[0].partition("/")[0], VIRTUAL_SERVICE[1])


def _losses(one: Obj, found: Sequence[Obj], services: Iterable[str], namespace: str) -> Iterator[str]:
    """Yield, for each VirtualService that goes before ``one``, for which Services it does."""
    lost: dict[str, list[str]] = {}
    for service in services:
        first, *behind = governing(found, service, namespace) or [one]
        if one in behind:
            lost.setdefault(in_words(first, namespace), []).append(service)
    for winner, names in lost.items():
        yield (
            f"VirtualService {in_words(one, namespace)} changes nothing for {', '.join(names)}: Istio goes by one,"
            f" and {winner} comes first (of two for the same host, the older); put the routes there, or delete that one"
        )
