"""A check that asks until it is certain enough which share of the answers is such as it should be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check
from wavetank.lesson.result import CheckResult
from wavetank.traffic import Answers

__all__ = ["Share", "interval"]

CONFIDENCE = 0.999
"""How sure each interval is. Some five are looked at in a check: one verdict in 200 is wrong, at most."""
LEEWAY = 0.5
"""Half of the share more, or less, counts as the share: 5 to 15 in a hundred for one in ten."""
MOST = 4000
"""Answers after which the share is as near to the edge of that as makes no difference."""
_EVERY = 1.0
"""Seconds between two rounds: a sidecar does not tell when it has heard of a change."""


@dataclass(frozen=True, slots=True)
class Share(Check):
    """Of the answers to one of the lab's questions, ``share`` (0 to 1) is such as ``answers`` says.

    Nobody can tell one in ten from one in five by twenty answers. The question is asked again until the interval of
    Wilson (1927) for all answers together leaves the share out, or lies whole within half of it.
    """

    ask: str
    answers: Mapping[str, Any]
    share: float
    within: float = 8.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        such = " and ".join(f"{name} {value}" for name, value in self.answers.items())
        return f"asked {self.ask}, {self.share:.0%} of the answers have {such}"

    def run(self, bench: Bench) -> CheckResult:
        """Ask on while it is not certain; begin anew, for as long as a change may need, while it is not the share."""
        end = time.monotonic() + self.within
        asked = Answers(bench.ask(self.ask))
        bench.say(f"asking until it is certain: {self.claim}")
        while True:
            verdict = self._certain(asked)
            if verdict or (len(asked) >= MOST) or (verdict is False and time.monotonic() > end):
                break
            if verdict is False:
                time.sleep(_EVERY)
                asked = Answers()
            asked = Answers([*asked, *bench.ask(self.ask)])
        low, high = interval(self._such(asked), len(asked))
        saw = (
            f"{self._such(asked)} of {len(asked)}: with {CONFIDENCE:.1%} confidence {low:.1%} to {high:.1%}; {asked!r}"
        )
        expected = f"{self.share:.0%}: certain to be from {self._least:.1%} to {self._most:.1%}"
        return self.result(verdict is True, saw, expected, bench.kubectl("get", "virtualservices,destinationrules"))

    @property
    def _least(self) -> float:
        return self.share * (1 - LEEWAY)

    @property
    def _most(self) -> float:
        return self.share * (1 + LEEWAY)

    def _such(self, asked: Answers) -> int:
        return round(asked.share(**self.answers) * len(asked))

    def _certain(self, asked: Answers) -> bool | None:
        """Tell whether it is the share; None as long as nobody can say."""
        low, high = interval(self._such(asked), len(asked))
        if not low <= self.share <= high:
            return False
        return True if self._least <= low and high <= self._most else None


def interval(such: int, asked: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return between which shares the true one lies, when ``such`` of ``asked`` answers were so.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927: it holds for few answers
    and for shares near 0 and 1 too.
    """
    if not asked:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, z_squared = such / asked, z * z
    middle = (share + z_squared / (2 * asked)) / (1 + z_squared / asked)
    half = z / (1 + z_squared / asked) * sqrt(share * (1 - share) / asked + z_squared / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)
