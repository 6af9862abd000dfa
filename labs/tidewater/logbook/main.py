"""Takes every event and writes it down: what was delivered in one book, what could not be in another.

The second is for a broker's dead letters, which bring along why nobody took them.
"""

import base64
import binascii
import threading
from collections import Counter, OrderedDict
from typing import Any

from shared.events import Event, read_event
from shared.service import Answer, Request, Service

MOST_KEPT = 5000  # different events in each book; what is older is forgotten
MOST_SHOWN = 100
DATA_SHOWN = 300  # bytes

service = Service("logbook")


class Book:
    """The latest events, each once, with how often it came."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._received = 0
        self._kept: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def write(self, event: Event) -> None:
        """Write an event down."""
        key = (event.source, event.id)
        service.metrics.count("events_received_total", book=self._name)
        with self._lock:
            self._received += 1
            times = self._kept.pop(key, {"times": 0})["times"]
            self._kept[key] = {**describe(event), "times": times + 1}
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def read(self, most: int) -> dict[str, Any]:
        """Return what is in the book: of all events how many, of the ``most`` latest everything, the newest last."""
        with self._lock:
            kept, received = list(self._kept.values()), self._received
        by_type: dict[str, Counter[str]] = {}
        for entry in kept:
            by_type.setdefault(entry["type"], Counter()).update(received=entry["times"], different=1)
        return {"received": received, "different": len(kept), "by_type": by_type, "events": kept[-most:]}

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._received = 0
            self._kept.clear()


def describe(event: Event) -> dict[str, Any]:
    """Return an event as it is shown; one that nobody took with what Knative says about it."""
    shown = {"id": event.id, "source": event.source, "type": event.type, **event.more}
    shown["data"] = event.data[:DATA_SHOWN].decode(errors="replace")
    if "knativeerrordata" in shown:
        shown["knativeerrordata"] = _decoded(shown["knativeerrordata"])
    return shown


def _decoded(text: str) -> str:
    """Return what base64 says, or the text itself when it is none: Knative cuts what is too long."""
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error:
        return text


def keep(path: str, where: str, name: str) -> None:
    """Keep a book: events are posted to ``path``, and read and forgotten at ``where``."""
    book = Book(name)

    @service.route("POST", path)
    def write(request: Request) -> Answer:
        book.write(read_event(request))
        return Answer(202, b"")  # a broker takes a body for an answering event

    @service.route("GET", where)
    def read(request: Request) -> Answer:
        return Answer(200, book.read(int(request.number("most", MOST_SHOWN, MOST_KEPT))))

    @service.route("DELETE", where)
    def clear(request: Request) -> Answer:
        book.clear()
        return Answer(200, book.read(MOST_SHOWN))


keep("/", "/events", "events")
keep("/dead-letters", "/dead-letters", "dead-letters")

if __name__ == "__main__":
    service.run()
