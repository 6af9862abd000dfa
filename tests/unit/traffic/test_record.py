"""The lines of a load's log say everything, and add up to all of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from wavetank.errors import InputError, KubeError
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.record import Second, Summary, parse_line


def histogram(*seconds: float) -> str:
    latencies = Latencies()
    for one in seconds:
        latencies.record(one)
    return latencies.encode()


def second(t: int, status: dict[str, int], *, unsent: int = 0, late: float = 0.001, still: float = 0.0) -> Second:
    sent = sum(status.values())
    return Second(
        t=t,
        at=f"2026-05-01T12:00:{t:02d}.000Z",
        scheduled=sent + unsent,
        sent=sent,
        unsent=unsent,
        status=status,
        histogram=histogram(*[0.01] * sent),
        lateness=histogram(*[late] * sent),
        still=still,
    )


def test_a_second_survives_its_line() -> None:
    before = second(3, {"200": 18, "503": 1, "timeout": 1}, unsent=5, still=0.25)
    after = parse_line(before.to_line())

    assert after == before
    assert "\n" not in before.to_line()
    assert before.began == datetime(2026, 5, 1, 12, 0, 3, tzinfo=UTC)


def test_everything_but_an_answer_below_400_is_a_failure() -> None:
    told = second(0, {"200": 5, "201": 4, "302": 3, "404": 2, "500": 1, "refused": 6, "cancelled": 7})

    assert told.ended == 28
    assert told.failed == 16


def test_the_sum_accounts_for_every_request() -> None:
    summary = Summary.of([second(0, {"200": 10}), second(1, {"200": 7, "reset": 2}, unsent=1), second(2, {})])

    assert (summary.seconds, summary.scheduled, summary.sent, summary.unsent) == (3, 20, 19, 1)
    assert summary.status == Counter({"200": 17, "reset": 2})
    assert summary.error_share == pytest.approx(2 / 19)
    assert summary.latencies.count == 19
    assert "19 sent in 3 s, 2 failed (10.5%)" in str(summary)


def test_a_schedule_is_held_when_nearly_all_left_on_time() -> None:
    assert Summary.of([second(0, {"200": 200}), second(1, {"200": 1}, late=3.0)]).held
    assert not Summary.of([second(0, {"200": 100}), second(1, {"200": 5}, late=0.2)]).held
    assert not Summary.of([second(0, {"200": 100}, unsent=1)]).held
    assert Summary().held


def test_a_load_that_stood_still_says_so_and_what_it_missed() -> None:
    summary = Summary.of([second(0, {"200": 20}), *(second(t, {}, unsent=20, still=1.0) for t in range(1, 4))])
    assert not summary.held
    assert str(summary) == (
        "20 sent in 4 s, 0 failed (0.0%); p50 10 ms, p95 10 ms, p99 10 ms; the schedule was not held: "
        "the load itself stood still for 3 s, and 60 requests were not sent"
    )
    with pytest.raises(KubeError, match="the load evening stood still for 3 s"):
        summary.require_awake("evening")
    Summary.of([second(0, {"200": 20}, unsent=1)]).require_awake("evening")

    whole = Summary()
    whole.add_up(summary)
    assert (whole.still, not Summary.of([second(0, {"200": 1}, still=0.5)]).held) == (3.0, True)


def test_why_a_schedule_was_not_held_is_said() -> None:
    assert "20 requests were not sent" in str(Summary.of([second(0, {"200": 1}, unsent=20)]))
    assert "no answer; the schedule was not held: 5 requests were not sent" in str(
        Summary.of([second(0, {}, unsent=5)])
    )
    assert "the load itself was late" in str(Summary.of([second(0, {"200": 5}, late=0.2)]))


def test_the_last_line_tells_the_figures_in_milliseconds() -> None:
    figures = parse_line(Summary.of([second(0, {"200": 10, "503": 1})]).to_line())

    assert isinstance(figures, dict)
    assert (figures["sent"], figures["failed"], figures["held"]) == (11, 1, True)
    assert figures["latency_ms"]["p99"] == pytest.approx(10, rel=1e-2)
    assert figures["schedule_error_ms"]["max"] == pytest.approx(1, rel=1e-2)


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", "[]", "7", '{"t": 1}', '{"strange": 1}'])
def test_any_other_line_is_refused_with_its_words(line: str) -> None:
    with pytest.raises(InputError, match="not a line of a load's log") as caught:
        parse_line(line)
    assert caught.value.help.observed == line
