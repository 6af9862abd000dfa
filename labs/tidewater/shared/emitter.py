"""Sends events beside the requests that cause them: no request waits for a sink, or fails because there is none.

What waits is in memory and bounded, each event is tried a few times, and what is given up is counted and logged. An
event can be lost this way, but never a booking. (Who must not lose one writes it down first, with the booking itself.)
"""

from __future__ import annotations

import queue
import threading
import time

from .events import DeliveryError, Event, send
from .service import Service, trace_headers

MOST_WAITING = 1000
TRIES = 3
PAUSE_SECONDS = 0.2  # before the second try, and twice as long before each next one
FINISH_SECONDS = 5.0  # for what still waits when the service ends


class Emitter:
    """Sends events to one sink, in the order in which they came."""

    def __init__(self, service: Service, sink: str) -> None:
        self._service = service
        self._sink = sink
        self._waiting: queue.Queue[tuple[Event, dict[str, str]]] = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._work, daemon=True).start()
        service.before_end(self._finish)

    def emit(self, event: Event, headers: dict[str, str]) -> None:
        """Have ``event`` sent, on behalf of the request with ``headers``. Returns at once."""
        try:
            self._waiting.put_nowait((event, trace_headers(headers)))
        except queue.Full:
            self._lost(event, f"{MOST_WAITING} events are waiting already")

    def _work(self) -> None:
        while True:
            event, headers = self._waiting.get()
            self._deliver(event, headers)
            self._waiting.task_done()

    def _deliver(self, event: Event, headers: dict[str, str]) -> None:
        for tried in range(1, TRIES + 1):
            try:
                send(event, self._sink, headers)
            except DeliveryError as error:
                if tried == TRIES:
                    self._lost(event, str(error))
                else:
                    time.sleep(PAUSE_SECONDS * 2 ** (tried - 1))
            else:
                self._service.metrics.count("events_sent_total", type=event.type, outcome="taken")
                return

    def _lost(self, event: Event, why: str) -> None:
        self._service.metrics.count("events_sent_total", type=event.type, outcome="lost")
        self._service.log("an event was lost", level="error", event=event.id, type=event.type, error=why)

    def _finish(self) -> None:
        deadline = time.monotonic() + FINISH_SECONDS
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.02)
        if left := self._waiting.unfinished_tasks:
            self._service.log("events were left unsent", level="error", events=left)
