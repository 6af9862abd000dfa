"""What the cost meter says: the bills, which way is the cheaper one, from where on, and what min-scale costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.days import FLAT, NOTHING, ONE_BURST, PRICES, TWO_PEAKS, kept_pods, replayed

from wavetank.observe.billing import AlwaysOn, Meter, PodInterval, Replay

ONE = AlwaysOn(1, 50)


def meter(rates: tuple[int, ...], pods: tuple[PodInterval, ...] = (), deployment: AlwaysOn = ONE) -> Meter:
    return Meter(replayed(rates, pods), PRICES, deployment)


def test_printed_it_is_all_bills_and_what_to_think_of_them() -> None:
    assert repr(meter(TWO_PEAKS, kept_pods(1))).splitlines() == [
        "a day of 223,200 requests of 50.0 ms, at most 20 a second, on 0.1 vCPU and 256 MiB; replayed in 24 s",
        "in a month                              how much    USD",
        "pay per use                                        6.68",
        "  requests                    6,696,000 requests   2.68",
        "  execution time, rounded up         186.0 hours   2.03",
        "  idle, kept by min-scale            627.0 hours   1.98",
        "always on                                          5.96",
        "  1 replica, day and night           720.0 hours   5.96",
        "on your own nodes                                 11.92",
        "  while requests run                  93.0 hours   1.54",
        "  idle, kept by min-scale            627.0 hours  10.38",
        "  idle, coming and going               0.0 hours   0.00",
        "always on is cheaper than pay per use by 0.72 USD a month",
        "break-even: 186,899 requests a day, where both cost 5.96; beyond 558,000 always on needs another replica",
        "min-scale keeps 1 of tides-00002: nothing ran in 87.1% of their time, for 1.98 of 6.68 USD a month",
        "coming and going is more than in the day: pods start, and are let go, as slowly as ever, "
        "while the day went by 3600 times as fast",
        "prices: an example, list prices of 2026-07-04 without a free tier, execution time in steps of 100ms "
        "(https://example.org/prices)",
    ]


def test_the_min_scale_that_quietly_cost_a_month_is_named_and_is_gone_with_its_pods() -> None:
    quiet = (0,) * 20 + (1,) + (0,) * 3
    with_it, without = meter(quiet, kept_pods(3)), meter(quiet)
    assert with_it.warning.startswith("min-scale keeps 3 of tides-00002: nothing ran in 99.9% of their time, for 6.80")
    assert with_it.pay_per_use.parts[-1].cost / with_it.pay_per_use.cost > 0.98
    assert with_it.where_even.startswith("break-even: none; what min-scale keeps costs more than always on")
    assert without.warning == ""
    assert without.pay_per_use.cost == pytest.approx(with_it.pay_per_use.cost - with_it.pay_per_use.parts[-1].cost)


def test_pods_that_nobody_asked_to_keep_are_no_warning() -> None:
    passing = tuple(replace(pod, kept=0) for pod in kept_pods(3))
    assert meter(FLAT, passing).warning == ""


def test_each_revision_is_named_with_what_it_keeps() -> None:
    both = (*kept_pods(2), *kept_pods(1, "tides-00001"))
    assert "keeps 1 of tides-00001 and 2 of tides-00002:" in meter(FLAT, both).warning


def test_which_way_is_cheaper_is_said_either_way() -> None:
    assert meter(FLAT).cheaper == "always on is cheaper than pay per use by 1.32 USD a month"
    assert meter(FLAT, deployment=AlwaysOn(2, 50)).cheaper.startswith("pay per use is cheaper than always on by 4.64")


def test_a_day_that_never_pays_a_deployment_says_so() -> None:
    assert "none; however many requests come as on this day" in meter(ONE_BURST).where_even


def test_a_day_without_requests_is_told_too() -> None:
    told = meter(NOTHING, kept_pods(1))
    assert told.subject.startswith("a day of 0 requests, at most 0 a second")
    assert told.where_even == "break-even: none, for a day without requests has no shape to go by"
    assert told.points == ()
    assert "nothing ran in 100.0% of their time" in repr(told)


def test_the_curves_reach_beyond_this_day_and_the_break_even() -> None:
    near, far = meter(FLAT), meter((1,) * 24, deployment=AlwaysOn(3, 50))
    assert near.points[-1].requests == pytest.approx(2 * near.day.requests)
    assert far.break_even is not None
    assert far.points[-1].requests == pytest.approx(2 * far.break_even.requests)


def test_a_day_that_took_a_day_needs_no_footnote() -> None:
    assert Meter(Replay(86400, replayed(FLAT).size), PRICES, ONE).footnote == ""
