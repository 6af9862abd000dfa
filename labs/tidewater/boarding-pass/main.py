"""A function for events: a booking, or an uploaded list of passengers, becomes boarding passes.

What it answers is an event again, for the broker to pass on. Events arrive at least once. A pass is made from its event
and nothing else, so the same event always makes the same passes, in whichever instance; what is remembered is for
counting only.
"""

import csv
import io
import threading
import zlib
from collections import deque
from typing import Any

from shared.events import Event, as_answer, new_event, read_event
from shared.recent import Recent
from shared.service import Answer, RefusedError, Request, Service

BOOKED = "ferries.booking.created"
UPLOADED = "ferries.manifest.uploaded"
ISSUED = "ferries.boarding-pass.issued"
DECKS = "ABC"

service = Service("boarding-pass")
lock = threading.Lock()
known = Recent(10_000)
latest: deque[dict[str, Any]] = deque(maxlen=100)


def boarding_pass(reference: str, sailing: str, name: str) -> dict[str, Any]:
    """Return one pass. Its code has fields of fixed width, in the manner of IATA's bar-coded boarding pass."""
    deck = DECKS[zlib.crc32(f"{sailing} {reference}".encode()) % len(DECKS)]
    code = f"M1{name.upper():<20.20}E{reference.upper():<12.12}TWF{sailing.upper():<4.4}{deck}"
    return {"reference": reference, "sailing": sailing, "name": name, "deck": deck, "code": code}


def from_booking(event: Event) -> list[dict[str, Any]]:
    """Return the pass of ``{"reference": "T1-00001", "sailing": "T1"}``. Who booked is a foot passenger."""
    booking = event.json()
    for name in ("reference", "sailing"):
        if not isinstance(booking.get(name), str) or not booking[name]:
            raise RefusedError(400, f"{name}: expected text, as in a booking")
    return [boarding_pass(booking["reference"], booking["sailing"], "foot passenger")]


def from_manifest(event: Event) -> list[dict[str, Any]]:
    """Return a pass for each line of a CSV file with the columns ``name`` and ``sailing``."""
    if event.content_type.partition(";")[0].strip() != "text/csv":
        raise RefusedError(400, f"expected a manifest as text/csv, not {event.content_type or 'nothing'}")
    try:
        lines = list(csv.DictReader(io.StringIO(event.data.decode()), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise RefusedError(400, f"the manifest cannot be read: {error}") from error
    if not lines:
        raise RefusedError(400, "the manifest has no passengers")
    manifest = zlib.crc32(f"{event.source} {event.id}".encode())
    passes = []
    for number, line in enumerate(lines, start=1):
        name, sailing = ((line.get(column) or "").strip() for column in ("name", "sailing"))
        if not name or not sailing:
            raise RefusedError(400, f"passenger {number} of the manifest: expected a name and a sailing")
        passes.append(boarding_pass(f"{manifest:08x}-{number:03d}", sailing, name))
    return passes


MAKERS = {BOOKED: from_booking, UPLOADED: from_manifest}


@service.route("POST", "/")
def issue(request: Request) -> Answer:
    """Make passes of an event. One that nothing can be made of is refused for good, and not worth another try."""
    try:
        event = read_event(request)
        service.metrics.count("events_received_total", type=event.type if event.type in MAKERS else "other")
        if event.type not in MAKERS:
            raise RefusedError(400, f"no passes are made of {event.type[:100]}, but of {' and '.join(MAKERS)}")
        passes = MAKERS[event.type](event)
    except RefusedError:
        service.metrics.count("events_refused_total")
        raise
    with lock:
        if known.add((event.source, event.id)):
            latest.extend(passes)
            service.metrics.count("boarding_passes_issued_total", len(passes))
        else:
            service.metrics.count("events_duplicate_total")
    id = f"{event.source}#{event.id}"
    return as_answer(new_event(id, "/tidewater/boarding-pass", ISSUED, {"passes": passes}, subject=event.id))


@service.route("GET", "/passes")
def passes(request: Request) -> Answer:
    """Return the latest passes of this instance, the newest last."""
    with lock:
        return Answer(200, {"passes": list(latest)})


if __name__ == "__main__":
    service.run()
