"""What this lab looks at that lab.yaml's own words do not cover: three behaviours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from wavetank.errors import WaitTimeoutError
from wavetank.kube import Obj
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.replay import replay_day
from wavetank.observe.billing import AlwaysOn, Meter, load_prices
from wavetank.observe.serverless import await_subscriptions, look
from wavetank.observe.serverless.events import BROKER, TRIGGER
from wavetank.observe.serverless.revisions import REVISION, REVISION_LABEL, SERVICE
from wavetank.traffic import Summary

TIDES = {"app": "tides"}
DELAY = re.compile(r"PT(?:(\d+)M)?(?:([\d.]+)S)?")  # ISO 8601, as far as deliveries use it
QUICK = 1.0  # seconds, for nineteen of twenty readers
MOST_PODS = 6
READY_WITHIN = 60.0  # seconds; the node asks a container that was not there yet again after ten
EMPTY_WITHIN = 60.0  # seconds; an idle pod is let go after the stable window of ten, and some
QUIET = 20.0  # seconds, on top of the waits that the delivery itself asks for: a cold start, on a busy machine
LONGEST_QUIET = 120.0  # seconds: a learner is not kept longer


def quick_and_frugal(bench: Bench) -> CheckResult:
    """Readers come faster and faster; they are quick, pods are few, and there are none afterwards."""
    result = partial(
        CheckResult, claim="readers are quick, and pods are few", look='RevisionView(lab, "tides", path="/tides")'
    )
    if not_yet := _wait_for_the_newest(bench, result):
        return not_yet
    newest = _newest(bench)
    if not 0 < (most := _may_have(bench, newest)) <= MOST_PODS:
        saw = f"{newest} may have {f'up to {most}' if most else 'any number of'} instances"
        return result(False, saw=saw, expected=f"at most {MOST_PODS}, however many come")
    readers, peak = bench.load("readers"), 0

    def count(pods: Sequence[Obj]) -> bool:
        nonlocal peak
        peak = max(peak, sum("deletionTimestamp" not in pod["metadata"] and _is_of(newest, pod) for pod in pods))
        return readers.ended.is_set()

    waiting_for = "the readers to come and go"
    bench.until("Pod", count, readers.longest, selector="app=tides", waiting_for=waiting_for, stop=readers.ended)
    told = bench.measure("readers", _quick)
    p95 = told.latencies.percentile(95)
    took = f"19 of 20 took at most {p95 * 1000:.0f} ms" if p95 else "nobody was answered"
    saw = f"{told.failed} of {told.sent} failed, {took}, up to {peak} pods"
    if told.failed or not _quick(told):
        return result(False, saw=saw, expected=f"no failure, and at most {QUICK * 1000:.0f} ms")
    if peak > MOST_PODS:
        return result(False, saw=saw, expected=f"at most {MOST_PODS} pods")
    left = bench.until_pods(TIDES, lambda pods: not pods, EMPTY_WITHIN, waiting_for="the last pod to go")
    expected = f"no pod when nobody asks, within {EMPTY_WITHIN:.0f} s"
    return result(not left, saw=f"{saw}, {len(left)} when nobody asks", expected=expected)


def _quick(told: Summary) -> bool:
    p95 = told.latencies.percentile(95)
    return p95 is not None and p95 <= QUICK


def nothing_is_lost(bench: Bench) -> CheckResult:
    """Bookings are made while boarding-pass is ill: each event ends as a pass, or as a dead letter."""
    result = partial(
        CheckResult, claim="every booking has its pass, or its dead letter", look='EventView(lab, "default")'
    )
    deliveries = _deliveries(bench)
    if not any(delivery.get("retry") for delivery in deliveries):
        return result(False, saw="no broker and no trigger says to try again", expected="delivery with a retry")
    bench.say(f"waiting up to {READY_WITHIN:g} s: every trigger to be subscribed as the broker says")
    try:  # an event that comes while Knative subscribes them anew reaches nobody
        await_subscriptions(bench.kube, bench.namespace, READY_WITHIN)
    except WaitTimeoutError as late:
        return result(False, saw=f"{late.summary}: {late.help.observed}", expected="every trigger is subscribed")
    _empty_the_books(bench)
    bench.ask("manifest")  # a fault needs a pod to be in
    _await(bench, 1, lambda: len(_passes(bench)), "the first pass", QUIET)
    _empty_the_books(bench)
    bench.fault("no-passes")
    booked = bench.load("book").to_the_end()
    made = booked.sent - booked.failed
    quiet = min(QUIET + max(map(_waits, deliveries)), LONGEST_QUIET)
    _await(bench, made, lambda: len(_passes(bench) | _dead_letters(bench)), f"what becomes of {made} events", quiet)
    passes, dead = _passes(bench), _dead_letters(bench)
    return result(
        len(passes | dead) == made and bool(dead),
        saw=f"{made} bookings, {len(passes)} of them with a pass, {len(dead - passes)} with a dead letter",
        expected="one of both for each booking, and some dead letters",
    )


def nothing_is_kept(bench: Bench) -> CheckResult:
    """Replay a day; no pod is there only because somebody said so."""
    result = partial(
        CheckResult, claim="nobody pays for tides that nobody asks for", look='CostMeter(lab, "day", "tides")'
    )
    if not_yet := _wait_for_the_newest(bench, result):
        return not_yet
    newest = _newest(bench)
    bench.until_pods(
        TIDES,
        lambda pods: all(_is_of(newest, pod) for pod in pods),
        EMPTY_WITHIN,
        waiting_for="old pods to go",
    )
    replay = replay_day(bench.kube, bench.namespace, bench.lab.load("day"), "tides", say=bench.say)
    meter = Meter(replay, load_prices(bench.lab.folder / "prices.yaml"), AlwaysOn())
    saw = meter.warning or meter.cheaper
    return result(meter.kept is None, saw=saw, expected="no pod that min-scale keeps")


def _wait_for_the_newest(bench: Bench, result: Callable[..., CheckResult]) -> CheckResult | None:
    """Wait until the newest revision of the tides is the one that is asked; else return why it is not."""
    waiting_for = "the newest revision of tides to be ready"
    bench.say(f"waiting up to {READY_WITHIN:g} s: {waiting_for}")
    try:
        bench.kube.wait_for(SERVICE, "tides", bench.namespace, "Ready", timeout=READY_WITHIN, waiting_for=waiting_for)
    except WaitTimeoutError:
        trouble = " ".join(look(bench.kube, bench.namespace, "tides").trouble) or "the newest revision is not ready"
        return result(False, saw=trouble, expected=f"the newest revision ready within {READY_WITHIN:.0f} s")
    return None


def _newest(bench: Bench) -> str:
    tides = bench.kube.get(SERVICE, "tides", bench.namespace)
    return str(tides["status"]["latestCreatedRevisionName"])


def _may_have(bench: Bench, revision: str) -> int:
    """Return how many instances a revision may have at most, 0 for any number: the annotation has two spellings."""
    annotations = bench.kube.get(REVISION, revision, bench.namespace)["metadata"].get("annotations") or {}
    said = (annotations.get(f"autoscaling.knative.dev/{name}") for name in ("max-scale", "maxScale"))
    return int(next(filter(None, said), 0))


def _is_of(revision: str, pod: Obj) -> bool:
    return bool(pod["metadata"]["labels"].get(REVISION_LABEL) == revision)


def _await(bench: Bench, wanted: int, written: Callable[[], int], waiting_for: str, quiet: float) -> None:
    """Wait until so many are written down, or none has come for ``quiet`` seconds."""
    bench.say(f"waiting until {quiet:g} s pass without another one: {waiting_for}")
    seen, end = written(), time.monotonic() + quiet
    while seen < wanted and time.monotonic() < end:
        time.sleep(0.5)  # a logbook cannot be watched
        if (now := written()) > seen:
            seen, end = now, time.monotonic() + quiet


def _empty_the_books(bench: Bench) -> None:
    for book in ("/events", "/dead-letters"):
        bench.kube.request("service:logbook:80", book, bench.namespace, method="DELETE")


def _deliveries(bench: Bench) -> list[Obj]:
    """Return how events are delivered: a trigger's own way is as good as its broker's."""
    senders = [*bench.kube.list(BROKER, bench.namespace), *bench.kube.list(TRIGGER, bench.namespace)]
    return [sender["spec"].get("delivery") or {} for sender in senders]


def _waits(delivery: Obj) -> float:
    """Return for how many seconds a delivery waits between its tries, all together.

    https://knative.dev/docs/eventing/event-delivery/: the delay, times the number of the try or two to the power of it.
    """
    said = DELAY.fullmatch(delivery.get("backoffDelay") or "")
    delay = 60 * float(said[1] or 0) + float(said[2] or 0) if said else 0.0
    tries = range(1, (delivery.get("retry") or 0) + 1)
    return delay * sum(2**n if delivery.get("backoffPolicy") == "exponential" else n for n in tries)


def _passes(bench: Bench) -> set[str]:
    """Return the events that passes were made of."""
    return {event["subject"] for event in _book(bench, "/events") if event["type"] == "ferries.boarding-pass.issued"}


def _dead_letters(bench: Bench) -> set[str]:
    """Return the events of bookings that nobody could be brought to take."""
    return {event["id"] for event in _book(bench, "/dead-letters") if event["type"] == "ferries.booking.created"}


def _book(bench: Bench, name: str) -> list[dict[str, Any]]:
    answer = bench.kube.request("service:logbook:80", f"{name}?most=1000", bench.namespace)
    events: list[dict[str, Any]] = answer.json()["events"]
    return events
