"""Wait until events go where the Brokers and Triggers of a namespace say now.

When it is changed how a Broker delivers, Knative takes the Subscription of each of its Triggers away and makes another
one. An event that comes in between reaches nobody, and for a moment everything still says that it is ready.

Source: knative.dev/eventing 0.50.0, pkg/reconciler/broker/trigger (a Subscription's spec cannot be changed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wavetank.kube import Kube, Obj
from wavetank.kube.wait import Condition, has_condition
from wavetank.observe.serverless.events import BROKER, SUBSCRIPTION, TRIGGER, TRIGGER_LABEL

__all__ = ["await_subscriptions"]

_DEAD_LETTERS = "deadLetterSink"


def await_subscriptions(kube: Kube, namespace: str, timeout: float = 60.0) -> None:
    """Return when each Trigger has the Subscription that it and its Broker ask for, and its channel knows of it.

    Raises `WaitTimeoutError`, with the Trigger that has none, when that takes more than ``timeout`` seconds for one.
    """
    deliveries = {broker["metadata"]["name"]: _delivery(broker) for broker in kube.list(BROKER, namespace)}
    for trigger in kube.list(TRIGGER, namespace):
        name = trigger["metadata"]["name"]
        wanted = _wanted(_delivery(trigger), deliveries.get(trigger["spec"].get("broker", ""), {}))
        kube.wait_for(
            SUBSCRIPTION,
            f"{TRIGGER_LABEL}={name}",
            namespace,
            _delivers(wanted),
            timeout=timeout,
            waiting_for=f"the trigger {name} to be subscribed as its broker says",
        )


def _delivers(wanted: Mapping[str, Any]) -> Condition:
    def met(subscription: Obj | None) -> bool:
        if subscription is None or "deletionTimestamp" in subscription["metadata"]:
            return False
        return _told(_delivery(subscription)) == _told(wanted) and has_condition("Ready")(subscription)

    return met


def _wanted(own: Mapping[str, Any], brokers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how a trigger's events are delivered: its own way, else its broker's; dead letters by either."""
    dead_letters = {key: value for key, value in brokers.items() if key == _DEAD_LETTERS}
    return {**dead_letters, **own} if own else brokers


def _told(delivery: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what can be compared: who is named as the dead letter sink is an address in a Subscription."""
    return {key: value if key != _DEAD_LETTERS else True for key, value in delivery.items()}


def _delivery(obj: Obj) -> Mapping[str, Any]:
    delivery: Mapping[str, Any] = (obj.get("spec") or {}).get("delivery") or {}
    return delivery
