"""The break-even: how many requests a day, coming and going as on this day, make both ways cost the same.

Paid by use, a bill grows with every request. A Deployment costs the same until its replicas no longer hold the busiest
moment; then one more is paid day and night. If the Deployment is ever the cheaper one, it is so before that happens to
its first replicas: with r replicas full at their busiest, paying by use costs r·a + idle(r), the Deployment r·c. The
time that kept instances are idle does not grow with the requests; so if a < c and the first full replicas are dearer,
more of them are, too. It is there that the break-even is looked for, by bisection, since bills never fall.
"""

from __future__ import annotations

from dataclasses import dataclass

from wavetank.observe.billing.bill import AlwaysOn, always_on, pay_per_use
from wavetank.observe.billing.day import Day
from wavetank.observe.billing.prices import PriceList

__all__ = ["BreakEven", "Point", "break_even", "curve"]

_STEPS = 100
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class BreakEven:
    """``requests`` a day at which both cost ``cost`` a month; the Deployment's replicas hold up to ``holds`` a day."""

    requests: float
    cost: float
    holds: float


@dataclass(frozen=True, slots=True)
class Point:
    """What both ways cost a month with so many ``requests`` a day."""

    requests: float
    pay_per_use: float
    always_on: float


def break_even(day: Day, prices: PriceList, deployment: AlwaysOn) -> BreakEven | None:
    """Return from how many requests a day on the Deployment is the cheaper one; None when it never is.

    It is the cheaper one from the first on (0) when what a min-scale keeps idle costs more by itself. A day without
    requests has no shape to go by: None.
    """
    if not day.peak:
        return None
    cost = always_on(day, prices, deployment, 0.0).cost
    low, full = 0.0, deployment.replicas * deployment.holds / day.peak
    if pay_per_use(day, prices, full).cost < cost:
        return None
    if pay_per_use(day, prices, low).cost >= cost:
        return BreakEven(0.0, cost, full * day.requests)
    high = full
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if pay_per_use(day, prices, middle).cost >= cost else (middle, high)
    return BreakEven(high * day.requests, cost, full * day.requests)


def curve(day: Day, prices: PriceList, deployment: AlwaysOn, most: float) -> tuple[Point, ...]:
    """Return points to draw, from none to ``most`` requests a day; two at one place where a replica is added."""
    if not day.peak:
        return ()
    end = most / day.requests
    each = deployment.holds / day.peak
    points = [_point(day, prices, deployment, end * step / _STEPS) for step in range(_STEPS + 1)]
    replicas = deployment.replicas
    while replicas * each < end:
        before = _point(day, prices, deployment, replicas * each)
        replicas += 1
        after = always_on(day, prices, AlwaysOn(replicas, deployment.holds), 0.0).cost
        points += [before, Point(before.requests, before.pay_per_use, after)]
    return tuple(sorted(points, key=lambda point: (point.requests, point.always_on)))


def _point(day: Day, prices: PriceList, deployment: AlwaysOn, times: float) -> Point:
    used, kept = pay_per_use(day, prices, times), always_on(day, prices, deployment, times)
    return Point(times * day.requests, used.cost, kept.cost)
