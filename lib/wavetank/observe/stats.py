"""What one Envoy has counted, read from its statistics in Prometheus' text format.

The names are Envoy's (https://www.envoyproxy.io/docs/envoy/latest: statistics of clusters, of outlier detection, of the
HTTP connection manager, of the fault filter), the names of clusters Istio's: ``outbound|80|v2|timetable.ns.svc...`` is
version v2 of a Service as this proxy calls it, ``inbound|8080||`` the application behind this proxy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

__all__ = ["FILTER", "Destination", "ProxyStats", "Stats", "destination", "parse_stats", "plus", "rise"]

_CLUSTER_COUNTERS = (
    "ssl.handshake",
    "upstream_cx_connect_fail",
    "upstream_cx_destroy_remote_with_active_rq",
    "upstream_cx_none_healthy",
    "upstream_cx_total",
    "upstream_rq_active_overflow",
    "upstream_rq_cancelled",
    "upstream_rq_completed",
    "upstream_rq_pending_failure_eject",
    "upstream_rq_pending_overflow",
    "upstream_rq_per_try_timeout",
    "upstream_rq_retry",
    "upstream_rq_retry_limit_exceeded",
    "upstream_rq_rx_reset",
    "upstream_rq_timeout",
    "upstream_rq_total",
)
_CLUSTER_GAUGES = (
    "membership_healthy",
    "outlier_detection.ejections_active",
    "upstream_rq_active",
    "upstream_rq_pending_active",
)
_MANAGER_COUNTERS = (
    "downstream_cx_ssl_total",
    "downstream_cx_total",
    "downstream_rq_completed",
    "downstream_rq_response_before_rq_complete",
    "downstream_rq_rx_reset",
    "downstream_rq_total",
    "fault.aborts_injected",
    "fault.delays_injected",
)
_MANAGER_GAUGES = ("downstream_cx_active", "downstream_cx_ssl_active")
_CODES = {"upstream_rq": "response_code", "downstream_rq": "response_code_class"}
"""Metrics with a label for each status, or class of them."""
_LATENCY = "upstream_rq_time_bucket"


def _either(*names: str) -> str:
    return "|".join(name.replace(".", r"\.") for name in names)


_OF_CLUSTER = _either(*_CLUSTER_COUNTERS, *_CLUSTER_GAUGES) + r"|upstream_rq_\d{3}|upstream_rq_time"
_OF_MANAGER = _either(*_MANAGER_COUNTERS, *_MANAGER_GAUGES) + r"|downstream_rq_\dxx"
FILTER = rf"^(cluster\.(inbound|outbound)\|.*\.({_OF_CLUSTER})|http\.(inbound|outbound)_.*\.({_OF_MANAGER}))$"
"""What is read, as a regular expression on Envoy's own names: the parameter ``filter`` of ``/stats/prometheus``."""

