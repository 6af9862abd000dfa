"""What goes between a client and a service: a request, its answer, and the answer that is an error."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the body, a JSON object; no body is an empty one. Raises `RefusedError` (400) for anything else."""
        return json_object(self.body or b"{}", "the body")

    def number(self, name: str, default: float, most: float) -> float:
        """Return a number above 0 from the query. Raises `RefusedError` (400) for anything else, or above ``most``."""
        try:
            value = float(self.query.get(name, default))
        except ValueError:
            value = 0.0
        if not 0 < value <= most:
            raise RefusedError(400, f"{name}: expected a number above 0 and at most {most:g}")
        return value


@dataclass(frozen=True)
class Answer:
    """What goes out: a status, and JSON, or text or bytes of another type."""

    status: int
    body: Any
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the body's bytes."""
        if isinstance(self.body, bytes):
            return self.body
        text = json.dumps(self.body) if self.type == "application/json" else str(self.body)
        return text.encode()


class RefusedError(Exception):
    """Raised by a route to answer with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Answer(status, {"error": reason})


def json_object(content: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in ``content``. Raises `RefusedError` (400) for anything else, naming ``what`` it is."""
    try:
        value = json.loads(content)
    except ValueError as error:
        raise RefusedError(400, f"{what} is not JSON") from error
    if not isinstance(value, dict):
        raise RefusedError(400, f"{what} is not a JSON object")
    return value
