"""Histograms keep three digits, travel as text and add up exactly."""

from __future__ import annotations

import random

import pytest

from wavetank.errors import InputError
from wavetank.traffic.histogram import Latencies


def latencies(*seconds: float) -> Latencies:
    histogram = Latencies()
    for one in seconds:
        histogram.record(one)
    return histogram


def test_percentiles_are_within_a_thousandth() -> None:
    dice = random.Random(1)
    values = sorted(dice.lognormvariate(-4, 1.5) for _ in range(5000))
    histogram = latencies(*values)

    for percent in (50, 90, 95, 99, 99.9):
        exact = values[round(len(values) * percent / 100) - 1]
        assert histogram.percentile(percent) == pytest.approx(exact, rel=2e-3, abs=2e-6)


def test_nothing_recorded_has_no_percentile() -> None:
    assert Latencies().percentile(99) is None
    assert Latencies().count == 0


def test_what_is_sent_as_text_adds_up_to_what_one_histogram_would_have() -> None:
    dice = random.Random(2)
    whole, summed = Latencies(), Latencies()
    for _ in range(20):
        part = Latencies()
        for _ in range(dice.randint(0, 50)):
            seconds = dice.expovariate(5)
            part.record(seconds)
            whole.record(seconds)
        summed.add(Latencies.decode(part.encode()))

    assert summed.count == whole.count
    assert [summed.percentile(p) for p in (0, 50, 99, 100)] == [whole.percentile(p) for p in (0, 50, 99, 100)]


def test_values_beyond_the_range_count_at_its_ends() -> None:
    histogram = latencies(-0.5, 0, 1e-9, 7200)

    assert histogram.count == 4
    assert histogram.percentile(50) == pytest.approx(1e-6)
    assert histogram.percentile(100) == pytest.approx(3600, rel=1e-3)


@pytest.mark.parametrize("text", ["", "!", "aGVsbG8=", latencies(1).encode()[:-8], "HISTFAAAAA"])
def test_text_that_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a latency histogram"):
        Latencies.decode(text)


def test_its_values_are_what_was_recorded_to_a_thousandth() -> None:
    dice = random.Random(4)
    recorded = sorted(dice.lognormvariate(-4, 1.5) for _ in range(500))
    told = [value for value, count in latencies(*recorded).values() for _ in range(count)]
    assert told == pytest.approx(recorded, rel=1e-3, abs=1e-6)
    assert list(Latencies().values()) == []
