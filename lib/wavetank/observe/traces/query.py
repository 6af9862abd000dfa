"""Which traces are asked for: as a value, as the parameters of a request, and picked from those there are.

The parameters are those of Zipkin's GET /api/v2/traces (openzipkin/zipkin-api, zipkin-api.yaml), in its units, as far
as anybody here needs them. ``order`` is our own: Zipkin has only the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from wavetank.errors import InputError
from wavetank.observe.traces.span import Span

__all__ = ["FEW", "MOST", "Query"]

MOST = 100
"""Traces in one answer; `FEW` when nobody says how many."""

FEW = 10

_PARAMETERS = ("serviceName", "minDuration", "annotationQuery", "lookback", "order", "limit")
_LONGEST = 10**12
"""What may be asked for: days of microseconds, years of milliseconds."""


@dataclass(frozen=True, slots=True)
class Query:
    """Traces that came through ``service``, in Istio ``payment.tidewater``; empty for any.

    Of those, the ones that took ``slower_than`` milliseconds or more, that ``failed`` somewhere, that began ``since``
    then; and of what is left ``limit``, the latest first or the ``slowest``.
    """

    service: str = ""
    slower_than: float = 0.0
    failed: bool = False
    since: datetime | None = None
    slowest: bool = False
    limit: int = FEW

    @classmethod
    def read(cls, parameters: Mapping[str, str], now: datetime) -> Query:
        """Return what the ``parameters`` of a request ask for. Raises `InputError` naming the one that is wrong."""
        if unknown := [name for name in parameters if name not in _PARAMETERS]:
            raise InputError(f"there is no parameter {unknown[0]!r}", expected=", ".join(_PARAMETERS))
        lookback = _whole(parameters, "lookback", 0, _LONGEST)
        return cls(
            service=parameters.get("serviceName", ""),
            slower_than=_whole(parameters, "minDuration", 0, _LONGEST) / 1000,
            failed=_one_of(parameters, "annotationQuery", "", "error") == "error",
            since=now - timedelta(milliseconds=lookback) if lookback else None,
            slowest=_one_of(parameters, "order", "latest", "slowest") == "slowest",
            limit=_whole(parameters, "limit", FEW, MOST),
        )

    def write(self, now: datetime) -> str:
        """Return the parameters that ask for this, as they stand behind the question mark."""
        asked = {
            "serviceName": self.service,
            "minDuration": round(self.slower_than * 1000),
            "annotationQuery": "error" if self.failed else "",
            "lookback": max(1, round((now - self.since).total_seconds() * 1000)) if self.since else 0,
            "order": "slowest" if self.slowest else "",
            "limit": self.limit,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    def pick(self, traces: Iterable[Sequence[Span]]) -> list[Sequence[Span]]:
        """Return those of ``traces``, each as its spans, that are asked for."""
        fitting = [spans for spans in traces if self._fits(spans)]
        return sorted(fitting, key=_length if self.slowest else _began, reverse=True)[: self.limit]

    def _fits(self, spans: Sequence[Span]) -> bool:
        return (
            (not self.service or any(span.service == self.service for span in spans))
            and (not self.failed or any(span.failed for span in spans))
            and (not self.slower_than or _length(spans) >= self.slower_than * 1000)
            and (self.since is None or _began(spans) >= self.since.timestamp() * 1e6)
        )


def _began(spans: Sequence[Span]) -> int:
    return min(span.began for span in spans)


def _length(spans: Sequence[Span]) -> int:
    return max(span.ended for span in spans) - _began(spans)


def _whole(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a whole number, at most ``most``."""
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise InputError(f"{name} {text[:40]!r} is not a whole number", expected=f"0 to {most}")
    return min(int(text), most)


def _one_of(parameters: Mapping[str, str], name: str, *allowed: str) -> str:
    """Return one of ``allowed``; the first when nothing is said."""
    text = parameters.get(name, allowed[0])
    if text not in allowed:
        raise InputError(f"{name} {text[:40]!r} is not known here", expected=" or ".join(filter(None, allowed)))
    return text
