"""A chart shows the last four minutes on a scale a person can read, and sends nothing that is there already."""

from __future__ import annotations

import math
from typing import Any

import pytest

from wavetank.widgets.charts import ChartMark, TimeChart
from wavetank.widgets.markup import NOTHING, html


@pytest.fixture
def chart() -> TimeChart:
    return TimeChart("Latency", lines=2)


def figure(chart: TimeChart) -> Any:
    return chart.box.children[0].children[1]


def drawn(chart: TimeChart) -> list[tuple[list[float], list[float]]]:
    """Return the points of each line."""
    return [(list(line.x), list(line.y)) for line in figure(chart).marks[:2]]


def scale(chart: TimeChart) -> tuple[float, float, float]:
    seconds, values = figure(chart).axes
    return seconds.scale.min, seconds.scale.max, values.scale.max


def test_lines_marks_and_numbers_are_shown(chart: TimeChart) -> None:
    chart.show([0, 1], ([3.0, 4.0], [5.0, 6.0]), [ChartMark(1.0, "A")], numbers=html("<b>six</b>"))
    assert drawn(chart) == [([0, 1], [3, 4]), ([0, 1], [5, 6])]
    *_, rules, letters = figure(chart).marks
    assert (list(letters.text), rules.x.ravel().tolist()) == (["A"], [1.0, 1.0])
    assert chart.box.children[1].value == "<b>six</b>"


def test_an_empty_chart_has_a_scale_too(chart: TimeChart) -> None:
    chart.show([], ([], []), numbers=NOTHING)
    assert scale(chart) == (0, 60, 1)


@pytest.mark.parametrize(("highest", "top"), [(0.4, 0.5), (18, 20), (19.5, 50), (90, 100), (400, 500), (960, 2000)])
def test_the_scale_ends_at_a_round_number_with_a_little_room(chart: TimeChart, highest: float, top: float) -> None:
    chart.show([0, 1], ([0.0, highest], [math.nan, math.nan]), numbers=NOTHING)
    assert scale(chart)[2] == pytest.approx(top)


def test_of_a_long_experiment_the_last_part_is_shown(chart: TimeChart) -> None:
    seconds = list(range(601))
    marks = [ChartMark(10.0, "A"), ChartMark(500.0, "B")]
    chart.show(seconds, (seconds, seconds), marks, numbers=NOTHING)
    assert scale(chart)[:2] == (360, 600)
    assert drawn(chart)[0][0] == list(range(360, 601))
    assert list(figure(chart).marks[-1].text) == ["B"]


def test_what_is_on_the_page_is_not_sent_again(chart: TimeChart) -> None:
    sent: list[str] = []
    for mark in figure(chart).marks:
        mark.observe(lambda change: sent.append(change["name"]))
    nothing = math.nan
    chart.show([0, 1], ([1.0, 2.0], [nothing, 3.0]), [ChartMark(1.0, "A")], numbers=NOTHING)
    assert sent
    sent.clear()
    chart.show([0, 1], ([1.0, 2.0], [nothing, 3.0]), [ChartMark(1.0, "A")], numbers=NOTHING)
    assert sent == []
