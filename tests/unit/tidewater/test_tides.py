"""The tides: a table that is right, and a gauge that makes those who share an instance wait."""

import threading
import time
from itertools import pairwise

import pytest
from tests.support.tidewater import running


@pytest.fixture(scope="module")
def tides():
    with running("tides") as service:
        yield service


def test_high_and_low_water_take_turns_about_twice_a_day(tides):
    table = tides.ask("GET", "/tides?from=2026-07-01&days=29").json["tides"]
    kinds = [turn["water"] for turn in table]
    assert all(one != other for one, other in pairwise(kinds))
    assert len(table) == pytest.approx(29 * 24 / 6.21, abs=2)  # half of M2's 12.42 hours from turn to turn
    highs, lows = ([turn["metres"] for turn in table if turn["water"] == kind] for kind in ("high", "low"))
    assert min(highs) > 0 > max(lows)
    assert max(highs) > 1.3 * min(highs)  # springs and neaps
    assert table[0]["at"].startswith("2026-07-01T")


def test_the_same_question_has_the_same_answer(tides):
    assert tides.ask("GET", "/tides?from=2026-07-01").json == tides.ask("GET", "/tides?from=2026-07-01&days=1").json
    assert 3 <= len(tides.ask("GET", "/tides").json["tides"]) <= 4


@pytest.mark.parametrize(
    "path",
    [
        "/tides?days=0",
        "/tides?days=367",
        "/tides?days=many",
        "/tides?from=yesterday",
        "/tides?from=9999-12-31",
        "/level?seconds=nan",
        "/level?seconds=21",
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(tides, path):
    answer = tides.ask("GET", path)
    assert answer.status == 400
    assert "expected" in answer.json["error"]


def test_readers_of_one_gauge_wait_for_one_another(tides):
    levels = []
    threads = [
        threading.Thread(target=lambda: levels.append(tides.ask("GET", "/level?seconds=0.5").json["metres"]))
        for _ in range(4)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 4 * 0.5
    assert len(levels) == 4
    assert all(-3 < level < 3 for level in levels)
