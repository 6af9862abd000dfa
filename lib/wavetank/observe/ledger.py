"""Totals that never fall: what each proxy has counted, over all looks, whatever was restarted in between.

The difference between two ledgers is what happened between them, also for pods that came or went meanwhile. Lost is
only what a proxy counted between the last look at it and its end, or a reset: the more looks, the less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from wavetank.observe.roster import MeshPod
from wavetank.observe.scrape import Look
from wavetank.observe.signals import Span
from wavetank.observe.stats import ProxyStats, Stats, plus, rise

__all__ = ["Account", "Ledger", "Period", "entered", "periods"]


@dataclass(frozen=True, slots=True)
class Account:
    """What the proxy of one pod has counted.

    ``latest`` is what it said last, ``total`` never falls. ``opening`` is the total as it stood for whoever began to
    look before this pod was first read: nothing for a new pod, all of whose requests came since.
    """

    pod: MeshPod
    latest: ProxyStats
    total: ProxyStats
    opening: ProxyStats


@dataclass(frozen=True, slots=True)
class Ledger:
    """The accounts of every pod ever read, by its uid, at a moment (seconds of a monotonic clock).

    ``asked`` are the uids of all pods whose proxy was asked, whether it answered or not.
    """

    at: float = -inf
    accounts: Mapping[str, Account] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Period:
    """What one proxy counted between two ledgers, by cluster and by HTTP connection manager."""

    pod: MeshPod
    clusters: Mapping[str, Span]
    managers: Mapping[str, Span]


def entered(ledger: Ledger, look: Look) -> Ledger:
    """Return the ledger after ``look``; who did not answer keeps the account it has."""
    accounts = dict(ledger.accounts)
    for pod in look.roster.pods:
        stats = look.stats.get(pod.uid)
        account = accounts.get(pod.uid)
        if stats and account:
            accounts[pod.uid] = replace(account, pod=pod, latest=stats, total=_carried_on(account, stats))
        elif stats:
            was_there = ledger.at == -inf or pod.uid in ledger.asked
            accounts[pod.uid] = Account(pod, stats, stats, stats if was_there else ProxyStats())
    return Ledger(look.at, accounts, ledger.asked | look.stats.keys() | look.silent.keys())


def periods(then: Ledger, now: Ledger) -> list[Period]:
    """Return what every proxy counted from ``then`` to ``now``."""
    return [
        _period(account, then.accounts[uid].total if uid in then.accounts else account.opening)
        for uid, account in now.accounts.items()
    ]


def _period(account: Account, before: ProxyStats) -> Period:
    total, latest = account.total, account.latest
    return Period(
        account.pod,
        _spans(before.clusters, total.clusters, latest.clusters),
        _spans(before.managers, total.managers, latest.managers),
    )


def _spans(
    before: Mapping[str, Stats], after: Mapping[str, Stats], since_start: Mapping[str, Stats]
) -> dict[str, Span]:
    return {
        name: Span(before.get(name, Stats()), stats, since_start.get(name, Stats())) for name, stats in after.items()
    }


def _carried_on(account: Account, stats: ProxyStats) -> ProxyStats:
    total, latest = account.total, account.latest
    return ProxyStats(
        _totals(total.clusters, latest.clusters, stats.clusters),
        _totals(total.managers, latest.managers, stats.managers),
        stats.included,
    )


def _totals(total: Mapping[str, Stats], before: Mapping[str, Stats], now: Mapping[str, Stats]) -> dict[str, Stats]:
    """Add to ``total`` what was counted between two readings of a proxy; gauges are as they are now."""
    moved = {
        name: replace(plus(total.get(name, Stats()), rise(before.get(name, Stats()), stats)), gauges=stats.gauges)
        for name, stats in now.items()
    }
    return {**total, **moved}
