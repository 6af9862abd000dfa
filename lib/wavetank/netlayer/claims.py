"""Whose a host is: of all Ingresses that name it, the oldest's.

Istio would merge two VirtualServices with one host, and which of them a request gets would be anybody's guess. Age is
the creation, to the second as the API server keeps it, then the name.
"""

from __future__ import annotations

from collections.abc import Iterable

from wavetank.kube import Obj

__all__ = ["claimed_hosts", "expanded", "lost_hosts", "rivals"]

_CLUSTER_DOMAINS = (".svc.cluster.local", ".cluster.local")


def expanded(hosts: Iterable[str]) -> list[str]:
    """Return ``hosts`` and the shorter names by which those within the cluster go too, each once, in order."""
    names: dict[str, None] = {}
    for host in hosts:
        names[host] = None
        for domain in _CLUSTER_DOMAINS:
            short = host.removesuffix(domain)
            # A namespace may be a number, but the last part of a domain may not.
            if short != host and not short.rpartition(".")[2].isdecimal():
                names[short] = None
    return list(names)


def claimed_hosts(ingress: Obj) -> frozenset[str]:
    """Return the hosts that ``ingress`` names; one that is being deleted claims none."""
    if "deletionTimestamp" in ingress["metadata"]:
        return frozenset()
    rules = (ingress.get("spec") or {}).get("rules") or ()
    return frozenset(expanded(host for rule in rules for host in rule.get("hosts") or ()))


def rivals(ingress: Obj, others: Iterable[Obj]) -> list[Obj]:
    """Return those of ``others`` that name a host which ``ingress`` names too."""
    mine = claimed_hosts(ingress)
    return [other for other in others if _place(other) != _place(ingress) and mine & claimed_hosts(other)]


def lost_hosts(ingress: Obj, others: Iterable[Obj]) -> dict[str, str]:
    """Return the hosts that ``ingress`` names and does not get, each with the oldest that has it (namespace/name)."""
    lost: dict[str, str] = {}
    for older in sorted(rivals(ingress, others), key=_age):
        if _age(older) < _age(ingress):
            for host in sorted(claimed_hosts(ingress) & claimed_hosts(older)):
                lost.setdefault(host, "/".join(_place(older)))
    return lost


def _age(ingress: Obj) -> tuple[str, str, str]:
    return (ingress["metadata"]["creationTimestamp"], *_place(ingress))


def _place(ingress: Obj) -> tuple[str, str]:
    return ingress["metadata"]["namespace"], ingress["metadata"]["name"]
