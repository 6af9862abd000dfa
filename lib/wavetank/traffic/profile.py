"""Profiles: how many requests a second a load wants at each moment, and when each request is due.

Every profile is a piecewise linear curve of (second, requests per second), so one exact piece of arithmetic turns any
of them into a schedule: request k is due when the area under the curve reaches k. Nothing here is random and nothing
looks at a clock: the same profile gives the same schedule, to be compared with what really happened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar, Protocol

__all__ = ["PROFILES", "Curve", "Day", "Profile", "Ramp", "Spike", "Steady", "Trace", "arrivals", "rate_at"]

Curve = tuple[tuple[float, float], ...]
"""Points (second, requests per second) in order of time; two points at one second are a jump."""

# A ferry company's day, hour by hour, in per cent of its busiest hour: commuters in the morning, more in the evening.
_HOURS = (4, 3, 2, 2, 4, 12, 35, 70, 85, 60, 45, 42, 50, 48, 45, 50, 70, 95, 100, 75, 45, 28, 15, 8, 4)

# The area under a curve is a sum of floats: a request this close to its end is beyond it.
_ROUNDING = 1e-9


class Profile(Protocol):
    """A shape of load over time."""

    name: ClassVar[str]

    def curve(self, rate: float, duration: float) -> Curve:
        """Return the curve with its peak at ``rate`` requests per second, from 0 to ``duration`` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """The same rate all the time."""

    name: ClassVar[str] = "steady"

    def curve(self, rate: float, duration: float) -> Curve:
        """Return a level line."""
        return ((0.0, rate), (duration, rate))


@dataclass(frozen=True, slots=True)
class Ramp:
    """A straight line from ``start`` requests per second to the full rate."""

    name: ClassVar[str] = "ramp"
    start: float = 0.0

    def curve(self, rate: float, duration: float) -> Curve:
        """Return a line from ``start`` to ``rate``."""
        return ((0.0, self.start), (duration, rate))


@dataclass(frozen=True, slots=True)
class Spike:
    """Calm, then the full rate at once, then calm again.

    ``base`` is the calm rate (a tenth of the full rate if not given); the spike begins at second ``at`` and lasts
    ``length`` seconds (if not given: the middle third).
    """

    name: ClassVar[str] = "spike"
    base: float | None = None
    at: float | None = None
    length: float | None = None

    def curve(self, rate: float, duration: float) -> Curve:
        """Return a step up and a step down."""
        base = rate / 10 if self.base is None else self.base
        begin = min(duration / 3 if self.at is None else self.at, duration)
        end = min(begin + (duration / 3 if self.length is None else self.length), duration)
        return ((0.0, base), (begin, base), (begin, rate), (end, rate), (end, base), (duration, base))


@dataclass(frozen=True, slots=True)
class Day:
    """A day's traffic, from midnight to midnight, compressed into the load's duration."""

    name: ClassVar[str] = "day"

    def curve(self, rate: float, duration: float) -> Curve:
        """Return 24 hours, the busiest at ``rate``."""
        last = len(_HOURS) - 1
        return tuple((hour / last * duration, share / 100 * rate) for hour, share in enumerate(_HOURS))


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded curve: ``points`` (second, requests per second) in order of time, held level before and after."""

    name: ClassVar[str] = "trace"
    points: Curve

    def curve(self, rate: float, duration: float) -> Curve:
        """Return the recorded points within ``duration``; ``rate`` only bounds a trace, it does not stretch it."""
        inside = [(second, wanted) for second, wanted in self.points if 0 < second < duration]
        return ((0.0, rate_at(self.points, 0)), *inside, (duration, rate_at(self.points, duration)))


PROFILES: Mapping[str, type[Profile]] = MappingProxyType(
    {profile.name: profile for profile in (Steady, Ramp, Spike, Day, Trace)}
)
"""Every profile by the name the Load resource knows it by."""


def rate_at(curve: Curve, second: float) -> float:
    """Return the wanted rate at ``second``; level before the first point and after the last."""
    if second < curve[0][0]:
        return curve[0][1]
    for (begin, low), (end, high) in pairwise(curve):
        if begin <= second < end:
            return low + (high - low) * (second - begin) / (end - begin)
    return curve[-1][1]


def arrivals(curve: Curve) -> Iterator[float]:
    """Yield the second at which each request is due, in order, the first as soon as the rate is above zero.

    Request k is due at the time t with ∫₀ᵗ rate = k. On a linear piece that is a quadratic equation, solved in the form
    that neither cancels nor divides by a slope of zero (Press et al., Numerical Recipes, 5.6).
    """
    count = 0
    area = 0.0
    for (begin, low), (end, high) in pairwise(curve):
        length = end - begin
        if length <= 0:
            continue
        slope = (high - low) / length
        below, area = area, area + (low + high) / 2 * length
        while count < area - _ROUNDING:
            missing = max(0.0, count - below)
            root = math.sqrt(max(0.0, low * low + 2 * slope * missing))
            yield begin + (2 * missing / (low + root) if missing else 0.0)
            count += 1
