"""TraceView: a line for each request, one of them hop by hop, and a reason when there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.collecting import Collecting, sample, sample_spans, shifted
from tests.support.moving import MovingCluster
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.errors import NotFoundError
from wavetank.observe.traces import Span, Stats, Trace
from wavetank.widgets import TraceView
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.models.traces import LATEST, TraceBoard, bars, line

BOOKING = "web: POST /api/bookings, 840 ms, 7 spans, 201"
DELAY = "web: GET /api/sailings, 2041 ms, 3 spans, 200"
FAILED = "web: POST /api/bookings, 509 ms, 3 spans, 502"
AT = datetime(2025, 11, 27, 16, 32, tzinfo=UTC)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path) as cluster:
        cluster.deploy("web", 1)
        yield cluster


@pytest.fixture
def collecting(cluster: MovingCluster) -> Iterator[Collecting]:
    with Collecting(cluster.api) as collecting:
        yield collecting


@pytest.fixture
def view(cluster: MovingCluster) -> Iterator[TraceView]:
    view = TraceView(cluster.open_lab(), "web")
    yield view
    view.close()


def board(*names: str, why: str = "") -> TraceBoard:
    traces = tuple(Trace.of(sample_spans(name)) for name in names)
    return TraceBoard("web", LATEST, AT, traces, Stats(), why)


def test_a_board_says_its_traces_and_the_chosen_one_hop_by_hop() -> None:
    lines = board("booking", "delay").text(Trace.of(sample_spans("delay")).id).splitlines()
    assert lines[:3] == ["the latest of the traces of web:", f"  {BOOKING}", f"  {DELAY}"]
    assert lines[4] == DELAY
    assert lines[-1].startswith("slowest: web calls timetable, 2005 of 2041 ms")
    assert board("booking", "delay").text("gone").splitlines()[4] == BOOKING


def test_a_board_without_traces_says_why() -> None:
    assert board(why="no pod of web has a sidecar").text() == "no trace of web: no pod of web has a sidecar"


def test_bars_have_one_time_line_and_none_leaves_it() -> None:
    fall = list(bars(Trace.of(sample_spans("booking"))))
    assert (fall[0].left, fall[0].width) == (0, 1)
    assert all(bar.left + bar.width <= 1 for bar in fall)
    assert [bar.left for bar in fall][-1] == pytest.approx(16 / 840)
    assert [bar.slowest for bar in fall] == [False] * 6 + [True]


def test_a_trace_that_took_no_time_has_bars_too() -> None:
    assert [bar.width for bar in bars(Trace.of([Span("1", "1", 5, 0)]))] == [0]


def test_a_failure_is_marked_before_being_the_slowest() -> None:
    tones = [bar.tone for bar in bars(Trace.of(sample_spans("timeout")))]
    assert tones == [Tone.BAD] * 3
    assert [bar.tone for bar in bars(Trace.of(sample_spans("delay")))] == [Tone.GOOD, Tone.WARN, Tone.GOOD]


def test_a_line_in_the_list_begins_with_the_time() -> None:
    assert re.fullmatch(r"\d\d:\d\d:07  " + re.escape(BOOKING), line(Trace.of(sample_spans("booking"))))


def test_it_is_told_in_words_without_a_front_end_and_without_ids(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    text = repr(view)
    assert text.startswith(f"the latest of the traces of web:\n  {BOOKING}\n\n{BOOKING}\n  web: POST")
    assert text.endswith("slowest: payment, 812 of 840 ms, in the service itself")
    assert not re.search(r"[0-9a-f]{8}", text)
    collecting.send(shifted("delay", 1, seconds=60))
    assert DELAY in repr(view), "a look each time"


def test_what_is_stored_with_a_notebook_is_what_was_shown(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    assert BOOKING in view._repr_mimebundle_()["text/plain"]
    asked = len(collecting.api.requests)
    collecting.send(shifted("delay", 1, seconds=60))
    assert DELAY not in repr(view), "it shows what is on the page"
    assert len(collecting.api.requests) == asked


def test_the_first_is_drawn_with_its_slowest_hop_in_words(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    view.start()
    for words in (
        "slowest: payment, 812 of 840 ms, in the service itself",
        "payment: POST /payments slowest in payment-5f6d8c7b94-h8wjn 16 ms 812 ms 812 ms 201",
        "The collector: 7 spans received; 7 held, in 1 trace.",
    ):
        eventually(lambda words=words: words in seen(view), words)


def test_another_is_drawn_when_it_is_chosen_and_stays_chosen(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    collecting.send(shifted("delay", 1, seconds=-60))
    view.start()
    eventually(lambda: len(view._list.options) == 2, "two traces")
    view._list.value = f"{1:032x}"
    eventually(lambda: "a delay that the proxy of web injected (DI)" in seen(view), "the other trace")
    collecting.send(shifted("timeout", 2, seconds=60))
    press(view, "Refresh")
    eventually(lambda: len(view._list.options) == 3, "a third")
    assert view._list.value == f"{1:032x}"
    assert "a delay that the proxy of web injected (DI)" in seen(view)


def test_the_slowest_and_the_failed_are_found_by_themselves(view: TraceView, collecting: Collecting) -> None:
    for number, name in enumerate(("delay", "booking", "timeout"), 1):
        collecting.send(shifted(name, number, seconds=number))
    view.start()
    eventually(lambda: FAILED in seen(view), "the latest")
    view._order.value = "the slowest"
    eventually(lambda: [DELAY in label for label, _ in view._list.options] == [True, False, False], "the slowest first")
    view._order.value = "the latest that failed"
    eventually(lambda: len(view._list.options) == 1, "the failed one")
    assert FAILED in view._list.options[0][0]


def test_no_failure_is_not_taken_for_no_trace(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    view._order.value = "the latest that failed"
    view.start()
    eventually(lambda: "none of those that are held has failed" in seen(view), "that none has failed")


def test_an_incomplete_trace_is_drawn_and_said_to_be(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("old").replace(b'"serviceName": "booking"', b'"serviceName": "web.tidewater"'))
    view.start()
    eventually(lambda: "incomplete: 1 span names a parent that is not there" in seen(view), "the gap")
    assert "web calls payment" in seen(view)


def test_without_a_trace_it_says_why_and_what_to_try(view: TraceView, collecting: Collecting) -> None:
    view.start()
    eventually(lambda: "no pod of web has a sidecar" in seen(view), "the reason")
    assert "try: kubectl label namespace tidewater istio-injection=enabled" in seen(view)
    assert view._list.disabled


def test_without_a_collector_it_says_so_on_the_page(view: TraceView) -> None:
    with pytest.raises(NotFoundError, match="no trace collector"):
        repr(view)
    assert "no trace collector" in view._repr_mimebundle_()["text/plain"]
    eventually(lambda: "this cluster has no trace collector" in seen(view), "the error")


def test_a_collector_that_comes_back_is_read_at_the_press_of_a_button(view: TraceView, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    collecting.go_away()
    view.start()
    eventually(lambda: "the trace collector does not answer" in seen(view), "the error")
    collecting.come_back()
    eventually(lambda: not view._refresh.disabled, "the button")
    press(view, "Refresh")
    eventually(lambda: BOOKING in seen(view), "the trace")
    eventually(lambda: "does not answer" not in seen(view), "the error to go")


def test_what_a_client_has_sent_is_shown_as_text_never_as_markup(view: TraceView, collecting: Collecting) -> None:
    evil = b"http://web.tidewater/<img src=x onerror=alert(1)>"
    collecting.send(sample("booking").replace(b"http://web.tidewater/api/bookings", evil))
    view.start()
    eventually(lambda: "onerror" in seen(view), "the request")
    markup = " ".join(str(child.value) for child in view.body.children if hasattr(child, "value"))
    assert "<img" not in markup
    assert "&lt;img" in markup
