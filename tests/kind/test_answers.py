"""The answers to one exercise, handed in on the real cluster by what `wavetank prove LAB EXERCISE --answers` runs.

Whose turn it is goes by the number of commits, so that it changes by itself from landing to landing;
``$WAVETANK_ANSWERS`` names another (``LAB EXERCISE``). All of them: `wavetank prove --answers`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from wavetank.kube import Kube
from wavetank.lesson import find_lab, lab_ids
from wavetank.prove import Case, State, prove_labs

pytestmark = [pytest.mark.kind, pytest.mark.timeout(1800)]

CHOSEN = "WAVETANK_ANSWERS"


def in_turn() -> tuple[str, str]:
    """Return the lab and the exercise whose answers are tried now."""
    if chosen := os.environ.get(CHOSEN):
        lab, exercise = chosen.split()
        return lab, exercise
    count = ["git", "rev-list", "--count", "HEAD"]
    commits = subprocess.run(count, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=30, check=True)
    exercises = [(id_, exercise.id) for id_ in lab_ids() for exercise in find_lab(id_).exercises]
    return exercises[int(commits.stdout) % len(exercises)]


def test_every_answer_gets_the_right_verdict(knative_kube: Kube, capsys: pytest.CaptureFixture[str]) -> None:
    lab, exercise = in_turn()

    def tell(case: Case) -> None:
        with capsys.disabled():
            print(f"  {case.state} {case.name} {case.seconds:.1f} s {case.told}", flush=True)

    with capsys.disabled():
        print(f"\nthe answers to {lab} {exercise}; ${CHOSEN} names another exercise")
    proof = prove_labs([lab], [exercise], parts=["answers"], tell=tell)
    assert proof.cases
    assert [f"{case.name}: {case.told} ({case.why})" for case in proof.cases if case.state is not State.PROVEN] == []
