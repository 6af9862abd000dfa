"""Tidewater Ferries, each service a real process: what passengers get, and what a platform expects."""

import socket
import threading
import time

import pytest
from tests.support.tidewater import TIDEWATER, ask, running
from tests.support.waiting import eventually

SERVICES = sorted(main.parent.name for main in TIDEWATER.glob("*/main.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_tells_a_platform_what_it_needs(service):
    with running(service) as it:
        assert it.ask("GET", "/healthz").json == {"alive": True}
        assert it.ask("GET", "/readyz").status == 200
        assert it.ask("GET", "/version").json["service"] == service
        assert "http_requests_total" in it.ask("GET", "/metrics").text


def test_a_booking_goes_from_web_through_booking_to_payment():
    with (
        running("payment") as payment,
        running("booking", PAYMENT_URL=payment.url) as booking,
        running("web", BOOKING_URL=booking.url) as web,
    ):
        answer = web.ask("POST", "/api/bookings", {"sailing": "T1"})
        assert answer.status == 201
        assert answer.json == {"reference": "T1-00001", "payment": 1}


def test_the_page_shows_the_notice_without_letting_it_be_markup():
    with running("web", NOTICE="<b>Fog</b>") as web:
        page = web.ask("GET", "/")
        assert page.headers["content-type"].startswith("text/html")
        assert "&lt;b&gt;Fog" in page.text


@pytest.mark.parametrize(("version", "tide"), [("v1", False), ("v2", True), ("v3", True)])
def test_every_version_of_the_timetable_is_right_one_request_at_a_time(version, tide):
    with running("timetable", VERSION=version) as timetable, running("web", TIMETABLE_URL=timetable.url) as web:
        answer = web.ask("GET", "/api/sailings").json
        assert answer["timetable"] == version
        assert [sailing["id"] for sailing in answer["sailings"]] == ["T1", "T2", "T3", "T4"]
        assert all(("tide_m" in sailing) == tide for sailing in answer["sailings"])


def _seconds_for_many_at_once(version: str, requests: int = 12) -> float:
    with running("timetable", VERSION=version) as timetable:
        threads = [threading.Thread(target=timetable.ask, args=("GET", "/sailings")) for _ in range(requests)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - began


def test_v3_of_the_timetable_makes_those_who_come_together_wait_in_one_line():
    assert _seconds_for_many_at_once("v3") > 12 * 0.05
    assert _seconds_for_many_at_once("v2") < 12 * 0.05


@pytest.mark.parametrize("body", ["not json", "[]", "{}", '{"sailing": 3}'])
def test_a_wrong_booking_is_the_clients_mistake_not_the_servers(body):
    with running("booking") as booking, running("web", BOOKING_URL=booking.url) as web:
        assert web.ask("POST", "/api/bookings", body).status in (400, 422)


def test_an_upstream_that_is_away_slow_or_failing_is_told_apart():
    with running("timetable") as timetable, running("web", TIMETABLE_URL=timetable.url) as web:
        timetable.switch("POST", "/faults", {"kind": "errors", "share": 1, "seconds": 30})
        assert web.ask("GET", "/api/sailings").status == 502
        timetable.switch("DELETE", "/faults")
        timetable.switch("POST", "/faults", {"kind": "latency", "ms": 2000, "seconds": 30})
        assert web.ask("GET", "/api/sailings").status == 504
        timetable.process.kill()
        timetable.process.wait()
        assert web.ask("GET", "/api/sailings").status == 502
        outcomes = [
            line for line in web.ask("GET", "/metrics").text.splitlines() if line.startswith("http_calls_total")
        ]
        assert [line.split('outcome="')[1].split('"')[0] for line in outcomes] == ["503", "timeout", "unreachable"]


def test_trace_headers_are_passed_on_and_the_log_names_the_trace():
    w3c = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with running("timetable") as timetable, running("web", TIMETABLE_URL=timetable.url) as web:
        web.ask("GET", "/api/sailings", headers={"traceparent": w3c, "x-private": "no"})
        web.ask("GET", "/api/sailings", headers={"b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"})
        web.ask("GET", "/api/sailings", headers={"X-B3-TraceId": "463ac35c9f6413ad", "X-B3-SpanId": "a2fb4a1d1a96d312"})
        eventually(lambda: len(timetable.logs) == 3, "three log lines of timetable")
    traces = ["4bf92f3577b34da6a3ce929d0e0e4736", "80f198ee56343ba864fe8b2a57d3eff7", "463ac35c9f6413ad"]
    assert [line["trace"] for line in timetable.logs] == traces


def test_metrics_count_answers_by_route_never_by_what_a_client_made_up():
    with running("payment") as payment:
        payment.ask("POST", "/payments", {"amount": 3})
        payment.ask("POST", "/payments", {"amount": 3})
        payment.ask("GET", "/no/such/page")
        payment.ask("GET", "/healthz")
        text = payment.ask("GET", "/metrics").text
    assert 'method="POST",path="/payments",status="201"} 2' in text
    assert 'method="GET",path="other",status="404"} 1' in text
    assert "/no/such/page" not in text
    assert "/healthz" not in text
    assert 'http_request_duration_seconds_bucket{service="payment",version="v1",le="+Inf"} 3' in text


def test_a_connection_is_kept_and_given_up_after_a_while():
    with running("payment") as payment:
        connection = payment.connect()
        first = ask(connection, "GET", "/version")
        assert "connection" not in first.headers
        kept = connection.sock
        closed_after = None
        began = time.monotonic()
        while closed_after is None and time.monotonic() - began < 10:
            reply = ask(connection, "GET", "/version")
            if reply.headers.get("connection") == "close":
                closed_after = time.monotonic() - began
            else:
                assert connection.sock is kept
            time.sleep(0.2)
        assert closed_after == pytest.approx(5, abs=1)


def test_a_body_whose_length_is_not_known_beforehand_is_read_whole():
    with running("payment") as payment:
        connection = payment.connect()
        connection.request("POST", "/payments", iter([b'{"amo', b'unt": 3}']))
        assert connection.getresponse().read() == b'{"payment": 1, "amount": 3}'
        assert ask(connection, "GET", "/healthz").status == 200  # nothing of it was left on the connection


@pytest.mark.parametrize("sent", ["FFFFFFF\r\n", "-1\r\n", "no size\r\n", "2\r\n{}no end\r\n", "2\r\n{}\r\n"])
def test_chunks_that_are_too_long_or_none_are_refused(sent):
    with running("payment") as payment:
        connection = payment.connect()
        connection.putrequest("POST", "/payments")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(sent.encode())
        connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (413, "close")


@pytest.mark.parametrize("length", ["-1", "ten", str(64 * 1024 + 1)])
def test_a_body_of_unbelievable_size_is_refused_unread(length):
    with running("payment") as payment:
        connection = payment.connect()
        connection.putrequest("POST", "/payments")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_leaving_gracefully_loses_no_request():
    with running("timetable", DRAIN_SECONDS="2") as timetable:
        timetable.switch("POST", "/faults", {"kind": "latency", "ms": 800, "seconds": 30})
        connection = timetable.connect()
        connection.request("GET", "/sailings")
        timetable.terminate()
        eventually(lambda: timetable.ask("GET", "/readyz").status == 503, "readiness to go off")
        late = timetable.connect()
        late.request("GET", "/sailings")
        assert connection.getresponse().status == 200
        answer = late.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, "close")
        assert timetable.process.wait(timeout=10) == 0
        with pytest.raises(ConnectionRefusedError):
            timetable.ask("GET", "/sailings")


def test_a_booking_keeps_its_papers_for_a_while_and_no_longer():
    def resident(service) -> int:
        lines = service.ask("GET", "/metrics").text.splitlines()
        return int(next(line for line in lines if line.startswith("process_resident_memory_bytes")).split()[1])

    environment = {"HOLD_KIB": "1024", "HOLD_SECONDS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    with running("payment") as payment, running("booking", PAYMENT_URL=payment.url, **environment) as booking:
        before = resident(booking)
        for _ in range(20):
            booking.ask("POST", "/bookings", {"sailing": "T1"})
        assert resident(booking) - before > 15 * 1024**2
        eventually(lambda: resident(booking) - before < 5 * 1024**2, "the memory to be given back")


def test_retries_written_by_hand_multiply_with_every_service_on_the_way():
    """Each of two services tries three times more: one booking comes to sixteen requests."""
    with (
        running("payment") as payment,
        running("booking", PAYMENT_URL=payment.url, RETRIES="3") as booking,
        running("web", BOOKING_URL=booking.url, RETRIES="3") as web,
    ):
        payment.switch("POST", "/faults", {"kind": "errors", "share": 1, "status": 503, "seconds": 30})
        assert web.ask("POST", "/api/bookings", {"sailing": "T1"}).status == 502
        assert 'status="503"} 16' in payment.ask("GET", "/metrics").text


def test_what_the_client_is_to_blame_for_is_not_tried_again():
    with (
        running("booking", RETRIES="3") as booking,
        running("web", BOOKING_URL=booking.url, RETRIES="3") as web,
    ):
        assert web.ask("POST", "/api/bookings", {}).status == 422
        assert 'status="422"} 1' in booking.ask("GET", "/metrics").text
