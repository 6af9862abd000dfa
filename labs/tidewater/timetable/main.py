"""The sailings of the day, in three versions.

v1 knows the times. v2 adds the tide. v3 "makes the tide exact", passes every test one request at a time, and ...
"""

import math
import threading
import time

from shared.service import Answer, Request, Service

SAILINGS = [
    {"id": "T1", "at": "07:15", "from": "Tidewater", "to": "Gull Island"},
    {"id": "T2", "at": "09:40", "from": "Gull Island", "to": "Tidewater"},
    {"id": "T3", "at": "12:30", "from": "Tidewater", "to": "Saltmarsh"},
    {"id": "T4", "at": "17:05", "from": "Saltmarsh", "to": "Tidewater"},
]
TIDE_HOURS = 12.42  # from one high water to the next
GAUGE_SECONDS = 0.05

gauge = threading.Lock()
service = Service("timetable")


def tide(at: str) -> float:
    """Return the height of the tide above the mean, in metres, at a time of day like ``07:15``."""
    hours, minutes = at.split(":")
    return round(1.8 * math.cos(2 * math.pi * (int(hours) + int(minutes) / 60) / TIDE_HOURS), 2)


def read_gauge(at: str) -> float:
    """Return the tide as the gauge shows it. There is one gauge, so one reader at a time."""
    with gauge:
        time.sleep(GAUGE_SECONDS / len(SAILINGS))
        return tide(at)


def sailings_v1() -> list[dict[str, object]]:
    """Return the sailings."""
    return [dict(sailing) for sailing in SAILINGS]


def sailings_v2() -> list[dict[str, object]]:
    """Return the sailings with the tide."""
    return [{**sailing, "tide_m": tide(sailing["at"])} for sailing in SAILINGS]


def sailings_v3() -> list[dict[str, object]]:
    """Return the sailings with the tide, read from the gauge. However many ask, they wait in one line."""
    return [{**sailing, "tide_m": read_gauge(sailing["at"])} for sailing in SAILINGS]


VERSIONS = {"v1": sailings_v1, "v2": sailings_v2, "v3": sailings_v3}
look_up = VERSIONS[service.version]


@service.route("GET", "/sailings")
def sailings(request: Request) -> Answer:
    """Return today's sailings, and which version of the timetable says so."""
    return Answer(200, {"sailings": look_up(), "timetable": service.version})


if __name__ == "__main__":
    service.run()
