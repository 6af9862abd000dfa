"""A share is asked for until it is certain enough: no luck on either side."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest

from wavetank.lesson import CheckResult
from wavetank.lesson.checks.share import MOST, Share, interval
from wavetank.traffic import Answer, Answers

ROUND = 200


def asked(share: float, *first: float, seed: int = 1) -> tuple[CheckResult, int]:
    """Ask somebody of whose answers ``share`` are v2, after rounds of ``first``; the verdict, and how often it took."""
    dice, shares, rounds = random.Random(seed), iter(first), 0

    def ask(name: str) -> Answers:
        nonlocal rounds
        rounds += 1
        now = next(shares, share)
        bodies = [json.dumps({"timetable": "v2" if dice.random() < now else "v1"}) for _ in range(ROUND)]
        return Answers(Answer(200, 0.01, body) for body in bodies)

    bench: Any = SimpleNamespace(ask=ask, say=lambda words: None, kubectl=lambda *words: "kubectl get virtualservices")
    check = Share("passengers", {"timetable": "v2"}, share=0.1, within=0.0 if not first else 30.0)
    return check.run(bench), rounds


@pytest.mark.parametrize("seed", range(20))
def test_one_in_ten_is_found_to_be_so(seed: int) -> None:
    result, rounds = asked(0.1, seed=seed)
    assert result.passed, result.saw
    assert rounds <= MOST / ROUND


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_another_share_never_passes_and_is_told_soon(share: float, seed: int) -> None:
    result, rounds = asked(share, seed=seed)
    assert not result.passed
    assert "99.9% confidence" in result.saw
    assert result.expected == "10%: certain to be from 5.0% to 15.0%"
    assert rounds <= 6


def test_a_change_that_is_not_heard_of_at_once_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavetank.lesson.checks.share._EVERY", 0.0)
    result, _ = asked(0.1, 0.0, 0.0)
    assert result.passed, result.saw


@pytest.mark.parametrize(("such", "of", "low", "high"), [(0, 0, 0.0, 1.0), (0, 100, 0.0, 0.1), (10, 100, 0.03, 0.24)])
def test_an_interval_is_wide_for_few_answers(such: int, of: int, low: float, high: float) -> None:
    found = interval(such, of)
    assert found[0] == pytest.approx(low, abs=0.01)
    assert found[1] == pytest.approx(high, abs=0.02)
