"""CostMeter: a day is replayed at the press of a button; its bills are shown, drawn, and written."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.days import FLAT, TWO_PEAKS, kept_pods, replayed
from tests.support.moving import ROOT, MovingCluster
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube
from wavetank.lesson import LabSession
from wavetank.observe.billing import Replay
from wavetank.traffic import Load, Target
from wavetank.widgets import CostMeter
from wavetank.widgets import costmeter as module
from wavetank.widgets.curves import CurveChart
from wavetank.widgets.markup import NOTHING, html

DAY = Load("day", Target("tides"), rate=5, duration=24)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabSession]:
    shutil.copy(ROOT / "labs/04-serverless/prices.yaml", tmp_path)
    with MovingCluster(tmp_path) as cluster:
        yield cluster.open_lab(loads={"day": DAY})


class Paced:
    """Stands for the replaying: says how far it is, and ends when a test lets it, or when it is stopped."""

    def __init__(self) -> None:
        self.go, self.days = threading.Event(), [replayed(TWO_PEAKS, kept_pods(1))]
        self.go.set()

    def replay_day(
        self,
        kube: Kube,
        namespace: str,
        load: Load,
        service: str,
        *,
        say: Callable[[str], None],
        stop: threading.Event,
    ) -> Replay:
        assert (load, service) == (DAY, "tides")
        say("replaying the day: 7 of 24 s, 7 requests")
        while not self.go.wait(0.01):
            if stop.is_set():
                raise KubeError("the day was not replayed to its end")
        return self.days.pop(0)


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Paced:
    paced = Paced()
    monkeypatch.setattr(module, "replay_day", paced.replay_day)
    return paced


@pytest.fixture
def view(lab: LabSession, paced: Paced) -> Iterator[CostMeter]:
    view = CostMeter(lab, "day", "tides")
    view.start()
    yield view
    view.close()


def figure(chart: CurveChart) -> Any:
    return chart.box.children[0].children[1]


def letters(view: CostMeter) -> list[str]:
    return list(figure(view._chart).marks[-1].text)


def test_before_a_day_was_replayed_it_says_so_and_whose_prices_it_knows(view: CostMeter) -> None:
    assert repr(view).startswith(
        "no day replayed yet; prices: Google Cloud Run, regions of tier 1, list prices of 2026"
    )
    eventually(lambda: "no day replayed yet" in seen(view), "that there is none")
    eventually(
        lambda: "2026-07-04" in seen(view) and "https://cloud.google.com/run/pricing" in seen(view), "the prices"
    )
    assert view._stop.disabled


def test_a_press_replays_the_day_and_shows_its_bills(view: CostMeter) -> None:
    press(view, "Replay the day")
    eventually(lambda: "break-even:" in seen(view), "the bills")
    page = seen(view)
    assert repr(view).startswith("a day of 223,200 requests of 50.0 ms")
    assert view.meter is not None
    for words in (view.meter.subject, view.meter.cheaper, view.meter.where_even, view.meter.warning):
        assert words in page
    for bill in view.meter.bills:
        assert f"{bill.title} {bill.cost:,.2f}" in page
        assert all(part.what in page for part in bill.parts)


def test_the_curves_are_drawn_with_their_numbers_beside_them(view: CostMeter) -> None:
    view.replay()
    eventually(lambda: letters(view) == ["A", "B"], "the marks")
    assert view.meter is not None
    even = view.meter.break_even
    assert even is not None
    used, kept, rules, _ = figure(view._chart).marks
    assert used.line_style != kept.line_style
    assert list(used.y) == [point.pay_per_use for point in view.meter.points]
    assert list(kept.x) == [point.requests for point in view.meter.points]
    assert rules.x.ravel().tolist() == pytest.approx([223_200, 223_200, even.requests, even.requests])
    assert f"B, break-even {even.requests:,.0f} {even.cost:,.2f} {even.cost:,.2f}" in seen(view)


def test_another_deployment_is_reckoned_with_at_once_without_another_replay(view: CostMeter) -> None:
    view.replay()
    eventually(lambda: "1 replica, day and night" in seen(view), "the bills")
    view._replicas.value = 3
    eventually(lambda: "3 replicas, day and night" in seen(view), "three replicas")
    view._holds.value = 2
    eventually(lambda: "10 replicas, day and night" in seen(view), "as many as the peak needs")
    assert "10 replicas" in repr(view)


def test_it_says_how_far_it_is_and_its_buttons_fit(view: CostMeter, paced: Paced) -> None:
    paced.go.clear()
    press(view, "Replay the day")
    eventually(lambda: "replaying the day: 7 of 24 s" in seen(view) and not view._stop.disabled, "that it replays")
    assert view._start.disabled
    paced.go.set()
    eventually(lambda: view._stop.disabled and not view._start.disabled, "the end")
    eventually(lambda: "function tides replayed" in seen(view), "that it is over")


def test_a_stopped_day_has_no_bill_and_leaves_the_one_before(view: CostMeter, paced: Paced) -> None:
    view.replay()
    paced.go.clear()
    press(view, "Replay the day")
    eventually(lambda: not view._stop.disabled, "that it replays")
    press(view, "Stop")
    eventually(lambda: "was not replayed to its end" in seen(view), "the complaint")
    assert repr(view).startswith("a day of 223,200 requests")


def test_closing_it_ends_the_replay(view: CostMeter, paced: Paced) -> None:
    paced.go.clear()
    press(view, "Replay the day")
    eventually(lambda: not view._stop.disabled, "that it replays")
    view.close()
    eventually(lambda: not view._replaying, "its end")


def test_a_second_day_takes_the_place_of_the_first(view: CostMeter, paced: Paced) -> None:
    paced.days.append(replayed(FLAT))
    view.replay()
    assert "min-scale keeps 1" in repr(view)
    view.replay()
    assert repr(view).startswith("a day of 345,600 requests")
    assert "min-scale keeps" not in repr(view)
    eventually(lambda: "345,600" in seen(view) and "min-scale keeps" not in seen(view), "the second day")


def test_its_text_is_the_same_for_the_same_day_and_has_no_ids(view: CostMeter) -> None:
    view.replay()
    text = view._repr_mimebundle_()["text/plain"]
    assert text == repr(view)
    assert not re.search(r"0x[0-9a-f]+|[0-9a-f]{8}", text)


def test_a_price_list_with_a_mistake_is_told_with_its_line(lab: LabSession, tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(path.read_text().replace("million-requests: 0.40", "million-requests: much"))
    with pytest.raises(InputError, match=r"prices\.yaml:\d+: pay-per-use/million-requests: 'much'"):
        CostMeter(lab, "day", "tides")


def test_a_chart_has_a_scale_without_anything_and_sends_nothing_twice() -> None:
    chart = CurveChart("USD a month", "over requests a day", curves=2)
    chart.show([], [[], []], numbers=NOTHING)
    across, values = figure(chart).axes
    assert (across.scale.max, values.scale.max) == (1, 1)
    sent: list[str] = []
    for mark in figure(chart).marks:
        mark.observe(lambda change: sent.append(change["name"]))
    chart.show([0, 400], [[0.0, 3.0], [2.0, 2.0]], [(200, "B")], numbers=html("<b>two</b>"))
    assert sent
    assert (across.scale.max, values.scale.max) == (400, 5)
    assert list(across.tick_values) == [0, 100, 200, 300, 400]
    assert chart.box.children[1].value == "<b>two</b>"
    sent.clear()
    chart.show([0, 400], [[0.0, 3.0], [2.0, 2.0]], [(200, "B")], numbers=html("<b>two</b>"))
    assert sent == []
