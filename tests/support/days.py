"""Synthetic days: a second of the replay for each hour, and prices that are easy to reckon with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from wavetank.observe.billing import PodInterval, PriceList, Rate, Replay, Request, Size

HOURS = 24
A_HOUR = 3600.0
SIZE = Size(vcpu=0.1, gib=0.25)
WHOLE_POD = Size(vcpu=0.2, gib=0.5)
PRICES = PriceList(
    name="an example",
    source="https://example.org/prices",
    date=date(2026, 7, 4),
    currency="USD",
    request=0.4e-6,
    execution=Rate(24e-6, 2.5e-6),
    step=0.1,
    idle=Rate(2.5e-6, 2.5e-6),
    always_on=Rate(18e-6, 2e-6),
)
# Requests a second, hour by hour.
FLAT = (4,) * HOURS
TWO_PEAKS = (1,) * 7 + (20,) + (1,) * 9 + (20,) + (1,) * 6
ONE_BURST = (0,) * 9 + (60,) + (0,) * 14
NOTHING = (0,) * HOURS


def kept_pods(count: int, revision: str = "tides-00002") -> tuple[PodInterval, ...]:
    """Return the pods that a min-scale of ``count`` keeps all day."""
    return tuple(PodInterval(f"{revision}-{number}", revision, -5.0, WHOLE_POD, count) for number in range(count))


def replayed(rates: Sequence[int], pods: Sequence[PodInterval] = (), seconds: float = 0.05) -> Replay:
    """Return a day of so many requests a second in each hour, each of which takes ``seconds``."""
    requests = tuple(Request(hour + 1, seconds, rate) for hour, rate in enumerate(rates) if rate)
    return Replay(float(len(rates)), SIZE, requests, tuple(pods))
