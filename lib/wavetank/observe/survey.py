"""From what proxies have counted to a topology: which count belongs to which edge.

An edge is what a caller's sidecars say about a destination; aborts, which they count for all destinations together, are
added where they belong. What no caller in the mesh has counted for itself is taken from the other end: requests of
those without a sidecar, and what reaches each of several workloads behind one Service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wavetank.observe.injected import declared, meant
from wavetank.observe.ledger import Period
from wavetank.observe.reasons import Reason, no_traffic, reasons
from wavetank.observe.roster import Role, Roster, service_name
from wavetank.observe.scrape import Look
from wavetank.observe.signals import Injected, Mtls, Signals, Span, arriving, leaving
from wavetank.observe.stats import Stats, destination
from wavetank.observe.topology import Edge, Node, Topology

__all__ = ["OUTSIDERS", "survey"]

OUTSIDERS = "without sidecar"
"""The node of callers who are not in the mesh: who they are, nobody can tell."""
_SERVICE = "service "
_TANK = ".wavetank-system"
"""Where proxies send their spans: part of the tank, not of what floats in it."""

_Way = tuple[str, str]
"""From whom to whom: names of nodes."""


@dataclass(slots=True)
class _Workload:
    """What the proxies of one workload have counted: calls by the node they lead to, and what came to it.

    ``called`` are the Services it has ever reached, ``came`` are its inbound connection managers, ``reached`` the
    clusters behind them.
    """

    role: Role
    calls: defaultdict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    called: set[str] = field(default_factory=set)
    left: list[Span] = field(default_factory=list)
    came: list[Span] = field(default_factory=list)
    reached: list[Span] = field(default_factory=list)


def survey(look: Look, periods: Sequence[Period], seconds: float) -> Topology:
    """Return the topology of what proxies counted in ``periods``, ``seconds`` long; ``look`` is the last one in them.

    Pods that have gone since are told of if they called anybody.
    """
    roster = look.roster
    there = {pod.uid for pod in roster.pods}
    workloads = _put_together(roster, [period for period in periods if period.pod.uid in there or _has_called(period)])
    injected, undecided = _injected(roster, workloads)
    arrivals = {
        name: arriving(workload.came, workload.reached, seconds)
        for name, workload in workloads.items()
        if workload.role is Role.WORKLOAD
    }
    edges = _calls(workloads, injected, seconds)
    edges += _passed_on(roster, edges, arrivals)
    edges += _from_outside(workloads, edges, arrivals)
    why = [*reasons(look), *undecided]
    if roster.has_istio and roster.own and not any(edge.signals.requests for edge in edges):
        why.append(no_traffic(roster.namespace, seconds))
    return Topology(
        roster.namespace,
        seconds,
        tuple(_nodes(roster, workloads, edges, arrivals)),
        tuple(sorted(edges, key=lambda edge: (edge.source, edge.target))),
        tuple(why),
    )


def _put_together(roster: Roster, periods: Sequence[Period]) -> dict[str, _Workload]:
    workloads: dict[str, _Workload] = {}
    for period in periods:
        workload = workloads.setdefault(period.pod.workload, _Workload(period.pod.role))
        for name, span in period.clusters.items():
            if name.startswith("inbound|"):
                workload.reached.append(span)
            elif (target := _target(roster, name, period.pod.role)) and _is_call(span.after):
                workload.calls[target].append(span)
                workload.called.add(_service(roster, name))
        for name, span in period.managers.items():
            (workload.came if name.startswith("inbound") else workload.left).append(span)
    return workloads


def _service(roster: Roster, cluster: str) -> str:
    """Return the Service of this namespace that a cluster stands for; empty when it is none."""
    where = destination(cluster)
    return service_name(where.host, roster.namespace) if where else ""


def _target(roster: Roster, cluster: str, caller: Role) -> str:
    """Return the node a cluster leads to; empty for what does not belong into this picture."""
    where = destination(cluster)
    if where is None or where.host.partition(".svc.")[0].endswith(_TANK):
        return ""
    if service := service_name(where.host, roster.namespace):
        return _node_behind(roster, service, where.subset)
    return "" if caller is Role.GATEWAY else where.host.partition(".svc.")[0]


def _node_behind(roster: Roster, service: str, subset: str) -> str:
    """Return the one workload behind a Service or its subset; the Service itself when there are several, or none."""
    behind = roster.behind(service, subset)
    return behind[0] if len(behind) == 1 else f"{_SERVICE}{service}" + (f"/{subset}" if subset else "")


def _is_call(stats: Stats) -> bool:
    return bool(stats.count("upstream_rq_total", "upstream_rq_completed"))


def _has_called(period: Period) -> bool:
    return any(_is_call(span.risen) for name, span in period.clusters.items() if destination(name))


def _injected(roster: Roster, workloads: Mapping[str, _Workload]) -> tuple[dict[_Way, Injected], list[Reason]]:
    """Return what was injected on which way, and words for what may have been meant for several."""
    found: defaultdict[_Way, Injected] = defaultdict(Injected)
    undecided = []
    for name, workload in workloads.items():
        risen = [span.risen for span in workload.left]
        injections = declared(roster.virtual_services, roster.namespace, at_gateway=workload.role is Role.GATEWAY)
        for kind in ("abort", "delay"):
            count = sum(stats.count(f"fault_{kind}s_injected") for stats in risen)
            injection = meant(injections, kind, workload.called)
            if count and injection:
                way = name, _node_behind(roster, injection.service, injection.subset)
                more = {"aborts": count, "status": injection.status} if kind == "abort" else {"delays": count}
                found[way] = found[way]._replace(**more)
            elif count:
                services = sorted({injection.service for injection in injections if injection.kind == kind})
                undecided.append(Reason(_undecided(name, kind, count, services)))
    return dict(found), undecided


def _undecided(caller: str, kind: str, count: int, services: Sequence[str]) -> str:
    meant = f": meant for {' or '.join(services)}, which of them Envoy does not tell" if services else ""
    return f"{count} calls of {caller} met an injected {kind}{meant}. They are on no edge."


def _calls(workloads: Mapping[str, _Workload], injected: Mapping[_Way, Injected], seconds: float) -> list[Edge]:
    """Return what callers have counted. A Service with several workloads is an edge only while it is called as such."""
    edges = []
    for source, target in {
        (name, to) for name, workload in workloads.items() for to in workload.calls
    } | injected.keys():
        caller, faults = workloads[source], injected.get((source, target), Injected())
        edges.append(Edge(source, target, leaving(caller.calls[target], caller.left, seconds, faults)))
    return [edge for edge in edges if edge.signals.requests or not edge.target.startswith(_SERVICE)]


def _passed_on(roster: Roster, edges: Sequence[Edge], arrivals: Mapping[str, Signals]) -> list[Edge]:
    """Return what a Service that was called as such has passed on to each workload behind it."""
    passed = []
    for node in sorted({edge.target for edge in edges if edge.target.startswith(_SERVICE)}):
        service, _, subset = node.removeprefix(_SERVICE).partition("/")
        for workload in roster.behind(service, subset):
            if workload in arrivals:
                signals = arrivals[workload]
                if direct := _known(edges, workload):
                    signals = Signals(signals.seconds, max(0, signals.requests - direct), mtls=signals.mtls)
                passed.append(Edge(node, workload, signals, told_by_callee=True))
    return passed


def _from_outside(
    workloads: Mapping[str, _Workload], edges: Sequence[Edge], arrivals: Mapping[str, Signals]
) -> list[Edge]:
    """Return what came over plaintext connections, as far as no caller has counted it."""
    return [
        Edge(OUTSIDERS, name, Signals(signals.seconds, rest, mtls=Mtls.NO), told_by_callee=True)
        for name, signals in arrivals.items()
        if (rest := signals.requests - _known(edges, name)) > 0 and any(map(_is_plain, workloads[name].came))
    ]


def _known(edges: Sequence[Edge], target: str) -> int:
    """Return how many tries are accounted for: a callee has counted each retry as one more request."""
    return sum(edge.signals.requests + edge.signals.retries for edge in edges if edge.target == target)


def _is_plain(span: Span) -> bool:
    """Tell whether a connection manager has, or in this interval had, a connection that is not encrypted."""
    made = span.risen.count("downstream_cx_total") - span.risen.count("downstream_cx_ssl_total")
    return made > 0 or span.after.gauge("downstream_cx_active") > span.after.gauge("downstream_cx_ssl_active")


def _nodes(
    roster: Roster, workloads: Mapping[str, _Workload], edges: Sequence[Edge], arrivals: Mapping[str, Signals]
) -> Iterator[Node]:
    """Yield all workloads of the namespace, and whoever else has a part in ``edges``."""
    pods = defaultdict(list)
    for pod in roster.pods:
        pods[pod.workload].append(pod)
    called_or_calling = {name for edge in edges for name in (edge.source, edge.target)}
    for name in sorted(called_or_calling | {pod.workload for pod in roster.own}):
        own = pods.get(name, [])
        role = own[0].role if own else workloads[name].role if name in workloads else _role_of(name)
        sidecars = [pod for pod in own if pod.has_proxy]
        yield Node(name, role, len(own), len(sidecars), arrivals.get(name) if sidecars else None)


def _role_of(name: str) -> Role:
    return Role.SERVICE if name.startswith(_SERVICE) else Role.OUTSIDE
