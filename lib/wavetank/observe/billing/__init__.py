"""Billing: what a replayed day costs, paid by use, always on, or on nodes of one's own; and where that is even.

    from wavetank.observe.billing import AlwaysOn, Meter, load_prices
    meter = Meter(replay, load_prices(Path("prices.yaml")), AlwaysOn(replicas=1, holds=50))
    meter                               # the bills, the break-even, and what min-scale costs
    meter.break_even, meter.points      # the same as numbers, and as curves

A `Replay` is plain records: what requests took, and when which pods were there. `wavetank.lesson.replay` makes one by
playing a load. Everything after it is arithmetic that a test, or a learner with a pencil, can do again.

Read in this order: `prices` (the price list), `usage` (the records), `day` (what day a replay stands for), `bill` (what
it costs), `breakeven` (where both ways cost the same), `meter` (all of it together), `pods` (the watch that writes pods
down).

It never knows a price that is not in the file, and never changes what it measures.
"""

from wavetank.observe.billing.bill import AlwaysOn, Bill, Part
from wavetank.observe.billing.breakeven import BreakEven, Point
from wavetank.observe.billing.day import Day
from wavetank.observe.billing.meter import Meter
from wavetank.observe.billing.pods import PodWatch
from wavetank.observe.billing.prices import PriceList, Rate, Size, load_prices
from wavetank.observe.billing.usage import PodInterval, Replay, Request, requests_of

__all__ = [
    "AlwaysOn",
    "Bill",
    "BreakEven",
    "Day",
    "Meter",
    "Part",
    "PodInterval",
    "PodWatch",
    "Point",
    "PriceList",
    "Rate",
    "Replay",
    "Request",
    "Size",
    "load_prices",
    "requests_of",
]
