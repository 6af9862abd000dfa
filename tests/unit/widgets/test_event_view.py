"""EventView: a broker's triggers in words, what became of each event as numbers and bars, without a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.knative import NAMESPACE, Knative, broker, subscription, trigger
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.widgets import EventView
from wavetank.widgets.stack import stack

SAID = (Path(__file__).parents[1] / "observe/serverless/recorded/eventing.prom").read_text()
DLS = "http://logbook.tidewater.svc.cluster.local/dead"
FILTER = {"eventing.knative.dev/brokerRole": "filter"}


@dataclass(frozen=True)
class Here:
    kube: Kube
    namespace: str = NAMESPACE


@pytest.fixture
def knative(tmp_path: Path) -> Iterator[Knative]:
    with Knative(tmp_path) as knative:
        wanted = {"filter": {"attributes": {"type": "booking.confirmed"}}, "delivery": {"retry": 2}}
        knative.put(broker(), trigger("flaky", wanted, dead_letters=DLS), trigger("nodls"))
        knative.put(subscription("flaky"), subscription("nodls"))
        yield knative


@pytest.fixture
def view(knative: Knative) -> Iterator[EventView]:
    view = EventView(Here(knative.kube), "default")
    yield view
    view.close()


def test_in_a_terminal_it_is_the_table(knative: Knative, view: EventView) -> None:
    knative.tell("knative-eventing", "filter-1", FILTER, SAID, port=9092)
    assert repr(view).splitlines()[:2] == [
        "broker default: ready; 10 events came, 8 of them answered with a failure",
        "trigger  wants                      delivered  filtered  dead letters  lost  failures  state",
    ]


def test_triggers_say_what_they_want_and_what_happens_after_a_failure(knative: Knative, view: EventView) -> None:
    knative.tell("knative-eventing", "filter-1", FILTER, SAID, port=9092)
    view.start()
    eventually(lambda: "10 events came" in seen(view), "the counts")
    words = seen(view)
    assert f"flaky type is booking.confirmed http://flaky.tidewater.svc.cluster.local 2 retries {DLS} ready" in words
    assert "nodls every event http://nodls.tidewater.svc.cluster.local no retry nowhere ready" in words


def test_what_became_of_the_events_is_drawn_and_written(knative: Knative, view: EventView) -> None:
    knative.tell("knative-eventing", "filter-1", FILTER, SAID, port=9092)
    view.start()
    eventually(lambda: "flaky 10 8 2 0 0 3" in seen(view), "the numbers of one")
    assert "nodls 10 0 2 0 8 24" in seen(view)
    assert stack((8, 2, 0, 0), 10) in view._counts.value
    assert "do not add up" not in seen(view)


def test_counting_can_begin_anew(knative: Knative, view: EventView) -> None:
    knative.tell("knative-eventing", "filter-1", FILTER, SAID, port=9092)
    view.start()
    eventually(lambda: "flaky 10 8 2 0 0 3" in seen(view), "the numbers")
    press(view, "Count from here")
    eventually(lambda: "flaky 0 0 0 0 0 0" in seen(view), "that it counts from 0")


def test_events_on_their_way_are_told(knative: Knative, view: EventView) -> None:
    going = "\n".join(line for line in SAID.splitlines() if "subscription:default-flaky-uid" not in line)
    knative.tell("knative-eventing", "filter-1", FILTER, f"{going}\n", port=9092)
    view.start()
    eventually(lambda: "The ends of flaky do not add up just now" in seen(view), "the notice")


def test_without_metrics_it_says_how_to_get_them(view: EventView) -> None:
    view.start()
    eventually(lambda: "is metrics-protocol prometheus in its config-observability?" in seen(view), "the notice")
    assert "not counted" in seen(view)
    assert "flaky" in seen(view)
    press(view, "Count from here")
    eventually(lambda: "Knative Eventing does not say what it has counted" in seen(view), "the complaint")


def test_a_broker_that_is_not_there_is_told(knative: Knative) -> None:
    view = EventView(Here(knative.kube), "gone")
    view.start()
    eventually(lambda: "broker gone: there is no such broker" in seen(view), "the trouble")
    view.close()


def test_names_are_shown_as_text_never_as_markup(knative: Knative, view: EventView) -> None:
    knative.put(trigger("evil", {"filter": {"attributes": {"type": "<img src=x onerror=alert(1)>"}}}))
    view.start()
    eventually(lambda: "onerror" in seen(view), "the trigger")
    assert "<img" not in view._triggers.value


def test_parts_of_a_bar_differ_by_pattern_and_an_empty_one_is_not_drawn() -> None:
    assert stack((3, 0, 1), 8) == (
        '<span class="wt-stack" aria-hidden="true"><i class="p1" style="width:37.50%"></i>'
        '<i class="p3" style="width:12.50%"></i></span>'
    )
    assert "<i" not in stack((0, 0), 0)
