"""What every check is: a claim in words, and a look at the cluster that ends in a `CheckResult`."""

from __future__ import annotations

from abc import ABC, abstractmethod

from wavetank.lesson.bench import Bench
from wavetank.lesson.result import CheckResult

__all__ = ["Check", "with_trouble"]


class Check(ABC):
    """One behaviour; its fields are the parameters in ``lab.yaml``, durations in seconds."""

    @property
    @abstractmethod
    def claim(self) -> str:
        """Say what is asserted, in words that depend on the parameters alone."""

    @abstractmethod
    def run(self, bench: Bench) -> CheckResult:
        """Look, wait within the check's own bound, and answer."""

    def result(self, passed: bool, saw: str, expected: str, look: str) -> CheckResult:
        """Answer with this check's claim; where to look only matters when it did not pass."""
        return CheckResult(True, self.claim, saw) if passed else CheckResult(False, self.claim, saw, expected, look)


def with_trouble(saw: str, bench: Bench, selector: dict[str, str]) -> str:
    """Return ``saw`` and, if a pod of ``selector`` is not ready, why."""
    trouble = bench.trouble(selector)
    return f"{saw}; {trouble}" if trouble else saw
