"""Which traces are asked for: said in a request, understood from it, and picked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from wavetank.errors import InputError
from wavetank.observe.traces import Query, Span

NOW = datetime(2025, 11, 27, 16, 30, tzinfo=UTC)


def trace(id_: str, *, ago: float = 60, ms: float = 10, app: str = "web", status: str = "200") -> list[Span]:
    began = round((NOW.timestamp() - ago) * 1e6)
    tags = {"http.status_code": status}
    return [Span(id_, "1", began, round(ms * 1000), service=f"{app}.tidewater", tags=tags)]


TRACES = [
    trace("old", ago=300, ms=30),
    trace("payment", ago=200, ms=500, app="payment"),
    trace("failed", ago=100, ms=20, status="503"),
    trace("new", ago=1, ms=40),
]


@pytest.mark.parametrize(
    ("query", "picked"),
    [
        (Query(), ["new", "failed", "payment", "old"]),
        (Query(limit=2), ["new", "failed"]),
        (Query(slowest=True), ["payment", "new", "old", "failed"]),
        (Query("web.tidewater"), ["new", "failed", "old"]),
        (Query("web"), []),
        (Query(failed=True), ["failed"]),
        (Query(slower_than=40), ["new", "payment"]),
        (Query(since=NOW - timedelta(seconds=150)), ["new", "failed"]),
        (Query("web.tidewater", slower_than=25, slowest=True, limit=1), ["new"]),
    ],
)
def test_what_is_asked_for_is_picked(query: Query, picked: list[str]) -> None:
    assert [spans[0].trace_id for spans in query.pick(TRACES)] == picked


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query("payment.tidewater", slower_than=12.345, failed=True, slowest=True, limit=3),
        Query(since=NOW - timedelta(seconds=1.5)),
    ],
)
def test_what_is_written_is_understood_as_the_same(query: Query) -> None:
    assert Query.read(dict(parse_qsl(query.write(NOW))), NOW) == query


def test_zipkins_own_parameters_and_units_are_understood() -> None:
    asked = {"serviceName": "web.tidewater", "minDuration": "250000", "annotationQuery": "error", "lookback": "60000"}
    understood = Query("web.tidewater", slower_than=250, failed=True, since=NOW - timedelta(minutes=1))
    assert Query.read(asked, NOW) == understood


def test_no_answer_is_longer_than_a_hundred_traces() -> None:
    assert Query.read({"limit": "100000"}, NOW).limit == 100


@pytest.mark.parametrize(
    ("parameters", "words", "expected"),
    [
        ({"service": "web"}, "no parameter 'service'", "serviceName"),
        ({"limit": "many"}, "limit 'many' is not a whole number", "0 to 100"),
        ({"lookback": "-5"}, "lookback '-5' is not", "0 to"),
        ({"minDuration": "9" * 50}, "minDuration", "0 to"),
        ({"annotationQuery": "http.method=GET"}, "annotationQuery 'http.method=GET'", "error"),
        ({"order": "fastest"}, "order 'fastest'", "latest or slowest"),
    ],
)
def test_what_cannot_be_understood_is_named(parameters: dict[str, str], words: str, expected: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Query.read(parameters, NOW)
    assert expected in caught.value.help.expected
