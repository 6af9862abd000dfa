"""Whatever a load's pod, or one that asked, is said to have written: seconds that add up, answers, or neither."""

from __future__ import annotations

import json
import math
import tracemalloc
import zlib
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import example, given, settings
from tests.support.anything import broken, changed, printable

from wavetank.errors import InputError
from wavetank.traffic.ask import Answers
from wavetank.traffic.hdr import COMPRESSED_COOKIE, OUTER
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.record import Second, Summary, parse_line


def histogram() -> str:
    latencies = Latencies()
    for seconds in (0.001, 0.002, 0.5, 30.0):
        latencies.record(seconds)
    return latencies.encode()


GOOD: Any = json.loads(
    Second(3, "2026-05-01T12:00:03Z", 20, 19, 1, {"200": 18, "503": 1}, histogram(), histogram()).to_line()
)
SUMMARY = json.loads(Summary.of([Second(**GOOD)]).to_line())


@given(
    broken(GOOD).map(json.dumps)
    | broken(SUMMARY).map(json.dumps)
    | changed([json.dumps(GOOD).encode()]).map(lambda line: line.decode("latin-1"))
)
@settings(max_examples=200)
@example("[" * 100_000)
@example('["summary"]')
@example(json.dumps({**GOOD, "status": {"200": "many"}}))
@example(json.dumps({**GOOD, "histogram": None}))
def test_any_line_is_a_second_that_adds_up_or_refused(line: str) -> None:
    with printable():
        told = parse_line(line)
        if isinstance(told, Second):
            summary = Summary.of([told, told])
            repr(summary).encode()
            assert (summary.seconds, summary.status.total()) == (2, 2 * told.ended)
            told.latencies.percentile(99)
            assert told.began.year > 0
            parse_line(summary.to_line())


@given(changed([histogram().encode()]).map(lambda text: text.decode("latin-1")))
@example("é")
def test_any_histogram_is_one_or_refused(text: str) -> None:
    with printable():
        latencies = Latencies.decode(text)
        assert latencies.count >= 0
        latencies.percentile(50)
        Latencies.decode(latencies.encode())


def test_a_small_histogram_that_would_become_a_large_one_is_refused() -> None:
    inner = zlib.compress(bytes(64 << 20), 9)
    text = b64encode(OUTER.pack(COMPRESSED_COOKIE, len(inner)) + inner).decode()
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            Latencies.decode(text)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


ANSWERS: Any = [
    {"status": 200, "seconds": 0.01, "body": '{"version": "v2", "pod": ["a"]}'},
    {"status": 0, "seconds": 10, "error": "timed out"},
]


@given(
    broken(ANSWERS).map(json.dumps) | changed([json.dumps(ANSWERS).encode()]).map(lambda text: text.decode("latin-1"))
)
@settings(max_examples=200)
@example("{}")
@example('[{"status": 200, "seconds": NaN}]')
@example('[{"status": "200", "seconds": 1}]')
@example("[" * 100_000)
def test_any_answers_are_counted_or_refused(text: str) -> None:
    try:
        answers = Answers.from_output(text)
    except ValueError:
        return
    repr(answers).encode()
    assert answers.statuses.total() == answers.counted("version").total() == len(answers)
    assert all(math.isfinite(answer.seconds) for answer in answers)
