"""A broker whose delivery is changed: its triggers say Ready all the while, and are subscribed anew a moment later."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.support.knative import NAMESPACE, Knative, broker, subscription, trigger

from wavetank.errors import WaitTimeoutError
from wavetank.observe.serverless import await_subscriptions

BEFORE = {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}
NOW = {**BEFORE, "retry": 3}
DEAD_LETTERS = {"deadLetterSink": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "logbook"}}}
RESOLVED = {"deadLetterSink": {"uri": "http://logbook.tidewater.svc.cluster.local"}}
NOT_YET = ("Unknown", "SubscriptionNotMarkedReady", "not yet in the channel")


def delivering(delivery: dict[str, Any]) -> dict[str, Any]:
    made = broker()
    return {**made, "spec": {**made["spec"], "delivery": delivery}}


def test_a_trigger_that_is_subscribed_as_its_broker_says_is_not_waited_for(knative: Knative) -> None:
    knative.put(delivering(NOW | DEAD_LETTERS), trigger("passes"), subscription("passes", NOW | RESOLVED))
    await_subscriptions(knative.kube, NAMESPACE, timeout=5)


@pytest.mark.parametrize(
    "there",
    [
        (),
        (subscription("passes", BEFORE),),
        (subscription("passes", NOW | RESOLVED),),
        (subscription("passes", NOW, Ready=NOT_YET),),
    ],
    ids=["none", "of before", "with dead letters", "not in the channel"],
)
def test_everything_else_is_waited_for_in_words(knative: Knative, there: tuple[Any, ...]) -> None:
    knative.put(delivering(NOW), trigger("passes"), *there)
    with pytest.raises(WaitTimeoutError, match=r"the trigger passes to be subscribed as its broker says"):
        await_subscriptions(knative.kube, NAMESPACE, timeout=0.2)


def test_it_is_there_when_knative_has_made_it_anew(knative: Knative) -> None:
    old = subscription("passes", BEFORE)
    knative.put(delivering(NOW), trigger("passes"), old)
    made = threading.Event()

    def make_anew() -> None:
        knative.api.delete("Subscription", old["metadata"]["name"], NAMESPACE)
        made.set()
        knative.put(subscription("passes", NOW))

    threading.Timer(0.3, make_anew).start()
    await_subscriptions(knative.kube, NAMESPACE, timeout=30)
    assert made.is_set()


@pytest.mark.parametrize(
    ("own", "subscribed"),
    [({"retry": 1}, {"retry": 1}), ({"retry": 1} | DEAD_LETTERS, {"retry": 1} | RESOLVED)],
)
def test_a_trigger_may_have_a_delivery_of_its_own(
    knative: Knative, own: dict[str, Any], subscribed: dict[str, Any]
) -> None:
    knative.put(delivering(NOW), trigger("passes", {"delivery": own}), subscription("passes", subscribed))
    await_subscriptions(knative.kube, NAMESPACE, timeout=5)


def test_its_brokers_dead_letters_are_a_triggers_too(knative: Knative) -> None:
    knative.put(delivering(NOW | DEAD_LETTERS), trigger("passes", {"delivery": {"retry": 1}}))
    knative.put(subscription("passes", {"retry": 1} | RESOLVED))
    await_subscriptions(knative.kube, NAMESPACE, timeout=5)
