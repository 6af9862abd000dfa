"""The trace collector in its pod: what is sent to its Service is read from a notebook, with no mesh needed for it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from tests.support.collecting import shifted

from wavetank.kube import Kube
from wavetank.observe.traces import Query, find_trace, find_traces, read_stats, wait_for_traces

pytestmark = pytest.mark.kind

COLLECTOR = "service:wavetank-traces:9411"
SYSTEM = "wavetank-system"


def test_spans_sent_to_the_collector_are_read_as_a_trace(kube: Kube) -> None:
    before, began = read_stats(kube), datetime(2025, 11, 27, 16, 31, 7, tzinfo=UTC)
    number = secrets.randbits(120)
    body = shifted("booking", number, seconds=(datetime.now(UTC) - began).total_seconds())
    answer = kube.request(COLLECTOR, "/api/v2/spans", SYSTEM, method="POST", body=body)
    assert answer.status == 202, answer.text
    assert read_stats(kube).received == before.received + 7
    trace = find_trace(kube, f"{number:032x}")
    assert trace.verdict == "slowest: payment, 812 of 840 ms, in the service itself"
    assert trace.id in [found.id for found in wait_for_traces(kube, Query("payment.tidewater"), timeout=5)]


def test_a_question_about_a_service_nobody_knows_is_answered_with_nothing(kube: Kube) -> None:
    assert find_traces(kube, Query("nobody.nowhere")) == []
