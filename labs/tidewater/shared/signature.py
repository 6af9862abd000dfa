"""Signed webhooks, as in Standard Webhooks 1.0 (standardwebhooks.com): who sent this, and when.

HMAC-SHA256 of id, time and body, by a secret that both sides know. The id stays the same when a delivery is repeated;
the time is of each attempt, so that what somebody recorded is soon too old to be played again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

SECRET_PREFIX = "whsec_"


def sign(secret: str, id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery of ``body`` at ``seconds`` since the epoch. Raises ValueError for a bad secret.

    ``secret`` is ``whsec_`` and base64.
    """
    signature = _signature(secret, id, str(seconds), body)
    return {"webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{signature}"}


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Return whether one of a delivery's signatures was made with ``secret``. Raises ValueError for a bad secret.

    Several may be given while a secret is being replaced. How long it takes tells nothing of how near a forgery came.
    """
    expected = _signature(secret, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), body)
    given = [text.removeprefix("v1,") for text in headers.get("webhook-signature", "").split() if text[:3] == "v1,"]
    return any([hmac.compare_digest(expected.encode(), signature.encode()) for signature in given])  # noqa: C419 - all


def _signature(secret: str, id: str, seconds: str, body: bytes) -> str:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"expected a secret that begins with {SECRET_PREFIX}")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    signed = f"{id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
