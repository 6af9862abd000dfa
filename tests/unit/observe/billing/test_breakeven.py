"""The break-even is where both ways cost the same, and it is the first such place; looked for here by brute force."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from tests.support.days import FLAT, NOTHING, ONE_BURST, PRICES, TWO_PEAKS, kept_pods, replayed

from wavetank.observe.billing import AlwaysOn, Day
from wavetank.observe.billing.breakeven import break_even, curve

A_REQUEST = 0.4e-6 + 0.1 * (0.1 * 24e-6 + 0.25 * 2.5e-6)
A_REPLICA = (0.1 * 18e-6 + 0.25 * 2e-6) * 86400
A_KEPT_SECOND = (0.1 + 0.25) * 2.5e-6


def used(rates: tuple[int, ...], kept: int, times: float) -> float:
    """Return what a day costs by use, when each of its requests takes 50 ms."""
    idle = sum(max(0.0, kept - times * rate * 0.05) for rate in rates) * 86400 / len(rates)
    return times * sum(rates) * 86400 / len(rates) * A_REQUEST + idle * A_KEPT_SECOND


@pytest.mark.parametrize("rates", [FLAT, TWO_PEAKS])
def test_where_requests_are_spread_it_is_a_replicas_price_by_a_requests(rates: tuple[int, ...]) -> None:
    found = break_even(Day.of(replayed(rates)), PRICES, AlwaysOn(1, 50))
    assert found is not None
    assert found.requests == pytest.approx(A_REPLICA / A_REQUEST)
    assert found.cost == pytest.approx(30 * A_REPLICA)
    assert found.holds == pytest.approx(50 / max(rates) * sum(rates) * 3600)


def test_a_burst_and_then_nothing_never_pays_for_replicas_that_stand_idle() -> None:
    day = Day.of(replayed(ONE_BURST))
    assert break_even(day, PRICES, AlwaysOn(1, 50)) is None
    # Unless one replica holds all of it: an hour's worth of requests as dear as the replica's day.
    enough = A_REPLICA / A_REQUEST / 3600
    assert break_even(day, PRICES, AlwaysOn(1, enough * 0.99)) is None
    found = break_even(day, PRICES, AlwaysOn(1, enough * 1.01))
    assert found is not None
    assert found.requests == pytest.approx(A_REPLICA / A_REQUEST)


def test_two_replicas_at_least_move_it_twice_as_far() -> None:
    one, two = (break_even(Day.of(replayed(FLAT)), PRICES, AlwaysOn(replicas, 50)) for replicas in (1, 2))
    assert one is not None
    assert two is not None
    assert two.requests == pytest.approx(2 * one.requests)


def test_what_min_scale_keeps_idle_brings_it_nearer() -> None:
    found = break_even(Day.of(replayed(TWO_PEAKS, kept_pods(1))), PRICES, AlwaysOn(1, 50))
    assert found is not None
    times = found.requests / (sum(TWO_PEAKS) * 3600)
    assert used(TWO_PEAKS, 1, times) == pytest.approx(A_REPLICA)
    assert found.requests < 0.75 * A_REPLICA / A_REQUEST


def test_kept_instances_may_cost_more_than_a_deployment_by_themselves() -> None:
    assert used(FLAT, 3, 0) > A_REPLICA
    found = break_even(Day.of(replayed(FLAT, kept_pods(3))), PRICES, AlwaysOn(1, 50))
    assert found is not None
    assert found.requests == 0


def test_a_day_without_requests_has_none() -> None:
    day = Day.of(replayed(NOTHING, kept_pods(1)))
    assert break_even(day, PRICES, AlwaysOn()) is None
    assert curve(day, PRICES, AlwaysOn(), 1000) == ()


def random_days(count: int) -> list[tuple[tuple[int, ...], int, AlwaysOn]]:
    dice = random.Random(5)
    return [
        (
            (*(dice.choice([0, 0, 1, dice.randint(1, 30)]) for _ in range(23)), dice.randint(1, 30)),
            dice.randint(0, 3),
            AlwaysOn(dice.randint(1, 3), dice.uniform(2, 60)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(("rates", "kept", "deployment"), random_days(25))
def test_it_is_the_first_place_where_the_deployment_is_not_the_dearer_one(
    rates: tuple[int, ...], kept: int, deployment: AlwaysOn
) -> None:
    peak, step = max(rates), 0.002
    first_full = deployment.replicas * deployment.holds / peak
    crossing = next(
        (
            share * first_full
            for share in (number * step for number in range(round(8 / step)))
            if max(deployment.replicas, math.ceil(share * first_full * peak / deployment.holds - 1e-9)) * A_REPLICA
            <= used(rates, kept, share * first_full)
        ),
        None,
    )
    found = break_even(Day.of(replayed(rates, kept_pods(kept))), PRICES, deployment)
    if crossing is None:
        assert found is None
    else:
        assert found is not None
        assert found.requests / (sum(rates) * 3600) == pytest.approx(crossing, abs=step * first_full)


def test_the_curves_cross_at_the_break_even_and_jump_where_a_replica_is_added() -> None:
    day, deployment = Day.of(replayed(FLAT)), AlwaysOn(1, 5)
    found = break_even(day, PRICES, deployment)
    assert found is not None
    points = curve(day, PRICES, deployment, 1_000_000)
    assert (points[0].requests, points[0].pay_per_use) == (0, 0)
    assert points[-1].requests == pytest.approx(1_000_000)
    below = [point for point in points if point.requests < found.requests]
    assert below
    assert all(point.pay_per_use < point.always_on for point in below)
    jumps = [
        (before.requests, after.always_on / before.always_on)
        for before, after in pairwise(points)
        if before.always_on != after.always_on
    ]
    assert jumps == [(pytest.approx(432_000), pytest.approx(2)), (pytest.approx(864_000), pytest.approx(1.5))]