_COUNTERS = frozenset(name.replace(".", "_") for name in (*_CLUSTER_COUNTERS, *_MANAGER_COUNTERS))
_GAUGES = frozenset(name.replace(".", "_") for name in (*_CLUSTER_GAUGES, *_MANAGER_GAUGES))
_OWNERS = {"cluster": "cluster_name", "http": "http_conn_manager_prefix"}
_LINE = re.compile(r"^envoy_(cluster|http)_(\w+)\{([^}]*)\} ([0-9]{1,20})$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Stats:
    """The statistics of one cluster, or of one HTTP connection manager.

    ``counters`` and ``gauges`` by their name; ``codes`` are answers by status ("503"), a manager's by class ("5xx");
    ``buckets`` are answers by latency: how many took at most so many milliseconds.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    buckets: Mapping[float, int] = field(default_factory=dict)

    def count(self, *names: str) -> int:
        """Return the sum of the counters called ``names``; what was never counted is 0."""
        return sum(self.counters.get(name, 0) for name in names)

    def gauge(self, *names: str) -> int:
        """Return the sum of the gauges called ``names``."""
        return sum(self.gauges.get(name, 0) for name in names)


@dataclass(frozen=True, slots=True)
class ProxyStats:
    """The statistics of one proxy: its clusters and its HTTP connection managers that have counted anything, by name.

    ``included`` is false when the proxy does not keep these statistics at all (``proxyStatsMatcher``).
    """

    clusters: Mapping[str, Stats] = field(default_factory=dict)
    managers: Mapping[str, Stats] = field(default_factory=dict)
    included: bool = True


class Destination(NamedTuple):
    """Where a cluster leads: a subset (version) of a host, empty for all of it."""

    host: str
    subset: str = ""


def destination(cluster: str) -> Destination | None:
    """Return where an outbound cluster leads; None for a cluster of another kind."""
    match cluster.split("|"):
        case ["outbound", _, subset, host]:
            return Destination(host, subset)
        case _:
            return None


def parse_stats(text: str) -> ProxyStats:
    """Read what ``/stats/prometheus`` answered; lines of other statistics are passed over, and what is none."""
    read: dict[str, dict[str, Stats]] = {kind: {} for kind in _OWNERS}
    for kind, metric, labels, value in _LINE.findall(text):
        told = dict(_LABEL.findall(labels))
        _enter(read[kind], told.get(_OWNERS[kind], ""), metric, told, value)
    clusters, managers = (
        {name: stats for name, stats in found.items() if stats.counters} for found in (read["cluster"], read["http"])
    )
    return ProxyStats(clusters, managers, included=any(read.values()))


def _enter(found: dict[str, Stats], owner: str, metric: str, labels: Mapping[str, str], value: str) -> None:
    """Put one line where it belongs."""
    part: str
    key: str | float | None
    if metric in _COUNTERS:
        part, key = "counters", metric
    elif metric in _GAUGES:
        part, key = "gauges", metric
    elif metric == _LATENCY:
        part, key = "buckets", _bound(labels.get("le", ""))
    elif code := labels.get(_CODES.get(metric, ""), ""):
        part, key = "codes", code
    else:
        return
    if key is None:
        return
    stats = found.get(owner) or found.setdefault(owner, Stats({}, {}, {}, {}))
    getattr(stats, part)[key] = int(value)


def _bound(text: str) -> float | None:
    """Return the upper end of a bucket, which may be infinity; None for what is none."""
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def rise(before: Stats, after: Stats) -> Stats:
    """Return what was counted between two readings; gauges are as they are ``after``.

    A counter that has fallen began again at 0, as Prometheus' ``rate()`` takes it: a proxy that was restarted. Where a
    cluster's configuration changes, Envoy goes on with most of its counters, and forgets codes and buckets.
    """
    return Stats(
        {name: _risen(before.counters.get(name, 0), now) for name, now in after.counters.items()},
        after.gauges,
        after.codes if _forgot_codes(before, after) else _risen_together(before.codes, after.codes),
        _risen_together(before.buckets, after.buckets),
    )


def plus(one: Stats, other: Stats) -> Stats:
    """Return the sum of what two proxies say."""
    return Stats(
        _sum(one.counters, other.counters),
        _sum(one.gauges, other.gauges),
        _sum(one.codes, other.codes),
        _sum(one.buckets, other.buckets),
    )


_K = TypeVar("_K", str, float)


def _risen(before: int, now: int) -> int:
    return now - before if now >= before else now


def _forgot_codes(before: Stats, after: Stats) -> bool:
    """Tell whether codes began again, also when each has overtaken its old count: as many answers then have none."""
    missing = [stats.count("upstream_rq_completed") - sum(stats.codes.values()) for stats in (before, after)]
    return missing[1] - missing[0] >= sum(before.codes.values())


def _risen_together(before: Mapping[_K, int], after: Mapping[_K, int]) -> Mapping[_K, int]:
    if any(after.get(key, 0) < counted for key, counted in before.items()):
        return after
    return {key: now - before.get(key, 0) for key, now in after.items()}


def _sum(one: Mapping[_K, int], other: Mapping[_K, int]) -> Mapping[_K, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}
