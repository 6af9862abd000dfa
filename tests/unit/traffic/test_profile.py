"""Schedules are the exact integral of their curves, whatever the curve."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from wavetank.traffic.profile import PROFILES, Curve, Day, Profile, Ramp, Spike, Steady, Trace, arrivals, rate_at

STEPS = 20_000


def area(curve: Curve, begin: float, end: float) -> float:
    """Integrate by small steps: slow, and nothing like the code under test."""
    width = (end - begin) / STEPS
    return sum(rate_at(curve, begin + (step + 0.5) * width) for step in range(STEPS)) * width


def random_loads(count: int) -> list[tuple[Profile, float, float]]:
    dice = random.Random(20)
    loads: list[tuple[Profile, float, float]] = []
    for _ in range(count):
        rate, duration = dice.uniform(0.3, 200), dice.uniform(0.5, 60)
        seconds = sorted(dice.uniform(0, duration) for _ in range(dice.randint(1, 12)))
        points = tuple((second, dice.choice([0.0, dice.uniform(0, rate)])) for second in seconds)
        profiles: list[Profile] = [
            Steady(),
            Ramp(dice.choice([0.0, rate, dice.uniform(0, rate)])),
            Spike(),
            Spike(dice.uniform(0, rate), dice.uniform(0, duration), dice.uniform(0, duration)),
            Day(),
            Trace(points),
        ]
        loads += [(profile, rate, duration) for profile in profiles]
    return loads


@pytest.mark.parametrize(("profile", "rate", "duration"), random_loads(6))
def test_every_schedule_follows_its_curve(profile: Profile, rate: float, duration: float) -> None:
    curve = profile.curve(rate, duration)
    due = list(arrivals(curve))

    assert all(earlier <= later for earlier, later in pairwise(due))
    assert all(0 <= second <= duration for second in due)
    one_request_and_a_step_at_each_jump = 1.01 + 2 * rate * duration / STEPS
    for begin, end in [(0, duration), (0, duration / 3), (duration / 4, duration / 2), (duration / 2, duration)]:
        within = sum(begin <= second < end for second in due)
        assert within == pytest.approx(area(curve, begin, end), abs=one_request_and_a_step_at_each_jump)


@pytest.mark.parametrize(("profile", "rate", "duration"), random_loads(5))
def test_no_profile_exceeds_the_rate(profile: Profile, rate: float, duration: float) -> None:
    curve = profile.curve(rate, duration)

    assert curve[0][0] == 0
    assert curve[-1][0] == duration
    assert all(0 <= wanted <= rate for _, wanted in curve)


def test_steady_is_evenly_spaced_and_begins_at_once() -> None:
    due = list(arrivals(Steady().curve(rate=20, duration=60)))

    assert len(due) == 1200
    assert due == pytest.approx([k / 20 for k in range(1200)])


def test_a_ramp_from_zero_has_its_middle_request_after_the_middle() -> None:
    due = list(arrivals(Ramp().curve(rate=10, duration=10)))

    assert len(due) == 50
    assert due[25] == pytest.approx(10 * math.sqrt(25 / 50))


def test_a_spike_jumps_at_once_and_falls_at_once() -> None:
    curve = Spike(base=1, at=10, length=5).curve(rate=100, duration=30)

    assert rate_at(curve, 9.999) == 1
    assert rate_at(curve, 10) == 100
    assert rate_at(curve, 14.999) == 100
    assert rate_at(curve, 15) == 1


def test_a_spike_longer_than_the_load_ends_with_it() -> None:
    curve = Spike(base=0, at=5, length=60).curve(rate=10, duration=10)

    assert list(arrivals(curve))[-1] < 10
    assert len(list(arrivals(curve))) == 50


def test_a_day_is_busiest_in_the_evening_and_begins_as_it_ends() -> None:
    curve = Day().curve(rate=100, duration=240)

    assert rate_at(curve, 180) == 100
    assert rate_at(curve, 30) < 10
    assert rate_at(curve, 0) == rate_at(curve, 240)


def test_a_trace_is_level_before_its_first_and_after_its_last_point() -> None:
    curve = Trace(((2, 4), (4, 8))).curve(rate=100, duration=10)

    assert [rate_at(curve, second) for second in (0, 1, 2, 3, 4, 9)] == [4, 4, 4, 6, 8, 8]


def test_a_trace_longer_than_the_load_is_cut_off() -> None:
    curve = Trace(((0, 0), (100, 100))).curve(rate=100, duration=10)

    assert curve == ((0, 0), (10, 10))


def test_a_curve_at_zero_sends_nothing() -> None:
    assert list(arrivals(Trace(((0, 0),)).curve(rate=5, duration=60))) == []


def test_profiles_are_known_by_the_names_of_the_resource() -> None:
    assert list(PROFILES) == ["steady", "ramp", "spike", "day", "trace"]
