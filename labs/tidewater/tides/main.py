"""A function that is rarely asked: when the water is high, and how high it is now.

A table is computed, so it costs CPU. The water now is read from a gauge, so it costs time: each instance has one line
to the gauge, and who asks the same instance together waits for one another. More instances, more lines.
"""

import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from shared.service import Answer, RefusedError, Request, Service

# The tide is a sum of waves: metres, degrees an hour, and degrees of lag. The speeds are those of the moon and the sun,
# the same everywhere (M2, S2, N2, K1, O1, M4); how much of each there is makes a port.
WAVES = [
    (1.62, 28.9841042, 341.0),
    (0.53, 30.0000000, 18.0),
    (0.31, 28.4397295, 322.0),
    (0.14, 15.0410686, 201.0),
    (0.11, 13.9430356, 189.0),
    (0.08, 57.9682084, 77.0),
]
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=6)
MOST_DAYS = 366
GAUGE_SECONDS = 0.1  # the gauge lets the waves even out before it says how high the water is
MOST_GAUGE_SECONDS = 20

gauge = threading.Lock()
service = Service("tides")


def height(at: datetime) -> float:
    """Return the height of the water above the mean, in metres."""
    hours = (at - EPOCH).total_seconds() / 3600
    return sum(metres * math.cos(math.radians(speed * hours - lag)) for metres, speed, lag in WAVES)


def turns(begin: datetime, end: datetime) -> Iterator[dict[str, object]]:
    """Yield each high and low water from ``begin`` up to ``end``, to six minutes."""
    before, here, at = height(begin - STEP), height(begin), begin
    while at < end:
        after = height(at + STEP)
        if (before < here) != (here < after):
            kind = "high" if before < here else "low"
            yield {"at": at.isoformat(timespec="minutes"), "water": kind, "metres": round(here, 2)}
        before, here, at = here, after, at + STEP


def midnight(day: str) -> datetime:
    """Return when a day like ``2026-07-01`` begins. Raises `RefusedError` (400) for what is no day of these times."""
    try:
        begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        begin = datetime.min.replace(tzinfo=UTC)
    if not 1900 <= begin.year <= 2100:
        raise RefusedError(400, "from: expected a day like 2026-07-01")
    return begin


@service.route("GET", "/tides")
def table(request: Request) -> Answer:
    """Return high and low water: ``?from=2026-07-01&days=7``, today without a word."""
    days = request.number("days", 1, MOST_DAYS)
    begin = midnight(request.query.get("from", datetime.now(UTC).date().isoformat()))
    return Answer(200, {"port": "Tidewater", "tides": list(turns(begin, begin + timedelta(days=days)))})


@service.route("GET", "/level")
def level(request: Request) -> Answer:
    """Return how high the water is now, read for ``?seconds=0.1``. There is one line, so one reader at a time."""
    seconds = request.number("seconds", GAUGE_SECONDS, MOST_GAUGE_SECONDS)
    with gauge:
        time.sleep(seconds)
        return Answer(200, {"port": "Tidewater", "metres": round(height(datetime.now(UTC)), 2)})


if __name__ == "__main__":
    service.run()
