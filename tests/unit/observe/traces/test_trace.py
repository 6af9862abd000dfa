"""Spans put together: the waterfall, everybody's own time, the slowest hop, and what is missing."""

from __future__ import annotations

import random

import pytest
from tests.support.collecting import sample_spans

from wavetank.observe.traces import Span, Trace

FALL = [
    (0, "web: POST /api/bookings", 0.0, 840.0),
    (1, "web calls timetable", 2.1, 6.4),
    (2, "timetable: GET /sailings", 3.0, 4.7),
    (1, "web calls booking", 9.0, 828.5),
    (2, "booking: POST /bookings", 9.7, 827.0),
    (3, "booking calls payment", 15.2, 814.3),
    (4, "payment: POST /payments", 16.0, 812.2),
]


def fall(trace: Trace) -> list[tuple[int, str, float, float]]:
    return [(hop.depth, hop.words, hop.offset, hop.duration) for hop in trace.hops]


def call(id_: str, parent: str, app: str, began: int, ended: int, kind: str = "CLIENT", flags: str = "-") -> Span:
    """Return a span between two moments in milliseconds."""
    tags = {"response_flags": flags, "upstream_cluster": "outbound|80||payment.tidewater.svc.cluster.local"}
    micros, service = (began * 1000, (ended - began) * 1000), f"{app}.tidewater"
    return Span("7f", id_, *micros, parent_id=parent, kind=kind, service=service, tags=tags)


def own(trace: Trace) -> dict[str, float]:
    return {hop.span.id: hop.own for hop in trace.hops}


def test_a_request_is_a_waterfall_each_hop_below_its_caller() -> None:
    trace = Trace.of(sample_spans("booking"))
    assert fall(trace) == FALL
    assert (trace.duration, trace.lost, trace.failed) == (840.0, 0, False)
    assert trace.began.isoformat() == "2025-11-27T16:31:07.120000+00:00"
    assert trace.services == ("web", "timetable", "booking", "payment")


def test_an_id_shared_by_both_sides_makes_the_same_waterfall() -> None:
    assert fall(Trace.of(sample_spans("shared"))) == FALL


@pytest.mark.parametrize("name", ["booking", "shared"])
def test_the_order_in_which_spans_come_does_not_matter(name: str) -> None:
    spans = list(sample_spans(name))
    for seed in range(20):
        random.Random(seed).shuffle(spans)
        assert fall(Trace.of(spans)) == FALL


def test_own_times_add_up_to_the_whole() -> None:
    trace = Trace.of(sample_spans("booking"))
    assert sum(hop.own for hop in trace.hops) == pytest.approx(trace.duration)


def test_the_slowest_hop_is_named_with_its_own_time() -> None:
    trace = Trace.of(sample_spans("booking"))
    assert trace.slowest.span.app == "payment"
    assert trace.verdict == "slowest: payment, 812 of 840 ms, in the service itself"
    assert trace.summary == "web: POST /api/bookings, 840 ms, 7 spans, 201"


def test_a_delay_that_a_proxy_injected_is_the_callers_proxys_and_named() -> None:
    trace = Trace.of(sample_spans("delay"))
    verdict = "slowest: web calls timetable, 2005 of 2041 ms, a delay that the proxy of web injected (DI)"
    assert trace.verdict == verdict
    assert trace.slowest.outcome == "200, a delay was injected (DI)"


def test_who_gave_up_and_on_whom_is_told_on_both_sides() -> None:
    trace = Trace.of(sample_spans("timeout"))
    assert [hop.outcome for hop in trace.hops] == [
        "502",
        "504, the service took longer than its time-out (UT)",
        "no answer, the caller hung up (DC)",
    ]
    assert trace.verdict == "slowest: booking, 501 of 509 ms, in the service itself"
    assert trace.failed


def test_time_between_two_services_is_on_the_way() -> None:
    trace = Trace.of([call("1", "", "booking", 0, 100), call("2", "1", "payment", 40, 50, "SERVER")])
    assert own(trace) == {"1": 90, "2": 10}
    assert trace.verdict == "slowest: booking calls payment, 90 of 100 ms, on the way: proxies, network, retries"


