"""How many events came to what, counted from what Knative Eventing's own pods say. Pure.

An event comes to the broker's ingress, from there into its channel, whose dispatcher hands it to every trigger: to the
filter, which asks the subscriber if the event fits, and answers for it. The dispatcher tries again after a failure and
goes to the dead letter sink after the last one. So three processes count, each what it sees:

- the ingress each answer it gave for a broker, a failure too: the event may have gone to the triggers all the same;
- the filter each answer it gave for a trigger, and apart from that each time it asked the subscriber;
- the dispatcher each event when it is done with it, by the trigger's subscription: once, whatever it took.

Source: knative.dev/eventing 0.50.0, pkg/broker/ingress, pkg/broker/filter, pkg/channel/fanout. They count by the
event's type, source and subject, too, and when these take 2000 different values, everything beyond in one
(OpenTelemetry's overflow): then nobody knows what became of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from wavetank.observe.serverless.scrape import samples

__all__ = [
    "Counts",
    "Key",
    "Ledger",
    "Tally",
    "came",
    "counts_of",
    "entered",
    "overflown",
    "since",
    "tally_of",
]

_DISPATCHES = "kn_eventing_dispatch_duration_seconds_count"
_ANSWERS = "http_server_request_duration_seconds_count"
_COUNTED_TWICE = 2
"""Ingress and filter wrap their handlers in two layers that measure, so that each answer is counted as two."""

_CAME, _ASKED, _ANSWERED, _DONE, _OVERFLOWN = "came", "asked", "answered", "done", "overflown"
_OVERFLOW = "otel_metric_overflow"
_BAD_GATEWAY = 502
_REFUSED = (400, 404)


class Key(NamedTuple):
    """What is counted: ``what`` happened, for the broker, trigger or subscription ``name.namespace``, with a status."""

    what: str
    name: str
    status: int


Tally = Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What all pods have counted, whichever was restarted meanwhile: ``latest`` by their uid, ``total`` never falls."""

    latest: Mapping[str, Tally] = field(default_factory=dict)
    total: Tally = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events that the broker has handed to one trigger.

    Of those that are ``done``, so many were ``filtered`` (not meant for it), ``delivered`` to the subscriber,
    ``dead_lettered``, or ``lost``: neither the subscriber nor a dead letter sink has taken them. ``failures`` are
    times that the subscriber was asked and did not take the event; one event may bring several.
    """

    done: int = 0
    filtered: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    lost: int = 0
    failures: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether each event has exactly one end.

        It has not while the filter's and the dispatcher's counts are of different times: when one was restarted before
        anybody looked, or an event is on its way.
        """
        ends = self.filtered + self.delivered + self.dead_lettered + self.lost
        return ends == self.done

    def __str__(self) -> str:
        words = (
            f"{self.done} events: {self.delivered} delivered, {self.filtered} filtered, "
            f"{self.dead_lettered} dead letters, {self.lost} lost; {self.failures} failed attempts"
        )
        return words if self.adds_up else f"{words} (the counts are not of the same time)"


def tally_of(text: str) -> Tally:
    """Read what one pod of Knative Eventing has said; whatever else it has counted is passed over."""
    tally: Counter[Key] = Counter()
    for sample in samples(text, (_DISPATCHES, _ANSWERS)):
        if key := _key(sample.name, sample.labels):
            tally[key] += int(sample.value)
    return {key: count // _COUNTED_TWICE if key.what in (_CAME, _ANSWERED) else count for key, count in tally.items()}


def entered(ledger: Ledger, said: Mapping[str, Tally]) -> Ledger:
    """Return the ledger after another look; who says nothing keeps what they have.

    A count that has fallen began again at 0, and so does a pod that was not known.
    """
    total = Counter(ledger.total)
    for uid, tally in said.items():
        before = ledger.latest.get(uid, {})
        for key, count in tally.items():
            was = before.get(key, 0)
            total[key] += count - was if count >= was else count
    return Ledger({**ledger.latest, **said}, dict(total))


def since(then: Ledger, now: Ledger) -> Tally:
    """Return what was counted between two looks."""
    return {key: count - then.total.get(key, 0) for key, count in now.total.items()}


def came(tally: Tally, broker: str, namespace: str) -> tuple[int, int]:
    """Return how many events have come to a broker, and how many of them it has answered with a failure."""
    answers = _by_status(tally, _CAME, f"{broker}.{namespace}")
    return answers.total(), answers.total() - _successes(answers)


def overflown(tally: Tally) -> bool:
    """Tell whether something was counted of which nobody knows what it was."""
    return any(key.what == _OVERFLOWN for key, count in tally.items() if count)


def counts_of(tally: Tally, trigger: str, subscription: str, namespace: str, *, has_dead_letters: bool) -> Counts:
    """Return what became of a trigger's events; ``subscription`` is the name of its Subscription."""
    asked = _by_status(tally, _ASKED, f"{trigger}.{namespace}")
    answered = _by_status(tally, _ANSWERED, f"{trigger}.{namespace}")
    done = _by_status(tally, _DONE, f"{subscription}.{namespace}")
    # The filter answers 502 where a subscriber took the event and answered with something that is no event.
    spoilt = max(0, answered[_BAD_GATEWAY] - asked[_BAD_GATEWAY])
    refused = sum(max(0, answered[status] - asked[status]) for status in _REFUSED)
    filtered = max(0, answered.total() - asked.total() - refused)
    delivered = max(0, _successes(asked) - spoilt)
    failed = done.total() - filtered - delivered
    lost = failed if not has_dead_letters else done.total() - _successes(done)
    return Counts(
        done=done.total(),
        filtered=filtered,
        delivered=delivered,
        dead_lettered=max(0, failed - lost),
        lost=max(0, lost),
        failures=asked.total() - delivered + refused,
    )


def _key(metric: str, labels: Mapping[str, str]) -> Key | None:
    """Return what a value counts; None for what is of no interest here."""
    if _OVERFLOW in labels:
        return Key(_OVERFLOWN, "", 0)
    told = labels.get("http_response_status_code", "0")
    status = int(told) if told.isascii() and told.isdecimal() and len(told) == 3 else 0
    kind, _, name = labels.get("messaging_destination_name", "").partition(":")
    broker, place = labels.get("kn_broker_name"), labels.get("kn_broker_namespace")
    if kind == "trigger":
        return Key(_ANSWERED if metric == _ANSWERS else _ASKED, name, status)
    if kind == "subscription":
        return Key(_DONE, name, status)
    return Key(_CAME, f"{broker}.{place}", status) if broker and metric == _ANSWERS else None


def _by_status(tally: Tally, what: str, name: str) -> Counter[int]:
    return Counter({key.status: count for key, count in tally.items() if key.what == what and key.name == name})


def _successes(by_status: Mapping[int, int]) -> int:
    return sum(count for status, count in by_status.items() if 200 <= status < 300)
