"""Brokers and triggers in words, and a broker looked at with what it has counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.knative import NAMESPACE, Knative, broker, subscription, trigger

from wavetank.errors import NotSupportedError
from wavetank.observe.serverless import Counts, look, watch_events
from wavetank.observe.serverless.events import TriggerState, broker_of

SAID = (Path(__file__).parent / "recorded/eventing.prom").read_text()
DLS = "http://logbook.tidewater.svc.cluster.local/dead"


def state(spec: dict[str, Any] | None = None, **told: Any) -> TriggerState:
    found = broker_of("default", NAMESPACE, broker(), [trigger("boarding", spec, **told)]).trigger("boarding")
    assert found
    return found


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "every event"),
        ({"filter": {}}, "every event"),
        ({"filter": {"attributes": {"type": "booked", "source": ""}}}, "type is booked and source is anything"),
        ({"filters": [{"exact": {"type": "a"}}, {"prefix": {"type": "b"}}]}, "type is a and type begins with b"),
        (
            {"filters": [{"any": [{"exact": {"type": "a"}}, {"suffix": {"type": "b"}}]}]},
            "(type is a or type ends with b)",
        ),
        ({"filters": [{"not": {"exact": {"type": "a"}}}], "filter": {"attributes": {"type": "a"}}}, "not (type is a)"),
        ({"filters": [{"cesql": "amount > 100"}]}, "amount > 100"),
    ],
)
def test_what_a_trigger_wants(spec: dict[str, Any], words: str) -> None:
    assert state(spec).wants == words


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (None, "no retry"),
        ({"retry": 0}, "no retry"),
        ({"retry": 1}, "1 retry"),
        ({"retry": 3, "backoffDelay": "PT0.2S", "backoffPolicy": "linear"}, "3 retries, linear from PT0.2S on"),
        ({"retry": 3, "backoffDelay": "PT1S"}, "3 retries, exponential from PT1S on"),
    ],
)
def test_what_happens_after_a_failure(delivery: dict[str, Any] | None, words: str) -> None:
    assert state({"delivery": delivery} if delivery else {}).retries == words


def test_a_trigger_without_a_delivery_has_its_brokers() -> None:
    kept = broker()
    kept["spec"]["delivery"] = {"retry": 2}
    found = broker_of("default", NAMESPACE, kept, [trigger("boarding")]).trigger("boarding")
    assert found
    assert found.retries == "2 retries"


class TestReady:
    def test_ready(self) -> None:
        assert (state().ready, state().words) == (True, "ready")

    def test_a_subscriber_that_is_not_there(self) -> None:
        said = ("False", "Unable to get the Subscriber's URI", 'services.serving.knative.dev "boarding" not found')
        told = state(BrokerReady="True", SubscriberResolved=said, Ready=("False", said[1], said[2]))
        assert told.ready is False
        assert told.words == 'its subscriber is not found: services.serving.knative.dev "boarding" not found'

    def test_a_broker_that_is_not_there(self) -> None:
        said = ("False", "BrokerDoesNotExist", 'Broker "default" does not exist')
        assert state(BrokerReady=said, Ready=said).words == 'its broker is not ready: Broker "default" does not exist'

    def test_what_fails_is_told_before_what_is_not_known(self) -> None:
        failed = ("False", "x", "no such service")
        told = state(BrokerReady=("Unknown", "", ""), DeadLetterSinkResolved=failed, Ready=failed)
        assert told.words == "its dead letter sink is not found: no such service"

    def test_nobody_has_looked_yet(self) -> None:
        fresh = trigger("boarding")
        del fresh["status"]
        found = broker_of("default", NAMESPACE, broker(), [fresh]).trigger("boarding")
        assert found
        assert (found.ready, found.words) == (None, "Knative has not looked at its latest change yet")
        assert found.subscriber == "Service boarding"

    def test_a_broker_without_its_channel(self) -> None:
        said = ("False", "ChannelFailure", "no default channel")
        told = broker_of("default", NAMESPACE, broker(IngressReady="True", TriggerChannelReady=said, Ready=said))
        assert told.words == "its channel is not ready: no default channel"

    def test_no_broker(self) -> None:
        assert repr(broker_of("default", NAMESPACE, None)).startswith("broker default: there is no such broker\n")


def test_triggers_of_another_broker_are_left_out() -> None:
    told = broker_of("default", NAMESPACE, broker(), [trigger("a"), trigger("b", {"broker": "other"})])
    assert [found.name for found in told.triggers] == ["a"]


def count(knative: Knative, text: str, uid: str = "1") -> None:
    """Have all three that count say what was recorded: in one process, since the labels tell who counts what."""
    knative.tell("knative-eventing", f"filter-{uid}", {"eventing.knative.dev/brokerRole": "filter"}, text, port=9092)


class TestLooking:
    @pytest.fixture(autouse=True)
    def _there(self, knative: Knative) -> None:
        knative.put(broker(), trigger("good", dead_letters=DLS), trigger("nodls"))
        knative.put(subscription("good"), subscription("nodls"))

    def test_each_trigger_has_its_counts(self, knative: Knative) -> None:
        count(knative, SAID)
        told = watch_events(knative.kube, NAMESPACE, "default").look()
        assert repr(told).splitlines() == [
            "broker default: ready; 10 events came, 8 of them answered with a failure",
            "trigger  wants        delivered  filtered  dead letters  lost  failures  state",
            "good     every event          8         2             0     0         0  ready",
            "nodls    every event          0         2             0     8        24  ready",
        ]

    def test_from_a_mark_on_only_what_came_after_counts(self, knative: Knative) -> None:
        count(knative, SAID)
        events = watch_events(knative.kube, NAMESPACE, "default")
        events.mark()
        assert events.look().came == 0
        count(knative, SAID, uid="2")  # another pod in its place: nothing that was counted is forgotten
        told = events.look().trigger("good")
        assert told
        assert told.counts == Counts(done=10, filtered=2, delivered=8)

    def test_without_metrics_the_triggers_are_there_and_the_counts_are_not(self, knative: Knative) -> None:
        events = watch_events(knative.kube, NAMESPACE, "default")
        told = events.look()
        assert told.came is None
        assert "good     every event          -" in repr(told)
        with pytest.raises(NotSupportedError, match="Eventing does not say"):
            events.mark()


def test_a_cluster_without_knative_is_an_error_that_says_how_to_get_it(tmp_path: Path) -> None:
    with Knative(tmp_path, installed=False) as knative:
        for asked in (lambda: look(knative.kube, NAMESPACE, "tides"), watch_events(knative.kube, NAMESPACE, "x").look):
            with pytest.raises(NotSupportedError, match="this cluster has no Knative") as error:
                asked()
            assert error.value.help.hint == "wavetank up --for 04-serverless"


def test_a_service_is_looked_at_with_everything_that_belongs_to_it(knative: Knative) -> None:
    knative.serve("tides", pods=2)
    knative.serve("passes", pods=1)
    told = look(knative.kube, NAMESPACE, "tides")
    assert [(found.name, found.percent, found.wanted, found.ready_pods) for found in told.revisions] == [
        ("tides-00001", 100, 2, 2)
    ]
    assert look(knative.kube, NAMESPACE, "gone").trouble == ("There is no Knative Service gone in tidewater.",)
