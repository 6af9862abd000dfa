"""A price list: the file as a checked, frozen value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from wavetank.document import Document, load_document, load_schema
from wavetank.durations import format_duration, parse_duration
from wavetank.errors import InputError

__all__ = ["SCHEMA", "PriceList", "Rate", "Size", "load_prices"]

SCHEMA = Path(__file__).with_name("prices.schema.json")

_HOUR = 3600.0
_A_HAIR = 1e-9
"""A time this share of a step beyond a whole number of steps is that number: it was divided as a float."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a container asks for: a number of vCPUs, and memory in GiB."""

    vcpu: float
    gib: float

    def __str__(self) -> str:
        return f"{self.vcpu:g} vCPU and {self.gib * 1024:g} MiB"


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of a vCPU and of a GiB, each for a second."""

    vcpu: float
    gib: float

    def of(self, size: Size) -> float:
        """Return the price of ``size`` for a second."""
        return size.vcpu * self.vcpu + size.gib * self.gib


@dataclass(frozen=True, slots=True)
class PriceList:
    """What things cost in ``currency``, says ``source``, on the day ``date``.

    ``request`` is the price of one request, ``execution`` of the time it takes, counted in steps of ``step`` seconds;
    ``idle`` of an instance that is kept and serves nobody; ``always_on`` of one that is paid whatever it does.
    """

    name: str
    source: str
    date: date
    currency: str
    request: float
    execution: Rate
    step: float
    idle: Rate
    always_on: Rate

    def billed(self, seconds: float) -> float:
        """Return how many seconds are paid for a request that took ``seconds``."""
        return math.ceil(seconds / self.step - _A_HAIR) * self.step

    def __str__(self) -> str:
        return (
            f"{self.name}, list prices of {self.date.isoformat()} without a free tier,"
            f" execution time in steps of {format_duration(self.step)} ({self.source})"
        )


def load_prices(path: Path) -> PriceList:
    """Read and check a price list; raises `InputError` with file, line and what was expected."""
    document = load_document(path, load_schema(SCHEMA))
    data = document.data
    used, kept = data["pay-per-use"], data["always-on"]
    return PriceList(
        name=data["name"],
        source=data["source"],
        date=_date(document),
        currency=data["currency"],
        request=used["million-requests"] / 1e6,
        execution=_a_second(used),
        step=_step(document),
        idle=_idle(document),
        always_on=Rate(kept["vcpu-hour"] / _HOUR, kept["gib-hour"] / _HOUR),
    )


def _a_second(prices: Mapping[str, Any]) -> Rate:
    return Rate(prices["vcpu-second"], prices["gib-second"])


def _date(document: Document) -> date:
    try:
        return date.fromisoformat(document.data["date"])
    except ValueError as error:
        raise InputError(f"date: {error}", where=document.where("date"), expected="a day of the calendar") from error


def _step(document: Document) -> float:
    step = parse_duration(document.data["pay-per-use"]["rounded-up-to"])
    if step <= 0:
        raise InputError(
            "pay-per-use/rounded-up-to: no time at all",
            where=document.where("pay-per-use", "rounded-up-to"),
            expected="a step of time, as 1ms",
        )
    return step


def _idle(document: Document) -> Rate:
    """Return the price of an idle instance, which no cloud asks more for than for a busy one.

    The break-even relies on it: with another request, a bill never falls.
    """
    used = document.data["pay-per-use"]
    for unit in ("vcpu-second", "gib-second"):
        if used["idle"][unit] > used[unit]:
            raise InputError(
                f"pay-per-use/idle/{unit}: {used['idle'][unit]:g} is more than a busy one costs",
                where=document.where("pay-per-use", "idle", unit),
                expected=f"at most {used[unit]:g}, the price while a request runs",
            )
    return _a_second(used["idle"])
