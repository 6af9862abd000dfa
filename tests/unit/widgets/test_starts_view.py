"""StartTimes: measured on a thread of its own, drawn as dots, written as numbers, stopped by a button."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.fake_engine import BASE, FakeEngine
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.images import Ended
from wavetank.widgets import StartTimes
from wavetank.widgets.dots import DotChart
from wavetank.widgets.markup import NOTHING

REF = BASE.tags[0]


class Paced:
    """An engine whose containers wait until a test lets them go."""

    def __init__(self) -> None:
        self.engine, self.go = FakeEngine(), threading.Event()
        self.go.set()
        self.engine.on_run = self._run

    def _run(self, ref: str, command: tuple[str, ...]) -> Ended:
        self.go.wait(10)
        return Ended(0, str(time.time_ns() + 400_000_000))


@pytest.fixture
def paced() -> Paced:
    return Paced()


@pytest.fixture
def view(paced: Paced) -> Iterator[StartTimes]:
    view = StartTimes(paced.engine, REF, 4)
    view.start()
    yield view
    paced.go.set()
    view.close()


def dots(chart: DotChart) -> list[tuple[list[float], list[float]]]:
    figure: Any = chart.box.children[0].children[1]
    return [(list(mark.x), list(mark.y)) for mark in figure.marks]


def test_it_measures_when_asked_and_writes_what_it_draws(view: StartTimes) -> None:
    assert repr(view) == "none of 4 starts measured yet"
    eventually(lambda: "nothing measured yet" in seen(view), "that nothing is measured")
    press(view, "Measure")
    eventually(lambda: "measured: 4 of 4 starts" in seen(view), "all starts")
    containers, processes = dots(view._chart)
    assert containers[0] == processes[0] == [1, 2, 3, 4]
    assert containers[1] == [1000 * second for second in view.starts.container]
    assert f"least {1000 * min(view.starts.container):.1f} {1000 * min(view.starts.process):.1f}" in seen(view)
    assert repr(view).startswith("4 of 4 starts measured\n  a container: half within 4")


def test_pressing_keeps_nobody_waiting_and_the_button_is_off_meanwhile(view: StartTimes, paced: Paced) -> None:
    paced.go.clear()
    began = time.monotonic()
    press(view, "Measure")
    assert time.monotonic() - began < 5
    assert view._measure.disabled
    eventually(lambda: "measuring: 0 of 4 starts" in seen(view) and not view._stop.disabled, "that it measures")
    paced.go.set()
    eventually(lambda: not view._measure.disabled and view._stop.disabled, "the end")


def test_it_can_be_stopped_and_tells_what_it_has(view: StartTimes, paced: Paced) -> None:
    paced.go.clear()
    press(view, "Measure")
    eventually(lambda: not view._stop.disabled, "that it measures")
    press(view, "Stop")
    paced.go.set()
    eventually(lambda: "ended early: 1 of 4 starts" in seen(view), "the end")
    assert paced.engine.containers == {}


def test_closing_it_ends_the_measuring(view: StartTimes, paced: Paced) -> None:
    paced.go.clear()
    press(view, "Measure")
    eventually(lambda: paced.engine.started == 1, "the first start")
    view.close()
    paced.go.set()
    eventually(lambda: not view._measuring, "the end")
    assert paced.engine.started == 1


def test_what_goes_wrong_is_told_on_the_page(view: StartTimes, paced: Paced) -> None:
    paced.engine.on_run = lambda ref, command: Ended(127, "no python3 here")
    press(view, "Measure")
    eventually(lambda: "did not say when it began" in seen(view), "the error")
    assert "no python3 here" in seen(view)
    eventually(lambda: not view._measure.disabled, "the button")


def test_the_series_differ_by_shape_and_one_chart_is_not_sent_twice() -> None:
    chart = DotChart("Milliseconds", "each", series=2)
    figure: Any = chart.box.children[0].children[1]
    assert len({mark.marker for mark in figure.marks}) == 2
    sent: list[str] = []
    for mark in figure.marks:
        mark.observe(lambda change: sent.append(change["name"]))
    chart.show([[400.0, 900.0], [20.0]], 4, numbers=NOTHING)
    assert sent
    assert (figure.axes[0].scale.max, figure.axes[1].scale.max) == (5, 1000)
    sent.clear()
    chart.show([[400.0, 900.0], [20.0]], 4, numbers=NOTHING)
    assert sent == []


def test_as_many_are_measured_as_the_form_says(view: StartTimes) -> None:
    view._count.value = 2
    press(view, "Measure")
    eventually(lambda: repr(view).startswith("2 of 2 starts measured"), "two starts")
