"""A check that asks a counted number of times from inside the cluster, and counts who answered, how, and how fast."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check
from wavetank.lesson.result import CheckResult
from wavetank.traffic import Answers

__all__ = ["Asked"]

_EVERY = 1.0
"""Seconds between two rounds: a sidecar does not tell when it has heard of a change."""


@dataclass(frozen=True, slots=True)
class Asked(Check):
    """Of the answers to one of the lab's questions, a share is such as ``answers`` says, or all take as long as asked.

    ``at_least`` and ``at_most`` are shares from 0 to 1, ``slower`` and ``faster`` seconds.
    """

    ask: str
    answers: Mapping[str, Any]
    at_least: float = 0.0
    at_most: float = 1.0
    slower: float = 0.0
    faster: float = float("inf")
    within: float = 8.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"asked {self.ask}, {self._wanted}"

    @property
    def _wanted(self) -> str:
        such = " and ".join(f"{name} {value}" for name, value in self.answers.items())
        if self.at_least == self.at_most:
            share = {0.0: "no answer has", 1.0: "every answer has"}.get(self.at_least, f"{self.at_least:.0%} have")
        elif self.at_most == 1.0:
            share = f"at least {self.at_least:.0%} of the answers have"
        elif self.at_least == 0.0:
            share = f"at most {self.at_most:.0%} of the answers have"
        else:
            share = f"from {self.at_least:.0%} to {self.at_most:.0%} of the answers have"
        slower = f", none before {self.slower:g} s" if self.slower else ""
        faster = f", none after {self.faster:g} s" if self.faster != float("inf") else ""
        return f"{share} {such}{slower}{faster}"

    def run(self, bench: Bench) -> CheckResult:
        """Ask until the answers are as they should be."""
        end = time.monotonic() + self.within
        answers = bench.ask(self.ask)
        if not self._holds(answers):
            bench.say(f"waiting up to {self.within:g} s: {self.claim}")
        while not self._holds(answers) and time.monotonic() < end:
            time.sleep(_EVERY)
            answers = bench.ask(self.ask)
        counted = [
            f"{count} with {name} {value}"
            for name in self.answers
            if name != "status"
            for value, count in answers.counted(name).items()
        ]
        saw = "; ".join([repr(answers), *counted])
        return self.result(
            self._holds(answers), saw, self._wanted, bench.kubectl("get", "virtualservices,destinationrules")
        )

    def _holds(self, answers: Answers) -> bool:
        in_time = all(self.slower <= answer.seconds <= self.faster for answer in answers)
        return in_time and self.at_least <= answers.share(**self.answers) <= self.at_most
