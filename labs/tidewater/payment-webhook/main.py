"""A function for the bank's webhook: says whose delivery it is, and hands each payment on once.

The bank repeats what was not answered with 2xx, under the same id. So a payment counts as taken only when the broker
has it, and what goes to the broker has the bank's id: should two instances hand the same one on, it is still one event.
"""

import os
import threading
import time
from collections import deque
from typing import Any

from shared.events import DeliveryError, new_event, send
from shared.recent import Recent
from shared.service import Answer, RefusedError, Request, Service, trace_headers
from shared.signature import is_genuine

SECRET = os.environ.get("WEBHOOK_SECRET", "")
K_SINK = os.environ.get("K_SINK", "")  # where events go: the name that Knative's own sources use
TOLERANCE_SECONDS = 300

service = Service("payment-webhook")
lock = threading.Lock()
in_hand: set[str] = set()
taken = Recent(10_000)
latest: deque[dict[str, Any]] = deque(maxlen=100)


def refuse(outcome: str, status: int, reason: str) -> RefusedError:
    """Return the error to raise for a delivery that is not taken, and count it."""
    service.metrics.count("webhook_deliveries_total", outcome=outcome)
    return RefusedError(status, reason)


def examine(request: Request) -> str:
    """Return the id of a genuine delivery of now. Raises `RefusedError` for any other."""
    if not SECRET:
        raise refuse("failed", 503, "WEBHOOK_SECRET is not set: nothing can be told from a forgery")
    if not is_genuine(SECRET, request.headers, request.body):
        raise refuse("forged", 403, "the signature is not the bank's")
    id, signed_at = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp"))
    if not id or "." in id or not signed_at.isdecimal():
        raise refuse("refused", 400, "expected an id without a dot, and a time in seconds")
    late = time.time() - int(signed_at)
    if abs(late) > TOLERANCE_SECONDS:
        raise refuse("late", 400, f"signed {late:.0f} s ago: expected at most {TOLERANCE_SECONDS}, before or after now")
    return id


def read(request: Request) -> dict[str, Any]:
    """Return the payment in ``{"type": "payment.settled", "data": {"reference": "T1-00001", "amount": 12.5}}``."""
    try:
        body = request.json()
    except RefusedError as refused:
        raise refuse("refused", 400, str(refused)) from refused
    payment = body.get("data")
    if body.get("type") != "payment.settled" or not isinstance(payment, dict):
        raise refuse("refused", 422, "expected a payment.settled with its data")
    return payment


def hand_on(id: str, payment: dict[str, Any], headers: dict[str, str]) -> None:
    """Give the broker the payment. Raises `RefusedError` (503) when it does not take it: the bank will try again."""
    if not K_SINK:
        return
    try:
        send(new_event(id, "/bank", "ferries.payment.settled", payment), K_SINK, trace_headers(headers))
    except DeliveryError as error:
        raise refuse("failed", 503, f"not taken, try again: {error}") from error


@service.route("POST", "/payments")
def deliver(request: Request) -> Answer:
    """Take one delivery. 200 for one that was taken, now or before; anything else says why not."""
    id = examine(request)
    payment = read(request)
    with lock:
        if id in taken:
            service.metrics.count("webhook_deliveries_total", outcome="replayed")
            return Answer(200, {"id": id, "replayed": True})
        if id in in_hand:
            raise refuse("replayed", 409, "the same delivery is being taken at this moment")
        in_hand.add(id)
    try:
        hand_on(id, payment, request.headers)
        with lock:
            taken.add(id)
            latest.append({"id": id, **payment})
    finally:
        with lock:
            in_hand.discard(id)
    service.metrics.count("webhook_deliveries_total", outcome="taken")
    return Answer(200, {"id": id, "replayed": False})


@service.route("GET", "/payments")
def payments(request: Request) -> Answer:
    """Return the latest payments that this instance took, the newest last."""
    with lock:
        return Answer(200, {"payments": list(latest)})


if __name__ == "__main__":
    service.run()
