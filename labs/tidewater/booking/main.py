"""Takes bookings: holds the seat, asks payment for the fare, and answers with a reference.

A held seat keeps the passenger's papers in memory for a while, so this service grows with its load and shrinks
after it. Where there is a sink for events, each booking is also told there.
"""

import itertools
import os
import threading
import time
from collections import deque

from shared.emitter import Emitter
from shared.events import new_event
from shared.service import Answer, RefusedError, Request, Service

PAYMENT_URL = os.environ.get("PAYMENT_URL", "http://payment")
HOLD_SECONDS = float(os.environ.get("HOLD_SECONDS", "10"))
HOLD_KIB = int(os.environ.get("HOLD_KIB", "128"))
K_SINK = os.environ.get("K_SINK", "")  # where events go: the name that Knative's own sources use
FARE = 12.50
CREATED = "ferries.booking.created"

service = Service("booking")
emitter = Emitter(service, K_SINK) if K_SINK else None
numbers = itertools.count(1)
held: deque[tuple[float, bytes]] = deque()


def hold() -> None:
    """Keep one passenger's papers for `HOLD_SECONDS`."""
    held.append((time.monotonic() + HOLD_SECONDS, b"\x20" * (HOLD_KIB * 1024)))


def release() -> None:
    """Let go of papers whose time is over, for as long as the service lives."""
    while True:
        while held and held[0][0] < time.monotonic():
            held.popleft()
        time.sleep(0.5)


@service.route("POST", "/bookings")
def book(request: Request) -> Answer:
    """Book one place: ``{"sailing": "T1"}`` becomes a reference."""
    sailing = request.json().get("sailing")
    if not isinstance(sailing, str) or not sailing:
        raise RefusedError(422, "sailing: expected the id of a sailing, as in the timetable")
    hold()
    paid = service.call(request, PAYMENT_URL, "/payments", {"amount": FARE}, timeout=2.0)
    booking = {"reference": f"{sailing}-{next(numbers):05d}", "payment": paid["payment"]}
    if emitter:
        # References begin anew in each process; an event's id must not.
        event = new_event(os.urandom(8).hex(), "/tidewater/booking", CREATED, {**booking, "sailing": sailing})
        emitter.emit(event, request.headers)
    return Answer(201, booking)


if __name__ == "__main__":
    threading.Thread(target=release, daemon=True).start()
    service.run()
