"""Totals go on through restarts, silence and pods that come and go."""

from __future__ import annotations

from wavetank.observe.ledger import Ledger, entered, periods
from wavetank.observe.roster import MeshPod, Roster
from wavetank.observe.scrape import Look
from wavetank.observe.stats import ProxyStats, Stats

CLUSTER = "outbound|80||booking.mesh.svc.cluster.local"


def look(at: float, silent: tuple[str, ...] = (), **counts: int) -> Look:
    """Return a look at the pods named: each has sent so many requests, or is silent."""
    pods = tuple(MeshPod(name, name, "mesh", "web") for name in (*counts, *silent))
    stats = {name: ProxyStats({CLUSTER: Stats({"upstream_rq_total": count})}) for name, count in counts.items()}
    return Look(at, Roster("mesh", pods), stats, dict.fromkeys(silent, "no answer"))


def counted(*looks: Look) -> dict[str, int]:
    """Return what each pod counted from the first to the last of ``looks``."""
    first = ledger = entered(Ledger(), looks[0])
    for one in looks[1:]:
        ledger = entered(ledger, one)
    told = periods(first, ledger)
    return {period.pod.name: period.clusters[CLUSTER].risen.count("upstream_rq_total") for period in told}


def test_what_was_counted_before_the_first_look_does_not_count() -> None:
    assert counted(look(0, a=100), look(1, a=130)) == {"a": 30}


def test_a_restarted_proxy_goes_on_where_it_was() -> None:
    assert counted(look(0, a=100), look(1, a=130), look(2, a=5), look(3, a=140)) == {"a": 30 + 5 + 135}


def test_all_that_a_new_pod_counted_was_counted_since() -> None:
    assert counted(look(0, a=100), look(1, a=100, b=7)) == {"a": 0, "b": 7}


def test_a_pod_that_was_only_silent_is_not_new() -> None:
    assert counted(look(0, ("b",), a=1), look(1, a=1, b=500), look(2, a=1, b=510)) == {"a": 0, "b": 10}


def test_a_pod_that_is_silent_for_a_while_loses_nothing() -> None:
    assert counted(look(0, a=1), look(1, ("a",)), look(2, a=9)) == {"a": 8}


def test_what_a_pod_counted_stays_when_it_goes() -> None:
    assert counted(look(0, a=1, b=1), look(1, a=2, b=11), look(2, a=3)) == {"a": 2, "b": 10}


def test_the_first_pods_of_an_empty_namespace_are_new() -> None:
    assert counted(look(0), look(1, a=4)) == {"a": 4}
