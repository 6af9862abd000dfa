"""A price list is read as it is, and every mistake in one is told with file, line and what was expected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema
import pytest
from tests.support.days import PRICES

from wavetank.document import load_schema
from wavetank.errors import InputError
from wavetank.observe.billing import Rate, Size, load_prices
from wavetank.observe.billing.prices import SCHEMA

LABS_OWN = Path(__file__).parents[4] / "labs/04-serverless/prices.yaml"
GOOD = """\
name: an example
source: https://example.org/prices
date: "2026-07-04"
currency: EUR
pay-per-use:
  million-requests: 0.2
  vcpu-second: 0
  gib-second: 0.0000166667
  rounded-up-to: 1ms
  idle:
    vcpu-second: 0
    gib-second: 0.0000041667
always-on:
  vcpu-hour: 0.0405
  gib-hour: 0.0045
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text)
    return path


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema(SCHEMA))


def test_the_labs_own_list_says_whose_prices_they_are_and_when_they_held() -> None:
    prices = load_prices(LABS_OWN)
    assert (prices.name, prices.date) == ("Google Cloud Run, regions of tier 1", date(2026, 7, 4))
    assert (prices.request, prices.execution, prices.step) == (pytest.approx(0.4e-6), Rate(24e-6, 2.5e-6), 0.1)
    assert prices.idle == Rate(2.5e-6, 2.5e-6)
    assert (prices.always_on.vcpu, prices.always_on.gib) == (pytest.approx(18e-6), pytest.approx(2e-6))
    assert "2026-07-04" in str(prices)
    assert "https://cloud.google.com/run/pricing" in str(prices)


def test_hours_and_millions_become_seconds_and_ones(tmp_path: Path) -> None:
    prices = load_prices(write(tmp_path, GOOD))
    assert prices.request == pytest.approx(0.2e-6)
    assert prices.always_on.of(Size(2, 4)) * 3600 == pytest.approx(2 * 0.0405 + 4 * 0.0045)
    assert prices.currency == "EUR"
    assert prices.step == pytest.approx(0.001)


def test_a_day_is_one_in_quotes_and_without(tmp_path: Path) -> None:
    bare = load_prices(write(tmp_path, GOOD.replace('"2026-07-04"', "2026-07-04")))
    assert bare == load_prices(write(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ('date: "2026-07-04"\n', "", 1, "'date' is a required property"),
        ('"2026-07-04"', "2026", 3, "the day they held"),
        ('"2026-07-04"', '"2026-02-30"', 3, "a day of the calendar"),
        ('"2026-07-04"', '"last summer"', 3, "the day they held"),
        ("https://example.org/prices", "hearsay", 2, "the page they were taken from"),
        ("currency: EUR", "currency: Euro", 4, "its code, as USD"),
        ("million-requests: 0.2", "million-requests: 20 cents", 6, "a price, as a number"),
        ("million-requests: 0.2", "million-requests: -0.2", 6, "minimum"),
        ("vcpu-hour: 0.0405", "vcpu-hour: true", 14, "a price, as a number"),
        ("  million-requests: 0.2\n", "", 5, "'million-requests' is a required property"),
        ("rounded-up-to: 1ms", "rounded-up-to: 1", 9, "the step in which"),
        ("rounded-up-to: 1ms", "rounded-up-to: 1h", 9, "as 100ms or 1ms"),
        ("rounded-up-to: 1ms", "rounded-up-to: 0ms", 9, "a step of time"),
        ("    gib-second: 0.0000041667", "    gib-second: 0.002", 12, "the price while a request runs"),
        ("gib-hour: 0.0045", "gib-hour: 0.0045\n  gib-day: 1", 13, "gib-day"),
        ("gib-hour: 0.0045", "gib-hour: 0.0045\n  gib-hour: 1", 16, "twice"),
        ("currency: EUR", "currency: [", 6, "YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_expected(
    tmp_path: Path, right: str, wrong: str, line: int, told: str
) -> None:
    assert GOOD.count(right) == 1
    path = write(tmp_path, GOOD.replace(right, wrong))
    with pytest.raises(InputError) as caught:
        load_prices(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert told in str(caught.value)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml"):
        load_prices(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("seconds", "billed"), [(0.001, 0.1), (0.1, 0.1), (0.1001, 0.2), (0.3, 0.3), (1.2, 1.2), (1.25, 1.3)]
)
def test_execution_time_is_paid_in_whole_steps(seconds: float, billed: float) -> None:
    assert PRICES.billed(seconds) == pytest.approx(billed)
