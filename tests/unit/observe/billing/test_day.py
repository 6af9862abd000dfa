"""A replay stands for the day it was made from, whatever it was shortened to."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from tests.support.days import FLAT, PRICES, SIZE, TWO_PEAKS, WHOLE_POD, kept_pods, replayed

from wavetank.observe.billing import AlwaysOn, Day, Meter, PodInterval, Replay, Request, requests_of
from wavetank.observe.billing.day import DAY
from wavetank.traffic import Day as Shape
from wavetank.traffic import Second
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.profile import arrivals


def pod(began: float, ended: float | None = None, **other: float | int | str | None) -> PodInterval:
    told = {"name": "tides", "revision": "tides-00001", "began": began, "reserved": WHOLE_POD, "ended": ended}
    return PodInterval(**{**told, **other})  # type: ignore[arg-type]


def kept(*pods: PodInterval, seconds: float = 10) -> list[float]:
    """Return for each second of a replay how many pods a min-scale kept in it."""
    day = Day.of(Replay(seconds, SIZE, (), pods))
    return [round(part.kept / day.factor, 6) for part in day.slices]


def bills(replay: Replay) -> list[float]:
    meter = Meter(replay, PRICES, AlwaysOn())
    return [part.cost for bill in meter.bills for part in bill.parts] + [meter.day.peak, meter.day.requests]


def test_a_full_day_and_the_same_day_shortened_cost_the_same() -> None:
    shortened = (pod(0, 9, kept=1), pod(7, 8, revision="tides-00002"), pod(17, 20, kept=1))
    full = tuple(
        PodInterval(one.name, one.revision, one.began * 3600, one.reserved, one.kept, None, one.ended * 3600)
        for one in shortened
        if one.ended is not None
    )
    a_second_each = tuple(
        Request(hour * 3600 + second + 1, 0.05, rate) for hour, rate in enumerate(TWO_PEAKS) for second in range(3600)
    )
    assert bills(Replay(DAY, SIZE, a_second_each, full)) == pytest.approx(bills(replayed(TWO_PEAKS, shortened)))


def test_a_load_along_the_days_profile_stands_for_that_day_however_long_it_is() -> None:
    hours = [rate for _, rate in Shape().curve(5, 24)]
    area = sum((low + high) / 2 * 3600 for low, high in pairwise(hours))
    for duration in (120, 600, 3600):
        due = arrivals(Shape().curve(5, duration))
        day = Day.of(Replay(duration, SIZE, tuple(Request(moment + 0.02, 0.02) for moment in due)))
        assert day.requests == pytest.approx(area, rel=0.01)
        assert day.execution == pytest.approx(area * 0.02, rel=0.01)
        assert day.peak == 5


def test_time_is_scaled_and_rates_are_not() -> None:
    day = Day.of(replayed(FLAT, kept_pods(1)))
    assert day.factor == 3600
    assert day.requests == 4 * DAY
    assert day.peak == 4
    assert day.execution == pytest.approx(4 * DAY * 0.05)
    assert sum(part.there for part in day.slices) == pytest.approx(DAY)


def test_execution_time_is_paid_whenever_requests_end_and_is_busy_while_the_day_lasts() -> None:
    dice = random.Random(3)
    requests = tuple(Request(dice.uniform(-1, 14), dice.uniform(0, 4), dice.randint(1, 5)) for _ in range(200))
    day = Day.of(Replay(10, SIZE, requests))
    taken = sum(request.seconds * request.count for request in requests)
    within = sum(
        max(0, min(request.ended, 10) - max(request.ended - request.seconds, 0)) * request.count for request in requests
    )
    assert within < taken
    assert day.execution == pytest.approx(taken * day.factor)
    assert sum(part.busy for part in day.slices) == pytest.approx(within * day.factor)


def test_a_long_request_is_busy_in_every_second_it_runs_in() -> None:
    day = Day.of(Replay(5, SIZE, (Request(3.5, 2.0),)))
    assert [part.busy / day.factor for part in day.slices] == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_what_was_held_up_counts_for_the_peak_when_it_was_sent() -> None:
    held = tuple(Request(4, 3.5 - second) for second in range(3))
    assert Day.of(Replay(5, SIZE, held)).peak == 1


def test_the_last_second_of_a_replay_may_be_a_part_of_one() -> None:
    day = Day.of(Replay(2.5, SIZE, (Request(2.5, 0.1, 3),), (pod(0, kept=1),)))
    assert day.peak == 6
    assert [part.there / day.factor for part in day.slices] == pytest.approx([1, 1, 0.5])
    assert sum(part.kept for part in day.slices) == pytest.approx(DAY)


def test_pods_count_only_while_the_day_lasts() -> None:
    day = Day.of(Replay(10, SIZE, (), (pod(-100), pod(-20, -10), pod(8, 100), pod(30))))
    assert [round(part.there / day.factor) for part in day.slices] == [1] * 8 + [2] * 2
    assert day.slices[0].reserved.gib == pytest.approx(0.5 * day.factor)


def test_a_min_scale_keeps_so_many_pods_of_its_revision_and_never_more_than_there_are() -> None:
    assert kept(pod(0, 4), pod(2)) == [0] * 10
    assert kept(pod(0, kept=3)) == [1] * 10
    assert kept(pod(0, kept=1), pod(2.5, 4, kept=1)) == [1] * 10
    assert kept(pod(0, kept=2), pod(2.5, 4, kept=2), pod(3, 5, kept=2)) == [1, 1, 1.5, 2, 2, 1, 1, 1, 1, 1]
    assert kept(pod(0, 6, kept=1), pod(4, kept=1, revision="tides-00002")) == [1] * 4 + [2] * 2 + [1] * 4


def test_a_pod_on_its_way_out_is_there_but_not_kept() -> None:
    leaving = pod(0, 8, leaving=5.0, kept=1)
    assert kept(leaving) == [1] * 5 + [0] * 5
    day = Day.of(Replay(10, SIZE, (), (leaving,)))
    assert sum(part.there for part in day.slices) == pytest.approx(0.8 * DAY)


def test_a_second_of_a_load_becomes_its_requests() -> None:
    latencies = Latencies()
    for seconds in (0.004, 0.004, 1.2):
        latencies.record(seconds)
    second = Second(7, "2026-05-01T12:00:07Z", 3, 3, 0, {"200": 3, "refused": 1}, latencies.encode(), "")
    requests = list(requests_of(second))
    assert [(request.ended, request.count) for request in requests] == [(8, 2), (8, 1)]
    assert [request.seconds for request in requests] == pytest.approx([0.004, 1.2], rel=1e-3)
