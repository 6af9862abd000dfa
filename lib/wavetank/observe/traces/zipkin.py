"""Spans as JSON, in Zipkin's second format: what Envoy sends and what the collector answers with.

The format is Zipkin's API description (openzipkin/zipkin-api, zipkin2-api.yaml); how Envoy fills it in is in its
source/extensions/tracers/zipkin/span_buffer.cc. Spans come from any number of proxies of any version, so each is judged
for itself: one that cannot be drawn is refused with the reason, and the others are kept. What nobody here reads
(annotations, addresses, the debug flag) is left out, and texts are cut, so that it is known how large a span can be.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.document import read_json
from wavetank.errors import InputError
from wavetank.observe.traces.span import Span

__all__ = ["Parsed", "parse_spans", "read_spans", "span_json"]

_LONGEST_TEXT = 256
"""Characters kept of a text; Envoy cuts the path of a request there too."""

_MOST_TAGS = 48
_LATEST = 253_402_300_799_000_000
"""Microseconds since the epoch that are still a date: the end of the year 9999."""

_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_ENDS = ("ss", "cr")
"""Annotations that end a server's and a client's span; older Envoys send no duration for a server's."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The spans of one body, and what was wrong with those that are missing, a line each."""

    spans: tuple[Span, ...]
    refused: tuple[str, ...]


def parse_spans(body: bytes) -> Parsed:
    """Return the spans in ``body``, a JSON array. Raises `InputError` when it is none."""
    try:
        told = read_json(body)
    except ValueError as error:
        raise _no_array(body, f"not JSON: {error}") from error
    if not isinstance(told, list):
        raise _no_array(body, f"no array but a {type(told).__name__}")
    return read_spans(told)


def read_spans(told: Sequence[Any]) -> Parsed:
    """Return the spans in a JSON array that has been read."""
    spans, refused = list[Span](), list[str]()
    for number, each in enumerate(told, 1):
        try:
            spans.append(_span(each))
        except ValueError as error:
            refused.append(f"span {number} of {len(told)}: {error}")
    return Parsed(tuple(spans), tuple(refused))


def span_json(span: Span) -> dict[str, Any]:
    """Return ``span`` as JSON; `parse_spans` reads the same span from it."""
    told = {
        "traceId": span.trace_id,
        "id": span.id,
        "parentId": span.parent_id,
        "kind": span.kind,
        "name": span.name,
        "timestamp": span.began,
        "shared": span.shared,
        "localEndpoint": {"serviceName": span.service} if span.service else {},
        "remoteEndpoint": {"serviceName": span.remote} if span.remote else {},
        "tags": dict(span.tags),
    }
    return {**{key: value for key, value in told.items() if value}, "duration": span.duration}


def _no_array(body: bytes, what: str) -> InputError:
    return InputError(
        f"the body is {what}",
        observed=repr(body[:80]),
        expected="a JSON array of spans, as Zipkin's POST /api/v2/spans takes it",
    )


def _span(told: Any) -> Span:
    """Return one span. Raises ValueError with what is wrong with it."""
    if not isinstance(told, dict):
        raise ValueError(f"no object but a {type(told).__name__}")
    trace_id, id_ = _id(told, "traceId", 32), _id(told, "id", 16)
    if not trace_id or not id_:
        raise ValueError(f"no {'id' if trace_id else 'traceId'}")
    began = _number(told, "timestamp")
    if began is None:
        raise ValueError("no timestamp, so that it has no place in time")
    return Span(
        trace_id=trace_id,
        id=id_,
        began=began,
        duration=_duration(told, began),
        parent_id=_id(told, "parentId", 16),
        kind=_text(told, "kind"),
        shared=told.get("shared") is True,
        name=_text(told, "name"),
        service=_text(_object(told, "localEndpoint"), "serviceName"),
        remote=_text(_object(told, "remoteEndpoint"), "serviceName"),
        tags=_tags(_object(told, "tags")),
    )


def _id(told: Mapping[str, Any], key: str, digits: int) -> str:
    """Return an id in lower case and full length; empty when it is not there, or only zeros, Envoy's "none"."""
    text = _text(told, key).lower()
    if text and (not _HEX.fullmatch(text) or len(text) > digits):
        raise ValueError(f"{key} {text[:40]!r} is not up to {digits} hexadecimal digits")
    return text.zfill(16 if len(text) <= 16 else 32) if text.strip("0") else ""


def _duration(told: Mapping[str, Any], began: int) -> int:
    duration = _number(told, "duration")
    if duration is not None:
        return duration
    annotations = told.get("annotations")
    for each in annotations if isinstance(annotations, list) else ():
        if isinstance(each, dict) and each.get("value") in _ENDS:
            return max(0, (_number(each, "timestamp") or 0) - began)
    raise ValueError("neither a duration nor an annotation that ends it")


def _number(told: Mapping[str, Any], key: str) -> int | None:
    """Return a number of microseconds, which some Envoys write as 1.58e+15; None when it is not there."""
    number = told.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(f"{key} {str(number)[:40]!r} is not a number")
    if not 0 <= number <= _LATEST:
        raise ValueError(f"{key} {number:.0f} is not a number of microseconds")
    return int(number)


def _text(told: Mapping[str, Any], key: str) -> str:
    text = told.get(key, "")
    if not isinstance(text, str):
        raise ValueError(f"{key} is not a text but {str(text)[:40]}")
    return text[:_LONGEST_TEXT]


def _object(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = told.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"{key} is not an object but {str(value)[:40]}")
    return value


def _tags(told: Mapping[str, Any]) -> dict[str, str]:
    return {key[:_LONGEST_TEXT]: _text(told, key) for key in list(told)[:_MOST_TAGS]}
