"""What an answer says of who gave it: enough to take a cold start apart, and to see a limit on concurrency kept."""

import re
import threading
import time

import pytest
from tests.support.tidewater import running
from tests.support.waiting import eventually


def timing(reply) -> dict[str, str]:
    entries = re.findall(r'([a-z-]+);(?:desc="([^"]*)"|dur=([\d.]+))', reply.headers["server-timing"])
    return {name: said or ms for name, said, ms in entries}


def metric(service, name: str) -> float:
    lines = service.ask("GET", "/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[-1])


def test_answers_tell_instance_revision_and_number():
    with running("tides", K_REVISION="tides-00007") as tides:
        tides.ask("GET", "/readyz")  # the platform's questions are not counted
        first, second = timing(tides.ask("GET", "/tides")), timing(tides.ask("GET", "/no-such-page"))
        assert first["instance"] == tides.ask("GET", "/version").json["pod"]
        assert (first["revision"], first["request"], second["request"]) == ("tides-00007", "1", "2")
    with running("tides") as tides:
        assert "revision" not in timing(tides.ask("GET", "/tides"))


def test_start_age_and_handling_add_up_to_what_passed():
    began = time.time()
    with running("tides") as tides:
        sent = time.time()
        said = timing(tides.ask("GET", "/level?seconds=0.3"))
        answered = time.time()
        started = metric(tides, "process_start_time_seconds")
    start, age, handled = (float(said[name]) / 1000 for name in ("start", "age", "handle"))
    assert began - 0.02 <= started  # the kernel knows it to a hundredth of a second
    assert 0 < start <= age
    assert sent - 0.02 <= started + age <= answered
    assert 0.3 <= handled <= answered - sent


def test_the_most_at_once_is_remembered_and_told():
    with running("tides") as tides:
        tides.ask("GET", "/tides")
        assert metric(tides, "http_requests_handled_at_once_max") == 1
        tides.switch("POST", "/faults", {"kind": "latency", "ms": 2000, "seconds": 30})
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(tides.ask("GET", "/tides"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(timing(reply)["at-once"] for reply in replies) == ["1", "2", "3", "4"]
        tides.switch("DELETE", "/faults")
        assert timing(tides.ask("GET", "/tides"))["at-once"] == "1"
        assert metric(tides, "http_requests_handled_at_once_max") == 4


def test_who_sends_the_next_when_an_answer_has_come_is_never_counted_as_two():
    with running("payment") as payment:
        for _ in range(100):  # each over a connection, and so in a thread, of its own
            payment.ask("POST", "/payments", {"amount": 1})
        assert metric(payment, "http_requests_handled_at_once_max") == 1


def test_the_log_says_how_long_the_start_took():
    with running("tides") as tides:
        said = timing(tides.ask("GET", "/tides"))
        eventually(lambda: tides.logs, "a line in the log")
    assert float(said["start"]) == pytest.approx(tides.first["start_ms"], abs=1)
