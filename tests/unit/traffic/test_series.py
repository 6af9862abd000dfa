"""LoadSeries: what charts draw is whole at any moment, whoever adds to it."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta

import pytest

from wavetank.traffic import LoadSeries, Second
from wavetank.traffic.histogram import Latencies

BEGAN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def second(t: int, status: dict[str, int], latency: float = 0.01) -> Second:
    histogram = Latencies()
    for _ in range(sum(status.values())):
        histogram.record(latency)
    at = (BEGAN + timedelta(seconds=t)).isoformat()
    return Second(t, at, 20, 20, 0, status, histogram.encode(), Latencies().encode())


def test_nothing_yet_is_an_empty_picture() -> None:
    series = LoadSeries()
    series.mark("fault", "pod-kill on booking")

    assert series.snapshot().seconds == ()
    assert series.snapshot().marks == ()


def test_each_second_is_a_point_of_every_line() -> None:
    series = LoadSeries()
    series.add(second(0, {"200": 20}))
    series.add(second(1, {"200": 15, "503": 5}, latency=0.2))
    picture = series.snapshot()

    assert picture.seconds == (0, 1)
    assert picture.rate == (20, 20)
    assert picture.answered == (20, 15)
    assert picture.error_share == (0, 0.25)
    assert picture.p99 == pytest.approx((10, 200), rel=1e-3)
    assert "40 sent in 2 s, 5 failed" in str(series)


def test_a_second_in_which_nothing_ended_is_a_gap_in_the_line() -> None:
    series = LoadSeries()
    series.add(second(0, {}))
    picture = series.snapshot()

    assert picture.answered == (0,)
    assert math.isnan(picture.p50[0])
    assert math.isnan(picture.error_share[0])


def test_marks_stand_where_they_happened_on_the_loads_own_time_line() -> None:
    series = LoadSeries()
    series.mark("rollout", "web: v2", at=BEGAN + timedelta(seconds=7.5))
    series.mark("fault", "node-stop", at=BEGAN + timedelta(seconds=3))
    series.add(second(5, {"200": 20}))  # following began in the middle of the load

    assert [(mark.second, mark.kind, mark.text) for mark in series.snapshot().marks] == [
        (3, "fault", "node-stop"),
        (7.5, "rollout", "web: v2"),
    ]


def test_an_old_picture_does_not_change_and_a_new_one_is_never_torn() -> None:
    series = LoadSeries()
    series.add(second(0, {"200": 20}))
    first = series.snapshot()
    torn: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            picture = series.snapshot()
            lengths = {len(picture.seconds), len(picture.rate), len(picture.p99), len(picture.error_share)}
            if len(lengths) != 1 or picture.seconds != tuple(range(len(picture.seconds))):
                torn.append(str(picture))

    viewers = [threading.Thread(target=look) for _ in range(3)]
    for viewer in viewers:
        viewer.start()
    for t in range(1, 100):
        series.add(second(t, {"200": 20}))
        series.mark("scaling", str(t))
    done.set()
    for viewer in viewers:
        viewer.join()

    assert torn == []
    assert first.seconds == (0,)
    assert len(series.snapshot().marks) == 99
