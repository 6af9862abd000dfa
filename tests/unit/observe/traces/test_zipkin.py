"""Zipkin's JSON, as Envoy sends it: what is read from it, what is refused, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.collecting import sample, sample_spans, told

from wavetank.errors import InputError
from wavetank.observe.traces.span import Span
from wavetank.observe.traces.zipkin import parse_spans, span_json


def one(**parts: Any) -> Span:
    parsed = parse_spans(json.dumps([told(**parts)]).encode())
    assert parsed.refused == ()
    return parsed.spans[0]


def test_a_span_is_read_as_envoy_sends_it() -> None:
    span = sample_spans("booking")[5]
    assert (span.trace_id, span.id, span.parent_id) == (
        "7f1c9a52e04b4d3886a1f06e2d9c4b17",
        "5c8ed10f3b7294a6",
        "47d10be95a3f8c26",
    )
    assert (span.kind, span.shared, span.name) == ("CLIENT", False, "payment.tidewater.svc.cluster.local:80/*")
    assert (span.began, span.duration, span.service) == (1764261067135200, 814300, "booking.tidewater")
    assert span.tags["guid:x-request-id"] == "0d5f2c6e-3a1b-9c47-8f60-b6a1c0c8f2d1"


def test_an_old_envoys_span_is_read_too() -> None:
    client, server = sample_spans("old")
    assert client.began == 1764261067120000, "written as 1.76426106712e+15"
    assert server.duration == 6000, "not told, but its annotation says when it ended"
    assert client.trace_id == server.trace_id == "5e90b3d7c24a816f"


@pytest.mark.parametrize("name", ["booking", "shared", "delay", "timeout", "old"])
def test_what_is_written_is_read_as_the_same(name: str) -> None:
    spans = sample_spans(name)
    assert parse_spans(json.dumps([span_json(span) for span in spans]).encode()).spans == spans


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"traceId": "ABC"}, {"trace_id": "0000000000000abc"}),
        ({"traceId": "1" * 20}, {"trace_id": "0" * 12 + "1" * 20}),
        ({"id": "F"}, {"id": "000000000000000f"}),
        ({"parentId": "0000000000000000"}, {"parent_id": ""}),
        ({"duration": 0}, {"duration": 0}),
        ({"shared": True}, {"shared": True}),
        ({"remoteEndpoint": {"serviceName": "payment"}}, {"remote": "payment"}),
    ],
)
def test_what_may_be_written_in_several_ways_is_one_thing(given: dict[str, Any], read: dict[str, Any]) -> None:
    span = one(**given)
    assert {name: getattr(span, name) for name in read} == read


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"traceId": None}, "no traceId"),
        ({"traceId": "0" * 32}, "no traceId"),
        ({"traceId": "f" * 33}, "traceId 'fff"),
        ({"id": None}, "no id"),
        ({"id": "one"}, "id 'one' is not up to 16 hexadecimal digits"),
        ({"id": 7}, "id is not a text but 7"),
        ({"parentId": "b7ad6b7169203331b7"}, "parentId 'b7ad6b7169203331b7' is not"),
        ({"timestamp": None}, "no timestamp"),
        ({"timestamp": "1764261067000000"}, "timestamp '1764261067000000' is not a number"),
        ({"timestamp": True}, "timestamp 'True' is not a number"),
        ({"timestamp": float("nan")}, "timestamp 'nan' is not a number"),
        ({"timestamp": 1e300}, "is not a number of microseconds"),
        ({"timestamp": -1}, "timestamp -1 is not a number of microseconds"),
        ({"duration": float("inf")}, "duration 'inf' is not a number"),
        ({"duration": None}, "neither a duration nor an annotation"),
        ({"duration": None, "annotations": [{"value": "ws", "timestamp": 1}, 3]}, "neither a duration nor"),
        ({"kind": ["CLIENT"]}, "kind is not a text"),
        ({"localEndpoint": "10.0.0.1"}, "localEndpoint is not an object but 10.0.0.1"),
        ({"tags": {"http.status_code": 200}}, "http.status_code is not a text but 200"),
        ({"tags": [1]}, "tags is not an object"),
    ],
)
def test_a_bad_span_is_refused_in_words_and_the_others_are_kept(wrong: dict[str, Any], words: str) -> None:
    parsed = parse_spans(json.dumps([told(id="a"), told(**wrong), told(id="b")]).encode())
    assert [span.id for span in parsed.spans] == ["000000000000000a", "000000000000000b"]
    assert len(parsed.refused) == 1
    assert parsed.refused[0].startswith("span 2 of 3: ")
    assert words in parsed.refused[0]


def test_what_is_no_span_at_all_is_refused_in_words() -> None:
    assert parse_spans(b"[1, [], null]").refused == (
        "span 1 of 3: no object but a int",
        "span 2 of 3: no object but a list",
        "span 3 of 3: no object but a NoneType",
    )


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-" + "9" * 400, "1e999", "NaN"])
def test_a_number_that_no_clock_shows_loses_its_own_span_only(number: str) -> None:
    whole = json.dumps({"traceId": "a", "id": "b", "timestamp": 5, "duration": 1})
    odd = whole.replace("5", number)
    parsed = parse_spans(f"[{whole}, {odd}]".encode())
    assert len(parsed.spans) == 1
    assert len(parsed.refused) == 1
    assert parsed.refused[0].startswith("span 2 of 2: timestamp")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"\x0a\x10\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (sample("booking")[:500], "not JSON"),
        (b'{"traceId": "1"}', "no array but a dict"),
    ],
)
def test_a_body_that_is_no_array_is_an_error_that_says_so(body: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_spans(body)
    assert "POST /api/v2/spans" in caught.value.help.expected
    assert len(str(caught.value)) < 600


def test_a_span_has_a_size_that_is_known() -> None:
    tags = {f"tag-{number}": "v" * 10_000 for number in range(1000)}
    span = one(name="n" * 10_000, tags=tags, localEndpoint={"serviceName": "s" * 10_000})
    texts = [span.name, span.service, *span.tags, *span.tags.values()]
    assert max(map(len, texts)) == 256
    assert len(span.tags) == 48
