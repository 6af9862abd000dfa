"""The cost meter: a replayed day's bills beside each other, the break-even, and what min-scale costs; as text, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wavetank.observe.billing import breakeven
from wavetank.observe.billing.bill import AlwaysOn, Bill, Part, always_on, money, own_nodes, pay_per_use
from wavetank.observe.billing.breakeven import BreakEven, Point, curve
from wavetank.observe.billing.day import Day
from wavetank.observe.billing.prices import PriceList
from wavetank.observe.billing.usage import Replay
from wavetank.observe.columns import columns

__all__ = ["HEAD", "Kept", "Meter", "rows"]

HEAD = ("in a month", "how much", "costs")


@dataclass(frozen=True, slots=True)
class Kept:
    """What min-scale kept: so many pods of which revisions, idle for that share of their time."""

    revisions: tuple[tuple[str, int], ...]
    idle_share: float

    def __str__(self) -> str:
        names = " and ".join(f"{pods} of {revision}" for revision, pods in self.revisions)
        return f"min-scale keeps {names}: nothing ran in {self.idle_share:.1%} of their time"


@dataclass(frozen=True, repr=False)
class Meter:
    """The bills of the day that ``replay`` stands for, against those of ``deployment``; printed, it is a table."""

    replay: Replay
    prices: PriceList
    deployment: AlwaysOn

    @cached_property
    def day(self) -> Day:
        """The whole day."""
        return Day.of(self.replay)

    @cached_property
    def pay_per_use(self) -> Bill:
        """The bill of who pays by use."""
        return pay_per_use(self.day, self.prices)

    @cached_property
    def always_on(self) -> Bill:
        """The bill of a Deployment."""
        return always_on(self.day, self.prices, self.deployment)

    @cached_property
    def own_nodes(self) -> Bill:
        """The bill of what the cluster held for the pods that were there."""
        return own_nodes(self.day, self.prices)

    @property
    def bills(self) -> tuple[Bill, ...]:
        """All three."""
        return self.pay_per_use, self.always_on, self.own_nodes

    @cached_property
    def break_even(self) -> BreakEven | None:
        """From how many requests a day on the Deployment is the cheaper one; see `breakeven.break_even`."""
        return breakeven.break_even(self.day, self.prices, self.deployment)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The curves: twice as far as the day's own requests, or the break-even, whichever is more."""
        where_even = self.break_even.requests if self.break_even else 0.0
        return curve(self.day, self.prices, self.deployment, 2 * max(self.day.requests, where_even))

    @cached_property
    def kept(self) -> Kept | None:
        """What min-scale kept while the day was replayed; None when it kept nothing."""
        kept = sum(part.kept for part in self.day.slices)
        if not kept:
            return None
        revisions = {pod.revision: pod.kept for pod in self.replay.pods if pod.kept}
        return Kept(tuple(sorted(revisions.items())), sum(part.idle() for part in self.day.slices) / kept)

    @property
    def subject(self) -> str:
        """Which day it is, in words."""
        day = self.day
        length = f" of {1000 * day.execution / day.requests:.1f} ms" if day.requests else ""
        return (
            f"a day of {day.requests:,.0f} requests{length}, at most {day.peak:.3g} a second, on {day.size};"
            f" replayed in {self.replay.duration:g} s"
        )

    @property
    def cheaper(self) -> str:
        """Which way is the cheaper one for this day, in words."""
        used, kept = self.pay_per_use.cost, self.always_on.cost
        first, second = ("pay per use", "always on") if used < kept else ("always on", "pay per use")
        return f"{first} is cheaper than {second} by {money(abs(used - kept))} {self.prices.currency} a month"

    @property
    def where_even(self) -> str:
        """From how many requests a day on the Deployment is the cheaper one, in words."""
        if not self.day.requests:
            return "break-even: none, for a day without requests has no shape to go by"
        if (even := self.break_even) is None:
            return "break-even: none; however many requests come as on this day, pay per use stays cheaper"
        if not even.requests:
            return "break-even: none; what min-scale keeps costs more than always on before any request comes"
        return (
            f"break-even: {even.requests:,.0f} requests a day, where both cost {money(even.cost)};"
            f" beyond {even.holds:,.0f} always on needs another replica"
        )

    @property
    def warning(self) -> str:
        """What min-scale costs, in words; empty when it keeps nothing."""
        if self.kept is None:
            return ""
        idle = self.pay_per_use.parts[-1].cost
        return f"{self.kept}, for {money(idle)} of {money(self.pay_per_use.cost)} {self.prices.currency} a month"

    @property
    def footnote(self) -> str:
        """What to think of where a replay is not like the day; empty when it is one."""
        if self.day.factor <= 1:
            return ""
        return (
            "coming and going is more than in the day: pods start, and are let go, as slowly as ever,"
            f" while the day went by {self.day.factor:g} times as fast"
        )

    def __repr__(self) -> str:
        head = (*HEAD[:2], self.prices.currency)
        lines = [
            (f"  {what}" if is_part else what, *cells) for bill in self.bills for is_part, what, *cells in rows(bill)
        ]
        table = columns(head, lines, words=(0,))
        told = [
            self.subject,
            table,
            self.cheaper,
            self.where_even,
            self.warning,
            self.footnote,
            f"prices: {self.prices}",
        ]
        return "\n".join(line for line in told if line)


def rows(bill: Bill) -> Iterator[tuple[bool, str, str, str]]:
    """Yield a bill as lines, the sum first: whether it is a part, what it is for, how much of it, what it costs."""
    yield False, bill.title, "", money(bill.cost)
    for part in bill.parts:
        yield True, part.what, _quantity(part), money(part.cost)


def _quantity(part: Part) -> str:
    return f"{part.quantity:,.0f} {part.unit}" if part.unit == "requests" else f"{part.quantity:,.1f} {part.unit}"
