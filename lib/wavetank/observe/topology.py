"""Who calls whom, and how it goes: nodes and edges with their signals, as a value and as a table."""

from __future__ import annotations

from dataclasses import dataclass

from wavetank.observe.columns import columns
from wavetank.observe.reasons import Reason
from wavetank.observe.roster import Role
from wavetank.observe.signals import FLAGS, Mtls, Signals, is_error

__all__ = ["HEAD", "Edge", "Node", "Topology", "cells", "trouble"]

HEAD = (
    "from",
    "to",
    "requests",
    "a second",
    "failed",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "retries",
    "protection",
    "trouble",
)
"""The columns of an edge's `cells`."""


@dataclass(frozen=True, slots=True)
class Node:
    """Somebody who calls or is called: a workload with so many ``pods``, of which ``sidecars`` have a proxy.

    ``arriving`` is what its own sidecars say about all that comes; None when it has none, or is no workload.
    """

    name: str
    role: Role = Role.WORKLOAD
    pods: int = 0
    sidecars: int = 0
    arriving: Signals | None = None

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        if self.role is not Role.WORKLOAD:
            return str(self.role)
        if not self.pods:
            return "gone"
        if self.sidecars < self.pods:
            return f"sidecar in {self.sidecars} of {self.pods}"
        return f"{self.pods} pod{'s' if self.pods > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls of ``source`` to ``target``.

    They were counted by the caller's sidecars; by the callee's (``told_by_callee``) where the caller has none, or
    addressed a Service with several workloads behind it.
    """

    source: str
    target: str
    signals: Signals
    told_by_callee: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Topology:
    """Who called whom in ``namespace`` within ``seconds``; printed, it is a table.

    Edges stay when they are idle. ``reasons`` say why it is empty, or what is missing, and how that is mended.
    """

    namespace: str
    seconds: float
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def protection(self) -> list[tuple[str, str, bool | None]]:
        """Of each edge: source, target, whether every connection was mTLS (None when that cannot be told)."""
        told = ((edge, edge.signals.mtls) for edge in self.edges)
        return [(edge.source, edge.target, None if mtls is None else mtls is Mtls.YES) for edge, mtls in told]

    def edge(self, source: str, target: str) -> Edge | None:
        """Return the calls of ``source`` to ``target``; None when it never called."""
        return next((edge for edge in self.edges if (edge.source, edge.target) == (source, target)), None)

    def node(self, name: str) -> Node | None:
        """Return the node called ``name``; None when there is none."""
        return next((node for node in self.nodes if node.name == name), None)

    def __repr__(self) -> str:
        told = [f"namespace {self.namespace}, over {self.seconds:.0f} s"]
        if self.edges:
            words = (0, 1, len(HEAD) - 2, len(HEAD) - 1)
            told.append(columns(HEAD, [cells(edge) for edge in self.edges], words))
        return "\n".join([*told, *map(str, self.reasons)])


def cells(edge: Edge) -> tuple[str, ...]:
    """Return an edge as the cells of a table under `HEAD`."""
    signals = edge.signals
    failed = f"{signals.error_share:.1%}" if signals.codes or signals.given_up else "-"
    latencies = (_ms(signals.percentile(percent)) if signals.requests else "-" for percent in (50, 95, 99))
    counts = (f"{signals.requests}", f"{signals.rate:.1f}", failed, *latencies, f"{signals.retries}")
    return (edge.source, edge.target, *counts, signals.mtls or "unknown", trouble(signals))


def trouble(signals: Signals) -> str:
    """Return what went wrong: failed answers by status, then what happened to requests and tries, in words."""
    codes = [f"{count}x {code}" for code, count in sorted(signals.codes.items()) if is_error(code)]
    flags = [f"{signals.flags[flag]} {flag} ({words})" for flag, words in FLAGS.items() if flag in signals.flags]
    away = [f"{signals.turned_away} turned away by the sidecar"] if signals.turned_away else []
    ejected = [f"{signals.ejected} ejected just now"] if signals.ejected else []
    return ", ".join([*codes, *flags, *away, *ejected])


def _ms(latency: float | None) -> str:
    return "-" if latency is None else f"{latency:.0f}" if latency >= 10 else f"{latency:.1f}"
