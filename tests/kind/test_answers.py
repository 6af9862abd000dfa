"""The answers kept for one lab, handed in on the real cluster by what `wavetank prove LAB --answers` runs.

Which lab's turn it is goes by the number of commits, so that it changes by itself from landing to landing;
``$WAVETANK_ANSWERS`` names another.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from wavetank.kube import Kube
from wavetank.lesson import lab_ids
from wavetank.lesson.library import LABS
from wavetank.prove import Case, State, prove_labs
from wavetank.prove.written import answers_of

pytestmark = [pytest.mark.kind, pytest.mark.alone, pytest.mark.timeout(3600)]

CHOSEN = "WAVETANK_ANSWERS"


def in_turn() -> str:
    """The lab whose answers are tried now."""
    labs = [id_ for id_ in lab_ids() if answers_of(LABS, id_).is_dir()]
    count = ["git", "rev-list", "--count", "HEAD"]
    commits = subprocess.run(count, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=30, check=True)
    return os.environ.get(CHOSEN) or labs[int(commits.stdout) % len(labs)]


def test_every_answer_gets_the_right_verdict(kube: Kube, capsys: pytest.CaptureFixture[str]) -> None:
    lab = in_turn()

    def tell(case: Case) -> None:
        with capsys.disabled():
            print(f"  {case.state} {case.name} {case.seconds:.1f} s {case.told}", flush=True)

    with capsys.disabled():
        print(f"\nthe answers of {lab}, by the number of commits; {CHOSEN} names another")
    proof = prove_labs([lab], parts=["answers"], tell=tell)
    assert proof.cases
    assert [f"{case.name}: {case.told} ({case.why})" for case in proof.cases if case.state is not State.PROVEN] == []