def test_calls_at_the_same_time_are_taken_from_their_callers_time_once() -> None:
    calls = [call("2", "1", "web", 10, 60), call("3", "1", "web", 30, 80), call("4", "1", "web", 40, 50)]
    assert own(Trace.of([call("1", "", "web", 0, 100, "SERVER"), *calls]))["1"] == 30


def test_a_call_that_outlasts_its_caller_takes_no_more_than_there_is() -> None:
    trace = Trace.of([call("1", "", "web", 0, 100, "SERVER"), call("2", "1", "web", 90, 300)])
    assert own(trace) == {"1": 90, "2": 210}
    assert trace.duration == 300


def test_retries_are_two_hops_below_one_call() -> None:
    tries = [call("2", "1", "payment", 10, 20, "SERVER"), call("3", "1", "payment", 50, 60, "SERVER")]
    assert [(hop.span.id, hop.depth) for hop in Trace.of([*tries, call("1", "", "booking", 0, 70)]).hops] == [
        ("1", 0),
        ("2", 1),
        ("3", 1),
    ]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ("-", "payment itself has reported no span"),
        ("UH", "no healthy pod is left (UH)"),
        ("DI,FI", "a delay that the proxy of booking injected (DI)"),
    ],
)
def test_a_call_that_nobody_answered_says_why(flags: str, reason: str) -> None:
    assert Trace.of([call("1", "", "booking", 0, 100, flags=flags)]).slowest.reason == reason


def test_a_missing_parent_is_said_and_what_is_there_is_drawn() -> None:
    spans = [span for span in sample_spans("booking") if span.kind == "SERVER"]
    trace = Trace.of(spans)
    assert [(hop.depth, hop.lost) for hop in trace.hops] == [(0, False), (0, True), (0, True), (0, True)]
    assert trace.lost == 3
    assert trace.gaps.startswith("incomplete: 3 spans name parents that are not there")
    assert trace.gaps in str(trace)
    assert Trace.of(sample_spans("old")).gaps.startswith("incomplete: 1 span names a parent that is not there")


def test_parents_that_go_round_in_a_circle_are_drawn_once_each() -> None:
    circle = [
        call("1", "3", "a", 2, 3),
        call("2", "1", "b", 1, 2),
        call("3", "2", "c", 0, 1),
        call("4", "4", "d", 5, 6),
    ]
    trace = Trace.of(circle)
    assert [(hop.span.id, hop.depth) for hop in trace.hops] == [("4", 0), ("3", 0), ("1", 1), ("2", 2)]


def test_a_chain_of_thousands_is_drawn() -> None:
    chain = [call(str(number), str(number - 1), "web", number, 5000) for number in range(1, 3000)]
    assert Trace.of(chain).hops[-1].depth == 2998


def test_a_trace_says_itself_hop_by_hop_without_ids() -> None:
    assert str(Trace.of(sample_spans("delay"))).splitlines() == [
        "web: GET /api/sailings, 2041 ms, 3 spans, 200",
        "  web: GET /api/sailings: at 0.00 ms for 2041 ms, 5.0 ms on its own, 200",
        "    web calls timetable: at 1.9 ms for 2036 ms, 2005 ms on its own, 200, a delay was injected (DI) (slowest)",
        "      timetable: GET /sailings: at 2004 ms for 31 ms, 31 ms on its own, 200",
        "slowest: web calls timetable, 2005 of 2041 ms, a delay that the proxy of web injected (DI)",
    ]


def test_a_failure_that_was_made_up_for_is_told_in_the_summary() -> None:
    failed = Span("7f", "2", 10, 5, parent_id="1", kind="CLIENT", tags={"http.status_code": "503"})
    first = Span("7f", "1", 0, 100_000, kind="SERVER", service="web.tidewater", tags={"http.status_code": "200"})
    assert Trace.of([first, failed]).summary.endswith("200, a failure within")
