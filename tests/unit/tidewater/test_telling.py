"""Booking tells its bookings to a sink, and takes them all the same when there is none."""

import socket

import pytest
from tests.support.tidewater import running
from tests.support.waiting import eventually


@pytest.fixture
def nowhere() -> str:
    """Return an address that refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_booking_is_told_with_its_trace_and_becomes_a_pass():
    with (
        running("payment") as payment,
        running("logbook") as logbook,
        running("booking", PAYMENT_URL=payment.url, K_SINK=f"{logbook.url}/") as booking,
        running("boarding-pass") as boarding_pass,
    ):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for _ in range(2):
            booking.ask("POST", "/bookings", {"sailing": "T1"}, {"traceparent": trace})
        eventually(lambda: logbook.ask("GET", "/events").json["received"] == 2, "both events")
        events = logbook.ask("GET", "/events").json["events"]
        assert {event["type"] for event in events} == {"ferries.booking.created"}
        assert len({(event["source"], event["id"]) for event in events}) == 2
        posts = [line for line in logbook.logs if line["message"] == "POST /"]
        assert {line["trace"] for line in posts} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
        taken = 'type="ferries.booking.created",outcome="taken"} 2'  # counted when the answer has come back
        eventually(lambda: taken in booking.ask("GET", "/metrics").text, "both to be counted")

        headers = {f"ce-{name}": events[0][name] for name in ("id", "source", "type")} | {"ce-specversion": "1.0"}
        (issued,) = boarding_pass.ask("POST", "/", events[0]["data"], headers).json["passes"]
        assert issued["reference"] == "T1-00001"


def test_a_booking_does_not_fail_nor_wait_when_the_sink_is_away(nowhere):
    with running("payment") as payment, running("booking", PAYMENT_URL=payment.url, K_SINK=nowhere) as booking:
        answer = booking.ask("POST", "/bookings", {"sailing": "T1"})
        assert (answer.status, answer.json) == (201, {"reference": "T1-00001", "payment": 1})
        eventually(lambda: 'outcome="lost"} 1' in booking.ask("GET", "/metrics").text, "the event to be given up")
        eventually(lambda: any(line["message"] == "an event was lost" for line in booking.logs), "the log to say so")


def test_a_sink_that_fails_for_a_moment_gets_the_event_after_all():
    with (
        running("payment") as payment,
        running("logbook") as logbook,
        running("booking", PAYMENT_URL=payment.url, K_SINK=logbook.url) as booking,
    ):
        logbook.switch("POST", "/faults", {"kind": "errors", "share": 1, "seconds": 30})
        booking.ask("POST", "/bookings", {"sailing": "T1"})
        eventually(lambda: any(line.get("status") == 503 for line in logbook.logs), "the first try to fail")
        logbook.switch("DELETE", "/faults")
        eventually(lambda: logbook.ask("GET", "/events").json["received"] == 1, "the event")
        assert 'outcome="lost"' not in booking.ask("GET", "/metrics").text


def test_what_waits_is_sent_before_the_service_ends():
    with (
        running("payment") as payment,
        running("logbook") as logbook,
        running("booking", PAYMENT_URL=payment.url, K_SINK=logbook.url) as booking,
    ):
        logbook.switch("POST", "/faults", {"kind": "latency", "ms": 700, "seconds": 30})
        for _ in range(3):
            booking.ask("POST", "/bookings", {"sailing": "T1"})
        booking.terminate()
        assert booking.process.wait(timeout=15) == 0
        assert logbook.ask("GET", "/events").json["different"] == 3


def test_without_a_sink_nothing_is_told_and_nothing_is_counted():
    with running("payment") as payment, running("booking", PAYMENT_URL=payment.url) as booking:
        assert booking.ask("POST", "/bookings", {"sailing": "T1"}).status == 201
        assert "events_" not in booking.ask("GET", "/metrics").text
