"""A day that was replayed on a real cluster costs what its raw records add up to, reckoned here by looking each ms."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.support.days import PRICES

from wavetank.observe.billing import Day, Meter, PodInterval, Replay, Request, Size
from wavetank.observe.billing.bill import AlwaysOn, own_nodes, pay_per_use

RECORDED = Path(__file__).with_name("recorded")
MILLISECONDS = 1000


@pytest.fixture(scope="module", params=["kept", "free"])
def recorded(request: pytest.FixtureRequest) -> Any:
    return json.loads((RECORDED / f"{request.param}.json").read_text())


def replay(recorded: Any) -> Replay:
    pods = (PodInterval(**{**pod, "reserved": Size(**pod["reserved"])}) for pod in recorded["pods"])
    requests = (Request(**one) for one in recorded["requests"])
    return Replay(recorded["duration"], Size(**recorded["size"]), tuple(requests), tuple(pods))


def test_its_bills_are_the_sum_of_the_raw_records(recorded: Any) -> None:
    requests, pods, seconds = recorded["requests"], recorded["pods"], int(recorded["duration"])
    used = sum(one["count"] for one in requests) * PRICES.request
    for one in requests:
        billed = math.ceil(round(one["seconds"] / PRICES.step, 9)) * PRICES.step
        used += one["count"] * billed * PRICES.execution.of(Size(**recorded["size"]))
    held = 0.0
    for second in range(seconds):
        busy = kept = 0.0
        for moment in ((millisecond + 0.5) / MILLISECONDS + second for millisecond in range(MILLISECONDS)):
            busy += sum(one["count"] for one in requests if one["ended"] - one["seconds"] <= moment < one["ended"])
            there = [pod for pod in pods if pod["began"] <= moment < (pod["ended"] or seconds)]
            staying = [pod["kept"] for pod in there if pod["kept"] and moment < (pod["leaving"] or seconds)]
            kept += min(len(staying), max(staying, default=0))
            held += sum(PRICES.always_on.of(Size(**pod["reserved"])) for pod in there) / MILLISECONDS
        used += max(0.0, kept - busy) / MILLISECONDS * PRICES.idle.of(Size(**recorded["size"]))

    month = 30 * 86_400 / seconds
    day = Day.of(replay(recorded))
    assert pay_per_use(day, PRICES).cost == pytest.approx(used * month, rel=1e-3)
    assert own_nodes(day, PRICES).cost == pytest.approx(held * month, rel=1e-3)


def test_what_was_kept_is_named_and_what_was_not_is_no_warning(recorded: Any) -> None:
    kept = {pod["revision"]: pod["kept"] for pod in recorded["pods"] if pod["kept"]}
    told = Meter(replay(recorded), PRICES, AlwaysOn()).warning
    assert bool(told) is bool(kept)
    assert all(f"{count} of {revision}" in told for revision, count in kept.items())
