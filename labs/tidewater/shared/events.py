"""CloudEvents 1.0 over HTTP: an event read from a request, put into an answer, and sent to a sink.

event = read_event(request)                              # binary mode or structured mode
return as_answer(Event(id, "/tidewater/tides", "ferries.tide.turned", data))
"""

from __future__ import annotations

import base64
import json
import re
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .messages import Answer, RefusedError, Request, json_object

JSON = "application/json"
STRUCTURED = "application/cloudevents"
ATTRIBUTE = re.compile("[a-z0-9]+")
# What a header may carry of an attribute as it is; everything else goes as %xx.
PLAIN = "".join(sorted({*string.printable} - {*string.whitespace, '"', "%"}))


class DeliveryError(Exception):
    """Raised when an event was not taken, and why."""


@dataclass(frozen=True)
class Event:
    """One event. Its source and id together tell it from every other; ``more`` are its further attributes."""

    id: str
    source: str
    type: str
    data: bytes = b""
    content_type: str = JSON
    more: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the data, a JSON object. Raises `RefusedError` (400) for anything else."""
        return json_object(self.data, "the event's data")

    def headers(self) -> dict[str, str]:
        """Return the headers that carry it in binary mode; its data is the body."""
        attributes = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, **self.more}
        carried = {f"ce-{name}": quote(value, safe=PLAIN) for name, value in attributes.items()}
        return {**carried, "Content-Type": self.content_type}


def new_event(id: str, source: str, type: str, data: Any, **more: str) -> Event:
    """Return an event of now with ``data`` as JSON."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Event(id, source, type, json.dumps(data).encode(), more={"time": now, **more})


def read_event(request: Request) -> Event:
    """Return the event that a request carries, in either mode.

    Raises `RefusedError`: 400 for what is no event, 415 for a batch of them or a format other than JSON.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.startswith(STRUCTURED) and media != f"{STRUCTURED}+json":
        raise RefusedError(415, f"an event as {media} is not understood here: expected {STRUCTURED}+json")
    if media.startswith(STRUCTURED):
        return _from_json(json_object(request.body, "the event"))
    attributes = {
        name.removeprefix("ce-"): _from_header(name, value)
        for name, value in request.headers.items()
        if name.startswith("ce-")
    }
    return _event(attributes, request.body, request.headers.get("content-type", ""))


def as_answer(event: Event) -> Answer:
    """Return the answer that carries an event in binary mode, for whoever asked to pass on."""
    return Answer(200, event.data, event.content_type, event.headers())


def send(event: Event, sink: str, headers: dict[str, str], timeout: float = 1.5) -> None:
    """Send an event to a sink, with more headers. Raises `DeliveryError` when it was not taken.

    ``timeout`` (seconds) is for the connection and for the answer.
    """
    url = urlsplit(sink)
    connection = HTTPConnection(url.hostname or "", url.port or 80, timeout=timeout)
    try:
        connection.request("POST", url.path or "/", event.data, {**headers, **event.headers()})
        reply = connection.getresponse()
        said = reply.read(200).decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise DeliveryError(f"{sink} cannot be reached: {error}") from error
    finally:
        connection.close()
    if not 200 <= reply.status < 300:
        raise DeliveryError(f"{sink} answered {reply.status}: {said}")


def _from_header(name: str, value: str) -> str:
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"{name}: not UTF-8") from error


def _from_json(members: dict[str, Any]) -> Event:
    content_type = str(members.pop("datacontenttype", None) or JSON)
    text, encoded = members.pop("data", None), members.pop("data_base64", None)
    if encoded is not None:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (TypeError, ValueError) as error:
            raise RefusedError(400, "data_base64: not base64") from error
    elif isinstance(text, str) and not content_type.partition(";")[0].endswith("json"):
        data = text.encode()
    else:
        data = b"" if text is None else json.dumps(text).encode()
    attributes = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in members.items()
        if value is not None
    }
    return _event(attributes, data, content_type)


def _event(attributes: dict[str, str], data: bytes, content_type: str) -> Event:
    if wrong := next((name for name in attributes if not ATTRIBUTE.fullmatch(name)), None):
        raise RefusedError(400, f"{wrong[:40]!r} is no name of an attribute")
    if missing := [name for name in ("specversion", "id", "source", "type") if not attributes.get(name)]:
        raise RefusedError(400, f"no event: {', '.join(missing)} missing")
    if (version := attributes.pop("specversion")) != "1.0":
        raise RefusedError(400, f"specversion: expected 1.0, not {version[:20]!r}")
    id, source, type = (attributes.pop(name) for name in ("id", "source", "type"))
    return Event(id, source, type, data, content_type, attributes)
