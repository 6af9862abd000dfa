"""What a check answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CheckResult"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a behaviour was seen. ``claim`` is the behaviour in words, the same whatever was measured.

    ``saw`` is what was measured instead, ``expected`` what should have been, ``look`` a command that shows more.
    """

    passed: bool
    claim: str
    saw: str = ""
    expected: str = ""
    look: str = ""

    @property
    def verdict(self) -> str:
        """One line that depends on nothing measured."""
        return f"{'passed' if self.passed else 'not yet'}: {self.claim}"

    def __str__(self) -> str:
        parts = (("saw", self.saw), ("expected", self.expected), ("look", self.look))
        return "\n".join([self.verdict, *(f"  {label}: {text}" for label, text in parts if text)])

    __repr__ = __str__
