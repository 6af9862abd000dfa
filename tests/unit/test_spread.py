"""Percentiles of a few measurements."""

from wavetank.spread import Spread


def test_a_spread_is_made_of_values_that_were_measured() -> None:
    assert Spread.of([0.03, 0.01, 0.02]) == Spread(3, 0.01, 0.02, 0.03, 0.03)
    assert Spread.of([float(n) for n in range(100, 0, -1)]) == Spread(100, 1.0, 50.0, 95.0, 100.0)
    assert Spread.of([7.0]) == Spread(1, 7.0, 7.0, 7.0, 7.0)
