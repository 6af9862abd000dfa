"""Every bill is the sum that the raw records give, reckoned here again in another way."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from tests.support.days import (
    FLAT,
    HOURS,
    NOTHING,
    ONE_BURST,
    PRICES,
    SIZE,
    TWO_PEAKS,
    WHOLE_POD,
    kept_pods,
    replayed,
)

from wavetank.errors import InputError
from wavetank.observe.billing import AlwaysOn, Day, PodInterval, Replay, Request
from wavetank.observe.billing.bill import Bill, always_on, money, own_nodes, pay_per_use

A_MONTH = 30 * 24 * 3600


def costs(bill: Bill) -> dict[str, float]:
    return {part.what: part.cost for part in bill.parts}


def random_replays(count: int) -> list[Replay]:
    """Return replays of eight seconds with requests as they come, and pods of two revisions as they come."""
    dice = random.Random(11)
    replays = []
    for _ in range(count):
        requests = tuple(Request(dice.uniform(0.5, 8), dice.uniform(0.001, 0.5)) for _ in range(dice.randint(0, 60)))
        pods = tuple(
            PodInterval("pod", revision, began, WHOLE_POD, kept, None, dice.choice([None, began + dice.randint(1, 6)]))
            for revision, kept in (("one", dice.randint(0, 3)), ("two", 0))
            for began in (dice.randint(-3, 7) for _ in range(dice.randint(0, 5)))
        )
        replays.append(Replay(8, SIZE, requests, pods))
    return replays


@pytest.mark.parametrize("replay", random_replays(12))
def test_all_bills_are_what_the_raw_records_add_up_to(replay: Replay) -> None:
    days = 30 * 86400 / 8  # how often the eight seconds fit into a month
    used = len(replay.requests) * 0.4e-6
    used += sum(math.ceil(r.seconds * 10) / 10 * (0.1 * 24e-6 + 0.25 * 2.5e-6) for r in replay.requests)
    idle = held = 0.0
    for second in range(8):
        there = [p for p in replay.pods if p.began <= second and (p.ended is None or second < p.ended)]
        kept = [p.kept for p in there if p.kept]
        busy = sum(max(0.0, min(r.ended, second + 1) - max(r.ended - r.seconds, second)) for r in replay.requests)
        idle += max(0.0, min(len(kept), max(kept, default=0)) - busy)
        held += len(there) * (0.2 * 18e-6 + 0.5 * 2e-6)
    used += idle * (0.1 * 2.5e-6 + 0.25 * 2.5e-6)

    day = Day.of(replay)
    assert pay_per_use(day, PRICES).cost == pytest.approx(used * days)
    assert own_nodes(day, PRICES).cost == pytest.approx(held * days)
    assert always_on(day, PRICES, AlwaysOn(2, 1000)).cost == pytest.approx(2 * (0.1 * 18e-6 + 0.25 * 2e-6) * A_MONTH)
    assert all(part.cost >= 0 for part in own_nodes(day, PRICES).parts)


def test_a_bill_has_its_parts_with_how_much_of_each() -> None:
    bill = pay_per_use(Day.of(replayed(FLAT, kept_pods(1))), PRICES)
    requests, execution, idle = bill.parts
    assert (requests.quantity, requests.unit) == (pytest.approx(4 * A_MONTH), "requests")
    assert (execution.quantity, execution.unit) == (pytest.approx(4 * A_MONTH * 0.1 / 3600), "hours")
    assert idle.quantity == pytest.approx((1 - 4 * 0.05) * 720)
    assert bill.cost == pytest.approx(requests.cost + execution.cost + idle.cost)


def test_the_step_of_the_execution_time_is_paid_for() -> None:
    day = Day.of(replayed(FLAT, seconds=0.012))
    coarse, fine = (
        costs(pay_per_use(day, replace(PRICES, step=step)))["execution time, rounded up"] for step in (0.1, 0.001)
    )
    assert coarse / fine == pytest.approx(100 / 12)


def test_idle_instances_cost_only_where_a_min_scale_keeps_them() -> None:
    kept = kept_pods(3)
    free = tuple(replace(pod, kept=0) for pod in kept)
    with_it, without = (pay_per_use(Day.of(replayed(ONE_BURST, pods)), PRICES) for pods in (kept, free))
    assert costs(without)["idle, kept by min-scale"] == 0
    assert with_it.cost - without.cost == pytest.approx(23 / 24 * 3 * A_MONTH * (0.1 + 0.25) * 2.5e-6)


def test_a_day_without_requests_costs_what_is_kept_and_what_is_always_on() -> None:
    nothing = Day.of(replayed(NOTHING))
    assert pay_per_use(nothing, PRICES).cost == 0
    assert own_nodes(nothing, PRICES).cost == 0
    assert always_on(nothing, PRICES, AlwaysOn()).cost == pytest.approx(0.1 * 18e-6 * A_MONTH + 0.25 * 2e-6 * A_MONTH)
    kept = Day.of(replayed(NOTHING, kept_pods(2)))
    assert pay_per_use(kept, PRICES).cost == pytest.approx(2 * (0.1 + 0.25) * 2.5e-6 * A_MONTH)


def test_the_nodes_tell_pods_that_work_from_those_that_are_kept_and_those_that_come_and_go() -> None:
    passing = PodInterval("more", "tides-00002", 9, WHOLE_POD, 1, None, 15)
    told = costs(own_nodes(Day.of(replayed(ONE_BURST, (*kept_pods(1), passing))), PRICES))
    an_hour_a_day = 30 * 3600 * (0.2 * 18e-6 + 0.5 * 2e-6)
    assert told == {
        "while requests run": pytest.approx(2 * an_hour_a_day),
        "idle, kept by min-scale": pytest.approx(23 * an_hour_a_day),
        "idle, coming and going": pytest.approx(5 * an_hour_a_day),
    }


@pytest.mark.parametrize(
    ("rates", "replicas"), [(FLAT, 1), (TWO_PEAKS, 2), (ONE_BURST, 6), (NOTHING, 1), ((10,) * HOURS, 1)]
)
def test_a_deployment_is_as_big_as_the_busiest_moment_asks_for(rates: tuple[int, ...], replicas: int) -> None:
    bill = always_on(Day.of(replayed(rates)), PRICES, AlwaysOn(1, 10))
    assert bill.parts[0].quantity == replicas * 720


def test_a_deployment_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="replicas is wrong"):
        AlwaysOn(0, 10)
    with pytest.raises(InputError, match="holds is wrong"):
        AlwaysOn(1, 0)


@pytest.mark.parametrize(
    ("amount", "told"), [(0, "0.00"), (0.0001, "< 0.01"), (0.006, "0.01"), (1.005, "1.00"), (12345.6, "12,345.60")]
)
def test_money_is_told_to_the_cent(amount: float, told: str) -> None:
    assert money(amount) == told
