"""What a day costs in a month: paid by use, always on, or on nodes of one's own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wavetank.observe.billing.day import DAY, Day
from wavetank.observe.billing.prices import PriceList
from wavetank.waves import require

__all__ = ["DAYS", "AlwaysOn", "Bill", "Part", "always_on", "money", "own_nodes", "pay_per_use"]

DAYS = 30
"""Days of a month."""

_HOUR = 3600.0
_A_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class AlwaysOn:
    """A Deployment of at least ``replicas`` pods, each of which takes ``holds`` requests per second and no more.

    It is as big all day as the day's busiest moment asks for. Raises `InputError` naming the field that is wrong.
    """

    replicas: int = 1
    holds: float = 50.0

    def __post_init__(self) -> None:
        require(self.replicas >= 1, "replicas", self.replicas, "at least one")
        require(self.holds > 0, "holds", self.holds, "some requests per second")

    def replicas_for(self, peak: float) -> int:
        """Return how many replicas a day with ``peak`` requests per second needs."""
        return max(self.replicas, math.ceil(peak / self.holds - _A_HAIR))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bill: ``quantity`` of ``unit`` (requests, or hours of one instance) for ``cost``, in a month."""

    what: str
    quantity: float
    unit: str
    cost: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month costs, and what for."""

    title: str
    parts: tuple[Part, ...]

    @property
    def cost(self) -> float:
        """All parts together."""
        return sum(part.cost for part in self.parts)


def pay_per_use(day: Day, prices: PriceList, times: float = 1.0) -> Bill:
    """Return the bill for requests and their execution time, were there ``times`` as many requests at every moment.

    Idle instances are free, except those that a min-scale keeps. A request pays for an instance of its own, as when
    ``containerConcurrency`` is 1; a cloud that lets requests share an instance asks less than this.
    """
    requests = DAYS * times * day.requests
    execution = DAYS * times * sum(prices.billed(length) * count for length, count in day.lengths)
    idle = DAYS * sum(part.idle(times) for part in day.slices)
    return Bill(
        "pay per use",
        (
            Part("requests", requests, "requests", requests * prices.request),
            _time("execution time, rounded up", execution, prices.execution.of(day.size)),
            _time("idle, kept by min-scale", idle, prices.idle.of(day.size)),
        ),
    )


def always_on(day: Day, prices: PriceList, deployment: AlwaysOn, times: float = 1.0) -> Bill:
    """Return the bill for a Deployment that runs all day, sized for ``times`` as many requests at every moment."""
    replicas = deployment.replicas_for(times * day.peak)
    what = f"{replicas} replica{'s' if replicas > 1 else ''}, day and night"
    return Bill("always on", (_time(what, DAYS * DAY * replicas, prices.always_on.of(day.size)),))


def own_nodes(day: Day, prices: PriceList) -> Bill:
    """Return what the cluster held for the pods that were there, at the price of what is always on.

    Sidecars are in it, for they are on the node, too. While requests run, as many pods are busy as requests do; of the
    others, those a min-scale keeps would be there in any case.
    """
    there = sum(part.there for part in day.slices)
    busy = sum(min(part.busy, part.there) for part in day.slices)
    idle = sum(part.idle() for part in day.slices)
    held = sum(prices.always_on.of(part.reserved) for part in day.slices)
    price = held / there if there else 0.0
    return Bill(
        "on your own nodes",
        (
            _time("while requests run", DAYS * busy, price),
            _time("idle, kept by min-scale", DAYS * idle, price),
            _time("idle, coming and going", DAYS * max(0.0, there - busy - idle), price),
        ),
    )


def money(amount: float) -> str:
    """Return ``amount`` to the cent; less than one that is still something is told as that."""
    return "< 0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def _time(what: str, seconds: float, price: float) -> Part:
    return Part(what, seconds / _HOUR, "hours", seconds * price)
