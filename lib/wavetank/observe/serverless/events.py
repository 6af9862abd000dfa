"""A broker and its triggers: who wants which events, what is done when that fails, and what became of them. Pure.

Formats: eventing.knative.dev/v1 Broker and Trigger, messaging.knative.dev/v1 Subscription, the duck type Delivery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.kube import Obj
from wavetank.observe.columns import columns
from wavetank.observe.serverless.conditions import condition, in_words, readiness
from wavetank.observe.serverless.tallies import Counts, Tally, came, counts_of, overflown

__all__ = ["BROKER", "SUBSCRIPTION", "TRIGGER", "TRIGGER_LABEL", "BrokerState", "TriggerState", "broker_of"]

BROKER = ("eventing.knative.dev/v1", "Broker")
TRIGGER = ("eventing.knative.dev/v1", "Trigger")
SUBSCRIPTION = ("messaging.knative.dev/v1", "Subscription")

TRIGGER_LABEL = "eventing.knative.dev/trigger"
_CONDITIONS = {
    BROKER: ("IngressReady", "TriggerChannelReady", "FilterReady", "Addressable", "DeadLetterSinkResolved"),
    TRIGGER: ("BrokerReady", "SubscriberResolved", "DeadLetterSinkResolved", "SubscriptionReady", "DependencyReady"),
}
_WORDS = {
    "BrokerReady": "its broker is not ready",
    "SubscriberResolved": "its subscriber is not found",
    "DeadLetterSinkResolved": "its dead letter sink is not found",
    "SubscriptionReady": "it is not subscribed to the broker's channel",
    "DependencyReady": "what it depends on is not ready",
    "IngressReady": "its ingress is not ready",
    "TriggerChannelReady": "its channel is not ready",
    "FilterReady": "its filter is not ready",
    "Addressable": "it has no address",
}


@dataclass(frozen=True, slots=True)
class TriggerState:
    """One trigger, in words: which events it ``wants``, ``retries`` and where it all goes.

    ``ready`` is None while that is not decided; ``words`` say how it is. ``dead_letters`` is the address of the dead
    letter sink, its own or the broker's; empty where there is none. ``counts`` is None while nobody has counted.
    """

    name: str
    ready: bool | None
    words: str
    wants: str
    subscriber: str
    retries: str
    dead_letters: str = ""
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, repr=False)
class BrokerState:
    """A broker; printed, a table of its triggers.

    So many events ``came``, None while nobody has counted, and ``refused`` of them were answered with a failure: not
    every trigger has got rid of such an event. ``miscounted`` says that counts are too low: Knative has stopped to
    tell events apart, there being too many different subjects or sources.
    """

    name: str
    namespace: str
    ready: bool | None
    words: str
    url: str = ""
    came: int | None = None
    refused: int = 0
    miscounted: bool = False
    triggers: tuple[TriggerState, ...] = ()

    @property
    def counted(self) -> str:
        """How many events came, in words; empty while nobody has counted."""
        if self.came is None:
            return ""
        refused = f", {self.refused} of them answered with a failure" if self.refused else ""
        return f"{self.came} events came{refused}" + (" (too many different ones to count)" * self.miscounted)

    def trigger(self, name: str) -> TriggerState | None:
        """Return one trigger, None when there is no such one."""
        return next((trigger for trigger in self.triggers if trigger.name == name), None)

    def __repr__(self) -> str:
        lines = [f"broker {self.name}: {self.words}" + (f"; {self.counted}" if self.counted else "")]
        if not self.triggers:
            return "\n".join([*lines, "no trigger: nobody gets its events"])
        head = ("trigger", "wants", "delivered", "filtered", "dead letters", "lost", "failures", "state")
        table = columns(head, [_cells(trigger) for trigger in self.triggers], words=(0, 1, 7))
        return "\n".join([*lines, table])

    __str__ = __repr__


def broker_of(
    name: str,
    namespace: str,
    broker: Obj | None,
    triggers: Sequence[Obj] = (),
    subscriptions: Sequence[Obj] = (),
    tally: Tally | None = None,
) -> BrokerState:
    """Return the broker ``name`` as it is; ``triggers`` may be those of other brokers too."""
    if broker is None:
        return BrokerState(name, namespace, False, "there is no such broker")
    subscribed = {
        (subscription["metadata"].get("labels") or {}).get(TRIGGER_LABEL): subscription["metadata"]["name"]
        for subscription in subscriptions
    }
    own = [trigger for trigger in triggers if _broker_of(trigger) == name]
    states = [_trigger(trigger, broker, subscribed.get(trigger["metadata"]["name"], ""), tally) for trigger in own]
    address = (broker.get("status") or {}).get("address") or {}
    counted, refused = came(tally or {}, name, namespace)
    return BrokerState(
        name,
        namespace,
        readiness(broker).holds,
        _state(broker, BROKER),
        url=address.get("url", ""),
        came=None if tally is None else counted,
        refused=refused,
        miscounted=overflown(tally or {}),
        triggers=tuple(sorted(states, key=lambda state: state.name)),
    )


def _trigger(trigger: Obj, broker: Obj, subscription: str, tally: Tally | None) -> TriggerState:
    metadata, spec, status = trigger["metadata"], trigger["spec"], trigger.get("status") or {}
    dead_letters = status.get("deadLetterSinkUri", "")
    counts = None
    if tally is not None:
        name, namespace = metadata["name"], metadata["namespace"]
        counts = counts_of(tally, name, subscription, namespace, has_dead_letters=bool(dead_letters))
    return TriggerState(
        metadata["name"],
        readiness(trigger).holds,
        _state(trigger, TRIGGER),
        wants=_wants(spec),
        subscriber=status.get("subscriberUri") or _destination(spec["subscriber"]),
        retries=_retries(spec.get("delivery") or (broker.get("spec") or {}).get("delivery") or {}),
        dead_letters=dead_letters,
        counts=counts,
    )


def _state(obj: Obj, kind: tuple[str, str]) -> str:
    ready = readiness(obj)
    if ready.holds:
        return "ready"
    told = [(type_, said) for type_ in _CONDITIONS[kind] if (said := condition(obj, type_)) and not said.holds]
    failed = next(((type_, said) for type_, said in told if said.holds is False), next(iter(told), None))
    if failed is None:
        return in_words(ready)
    type_, said = failed
    return f"{_WORDS[type_]}: {said.message or said.reason or 'not known yet'}"


def _broker_of(trigger: Obj) -> str:
    spec = trigger["spec"]
    name: str = (spec.get("brokerRef") or {}).get("name") or spec.get("broker", "")
    return name


def _wants(spec: Obj) -> str:
    """Return which events a trigger is for; the newer ``filters`` take the place of ``filter``."""
    if filters := spec.get("filters"):
        return " and ".join(map(_filter, filters)) or "every event"
    wanted = (spec.get("filter") or {}).get("attributes") or {}
    return " and ".join(_attributes(wanted, "is")) or "every event"


def _filter(told: Mapping[str, Any]) -> str:
    """Return one filter of the CloudEvents Subscriptions API in words."""
    words = {"exact": "is", "prefix": "begins with", "suffix": "ends with"}
    parts = [part for dialect, verb in words.items() for part in _attributes(told.get(dialect) or {}, verb)]
    for dialect, joint in (("all", " and "), ("any", " or ")):
        if nested := told.get(dialect):
            parts.append(f"({joint.join(map(_filter, nested))})")
    if nested := told.get("not"):
        parts.append(f"not ({_filter(nested)})")
    if expression := told.get("cesql"):
        parts.append(expression)
    return " and ".join(parts) or "every event"


def _attributes(wanted: Mapping[str, str], verb: str) -> Iterator[str]:
    for attribute, value in wanted.items():
        yield f"{attribute} {verb} {value}" if value else f"{attribute} is anything"


def _retries(delivery: Mapping[str, Any]) -> str:
    """Return a delivery's retries in words; its delays are ISO 8601 durations, kept as they are."""
    if not (times := delivery.get("retry")):
        return "no retry"
    words = f"{times} retries" if times > 1 else "1 retry"
    if delay := delivery.get("backoffDelay"):
        words += f", {delivery.get('backoffPolicy', 'exponential')} from {delay} on"
    return words


def _destination(subscriber: Mapping[str, Any]) -> str:
    ref = subscriber.get("ref") or {}
    return f"{ref['kind']} {ref['name']}" if ref else str(subscriber.get("uri", ""))


def _cells(trigger: TriggerState) -> tuple[str, ...]:
    counts = trigger.counts
    fields = ("delivered", "filtered", "dead_lettered", "lost", "failures")
    numbers = ("-" if counts is None else f"{getattr(counts, name)}" for name in fields)
    return (trigger.name, trigger.wants, *numbers, trigger.words)
