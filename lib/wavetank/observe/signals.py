"""The golden signals of one way through the mesh: rate, errors, latency, and how it was protected.

What a caller's sidecar has counted about a destination is the truth for that caller: answers it got, requests it gave
up on, and what happened to single tries on the way, which retries may have hidden from it. The flags are those of
Envoy's access log (https://www.envoyproxy.io/docs/envoy/latest, "response flags").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from math import isinf
from typing import NamedTuple

from wavetank.observe.stats import Stats, plus, rise

__all__ = ["FLAGS", "Injected", "Mtls", "Signals", "Span", "arriving", "is_error", "leaving"]

FLAGS: Mapping[str, str] = {
    "UT": "a try timed out",
    "UO": "refused by a circuit breaker",
    "UF": "no connection came about",
    "UH": "no pod was healthy",
    "UC": "the connection broke",
    "UR": "reset by the other side",
    "URX": "no retry was left",
    "DC": "the caller gave up",
    "FI": "aborted by an injected fault",
    "DI": "delayed by an injected fault",
}
"""What a flag stands for, of a request or of one try of it."""

_TRIES: Mapping[str, tuple[str, ...]] = {
    "UT": ("upstream_rq_timeout", "upstream_rq_per_try_timeout"),
    "UO": ("upstream_rq_pending_overflow", "upstream_rq_active_overflow"),
    "UF": ("upstream_rq_pending_failure_eject",),
    "UH": ("upstream_cx_none_healthy",),
    "UC": ("upstream_cx_destroy_remote_with_active_rq",),
    "UR": ("upstream_rq_rx_reset",),
    "URX": ("upstream_rq_retry_limit_exceeded",),
}
_NEVER_SENT = ("upstream_rq_cancelled", *_TRIES["UO"], *_TRIES["UF"], *_TRIES["UH"])
"""Tries that ended before they had a connection: they are not in ``upstream_rq_total``."""
_IN_FLIGHT = ("upstream_rq_active", "upstream_rq_pending_active")


class Mtls(StrEnum):
    """How connections were protected."""

    YES = "mTLS"
    NO = "plaintext"
    MIXED = "partly mTLS"


class Span(NamedTuple):
    """What one proxy has counted: at the beginning of an interval, at its end, and since the proxy started.

    The first two never fall; see `wavetank.observe.ledger`.
    """

    before: Stats
    after: Stats
    since_start: Stats

    @property
    def risen(self) -> Stats:
        """What was counted in the interval."""
        return rise(self.before, self.after)


class Injected(NamedTuple):
    """Requests an injected fault has aborted with ``status``, or delayed."""

    aborts: int = 0
    delays: int = 0
    status: str = ""


NONE_INJECTED = Injected()


@dataclass(frozen=True, slots=True)
class Signals:
    """What happened in ``seconds``.

    ``requests`` have ended, one way or another. ``codes`` counts answers by status (by class, "4xx", where only that is
    known), ``flags`` what happened to requests and tries, by Envoy's flag. Of the requests, ``given_up`` ended because
    the caller did not wait, ``turned_away`` by the callee's sidecar before they reached its application. ``retries``
    are tries beyond the first. ``buckets`` are answers by latency in ms, cumulative; Envoy brings them up to date every
    five seconds only. ``mtls`` is None when it cannot be told. ``ejected`` pods get no requests just now.
    """

    seconds: float
    requests: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)
    given_up: int = 0
    turned_away: int = 0
    retries: int = 0
    buckets: Mapping[float, int] = field(default_factory=dict)
    mtls: Mtls | None = None
    ejected: int = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def retry_rate(self) -> float:
        """Retries a second."""
        return self.retries / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> int:
        """How many requests ended without an answer of 1xx to 3xx."""
        return self.given_up + sum(count for code, count in self.codes.items() if is_error(code))

    @property
    def error_share(self) -> float:
        """The failed share of the requests, 0 to 1; 0 when there were none."""
        return min(1.0, self.errors / self.requests) if self.requests else 0.0

    def percentile(self, percent: float) -> float | None:
        """Return the latency in ms that ``percent`` per cent of the answers did not exceed; None without answers.

        Linear inside a bucket, the last finite bound above it: as Prometheus' ``histogram_quantile``.
        """
        total = max(self.buckets.values(), default=0)
        if not total:
            return None
        rank, below, counted = total * percent / 100, 0.0, 0
        for bound, count in sorted(self.buckets.items()):
            if isinf(bound):
                break
            if count >= rank:
                return below + (bound - below) * (rank - counted) / (count - counted)
            below, counted = bound, count
        return below


def is_error(code: str) -> bool:
    """Tell whether a status ("503") or a class of them ("5xx") is no answer a caller could use."""
    return not code.startswith(("1", "2", "3"))


def leaving(
    spans: Sequence[Span], managers: Sequence[Span], seconds: float, injected: Injected = NONE_INJECTED
) -> Signals:
    """Return the signals of an edge, from the cluster that stands for it in every pod of the caller.

    Aborted requests never reach a cluster: they come on top. ``managers`` are the pods' outbound connection managers.
    """
    risen = _together(span.risen for span in spans)
    given_up = _given_up(risen, spans, managers)
    flags = {flag: risen.count(*names) for flag, names in _TRIES.items()}
    flags |= {"DC": given_up, "FI": injected.aborts, "DI": injected.delays}
    codes = Counter(risen.codes)
    codes[injected.status] += injected.aborts
    return Signals(
        seconds=seconds,
        requests=risen.count("upstream_rq_completed") + given_up + injected.aborts,
        codes=+codes,
        flags=+Counter(flags),
        given_up=given_up,
        retries=risen.count("upstream_rq_retry"),
        buckets=risen.buckets,
        mtls=_leaving_mtls(risen, _together(span.since_start for span in spans)),
        ejected=max((span.after.gauge("outlier_detection_ejections_active") for span in spans), default=0),
    )


def arriving(managers: Sequence[Span], clusters: Sequence[Span], seconds: float) -> Signals:
    """Return the signals of a workload, from its pods' inbound connection managers and the clusters behind them.

    The first have counted whatever came, the second what reached the application.
    """
    came, reached = _together(span.risen for span in managers), _together(span.risen for span in clusters)
    given_up = _given_up(reached, clusters, managers)
    # Authorization (403), a missing token (401), a rate limit (429): a sidecar that turns a request away answers 4xx.
    away = max(0, came.codes.get("4xx", 0) - sum(count for code, count in reached.codes.items() if code[0] == "4"))
    return Signals(
        seconds=seconds,
        requests=reached.count("upstream_rq_completed") + given_up + away,
        codes=+Counter({**reached.codes, "4xx": away}),
        flags=+Counter({"DC": given_up}),
        given_up=given_up,
        turned_away=away,
        buckets=reached.buckets,
        mtls=_arriving_mtls(came, _together(span.since_start for span in managers)),
    )


def _together(parts: Iterable[Stats]) -> Stats:
    return reduce(plus, parts, Stats())


def _given_up(risen: Stats, spans: Sequence[Span], managers: Sequence[Span]) -> int:
    """Return how many requests were begun and are neither answered nor under way: nobody waited for them any more.

    A proxy does not say all its numbers at the same instant. So they are no more than the managers were hung up on; an
    answer sent before the request was read to its end (by a fault, by a breaker) is a hang-up to Envoy too.
    """
    begun = risen.count("upstream_rq_total", *_NEVER_SENT) - risen.count("upstream_rq_retry")
    under_way = sum(span.after.gauge(*_IN_FLIGHT) - span.before.gauge(*_IN_FLIGHT) for span in spans)
    resets, early = (
        sum(span.risen.count(name) for span in managers)
        for name in ("downstream_rq_rx_reset", "downstream_rq_response_before_rq_complete")
    )
    return max(0, min(begun - risen.count("upstream_rq_completed") - under_way, resets - early))


def _leaving_mtls(risen: Stats, since_start: Stats) -> Mtls | None:
    """Judge by the connections made in the interval; without any, by all there were, if they were all alike."""
    return _judged(_leaving_connections(risen), _leaving_connections(since_start))


def _arriving_mtls(risen: Stats, since_start: Stats) -> Mtls | None:
    return _judged(_arriving_connections(risen), _arriving_connections(since_start))


def _leaving_connections(stats: Stats) -> tuple[int, int]:
    """Return how many connections were encrypted, and how many came about at least.

    One that failed did not, one that a request waits for has not yet, one whose request did not wait may not have.
    """
    unborn = stats.count("upstream_cx_connect_fail", "upstream_rq_cancelled")
    unborn += stats.gauge("upstream_rq_pending_active")
    return stats.count("ssl_handshake"), stats.count("upstream_cx_total") - unborn


def _arriving_connections(stats: Stats) -> tuple[int, int]:
    return stats.count("downstream_cx_ssl_total"), stats.count("downstream_cx_total")


def _judged(now: tuple[int, int], since_start: tuple[int, int]) -> Mtls | None:
    verdict = _verdict(*now)
    if verdict is None:
        earlier = _verdict(*since_start)
        return None if earlier is Mtls.MIXED else earlier
    return verdict


def _verdict(encrypted: int, made: int) -> Mtls | None:
    if made <= 0:
        return None
    if not encrypted:
        return Mtls.NO
    return Mtls.YES if encrypted >= made else Mtls.MIXED
