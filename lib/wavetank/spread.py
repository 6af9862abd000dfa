"""How measurements are spread: a few of them, each one seen, so that a percentile is one that was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number of measurements is spread, in seconds; `of` takes at least one."""

    count: int
    least: float
    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Return the spread of measurements: a percentile is the smallest of them that so many do not exceed."""
        ordered = sorted(seconds)
        ranks = (max(1, math.ceil(percent / 100 * len(ordered))) for percent in (50, 95))
        p50, p95 = (ordered[rank - 1] for rank in ranks)
        return cls(len(ordered), ordered[0], p50, p95, ordered[-1])

    def __str__(self) -> str:
        numbers = (self.p50, self.p95, self.least, self.most)
        half, most_of_them, least, most = (f"{1000 * seconds:.1f}" for seconds in numbers)
        return f"half within {half} ms, 95 % within {most_of_them} ms, from {least} to {most} ms"
