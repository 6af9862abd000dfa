"""A Fault as a value and as a resource: what is refused, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.faults import CATALOGUE, Fault, FaultStatus, Target
from wavetank.faults.resource import from_rfc3339, to_rfc3339
from wavetank.kube import Obj

LATENCY = {"kind": "latency", "target": {"deployment": "booking"}, "duration": "30s"}


def resource(**status: Any) -> Obj:
    return {**Fault.from_spec("slow", LATENCY).to_resource("tidewater"), "status": status}


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
def test_every_kind_survives_the_way_through_a_resource(kind: Any) -> None:
    what = kind.targets[0]
    target = Target("selector", labels={"app": "web"}) if what == "selector" else Target(what, "web")
    fault = Fault("one", kind.name, target, 90, {one.name: one.most for one in kind.parameters})
    assert Fault.from_resource(fault.to_resource("tidewater")) == fault


def test_what_is_not_given_has_the_catalogue_s_value() -> None:
    fault = Fault.from_spec("slow", {**LATENCY, "parameters": {"ms": 70}})
    assert fault.settings == {"ms": 70, "jitterMs": 0, "pods": 20}
    assert fault.to_spec()["parameters"] == {"ms": 70}


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"kind": "gremlins"}, "kind", "one of pod-kill, container-crash"),
        ({"kind": None}, "kind", "one of pod-kill"),
        ({"target": None}, "target", "exactly one of selector, deployment, service, node"),
        ({"target": {}}, "target", "exactly one of"),
        ({"target": {"deployment": "a", "service": "b"}}, "target", "exactly one of"),
        ({"target": {"pod": "a"}}, "target", "exactly one of"),
        ({"target": {"node": "worker"}}, "target", "latency needs target.selector or target.deployment"),
        ({"target": {"deployment": "Booking!"}}, "target.deployment", "the name of one"),
        ({"target": {"selector": {}}}, "target.selector", "labels, such as"),
        ({"duration": None}, "duration", "every fault ends by itself"),
        ({"duration": "0s"}, "duration", "more than 0 and at most 1h"),
        ({"duration": "-5s"}, "duration", "more than 0 and at most 1h"),
        ({"duration": "1h1s"}, "duration", "more than 0 and at most 1h"),
        ({"duration": "soon"}, "duration", "a number with a unit"),
        ({"parameters": {"ms": 0}}, "parameters.ms", "a whole number from 1 to 30000 (ms)"),
        ({"parameters": {"ms": 30001}}, "parameters.ms", "a whole number from 1 to 30000 (ms)"),
        ({"parameters": {"ms": 1.5}}, "parameters.ms", "a whole number"),
        ({"parameters": {"ms": "much"}}, "parameters.ms", "a whole number"),
        ({"parameters": {"ms": True}}, "parameters.ms", "a whole number"),
        ({"parameters": {"share": 0.5}}, "parameters.share", "latency takes ms, jitterMs, pods"),
    ],
)
def test_a_mistake_is_named_by_its_field(change: Obj, field: str, expected: str) -> None:
    spec = {key: value for key, value in {**LATENCY, **change}.items() if value is not None}
    with pytest.raises(InputError) as caught:
        Fault.from_spec("slow", spec)
    assert caught.value.summary.startswith(field)
    assert expected in caught.value.help.expected


def test_a_name_that_kubernetes_would_refuse_is_refused_here() -> None:
    with pytest.raises(InputError, match="name is wrong"):
        Fault.from_spec("Slow Payment", LATENCY)


def test_it_is_said_in_words() -> None:
    assert str(Fault.from_spec("slow", LATENCY)) == "latency at deployment booking (ms 400, jitterMs 0, pods 20)"
    lost = Fault.from_spec("lost", {"kind": "node-stop", "target": {"node": "worker"}, "duration": "1m"})
    assert str(lost) == "node-stop at node worker"
    assert str(Target("selector", labels={"app": "web", "tier": "front"})) == "pods app=web,tier=front"


def test_a_status_that_is_not_there_yet_is_pending() -> None:
    status = FaultStatus.from_resource(resource())
    assert (status.phase, status.ended, status.affected, status.time_left()) == ("Pending", False, (), 0.0)


def test_the_time_left_runs_down_to_nothing() -> None:
    ends = datetime(2026, 11, 23, 17, 40, 30, tzinfo=UTC)
    status = FaultStatus.from_resource(resource(phase="Active", endsAt="2026-11-23T17:40:30Z"))
    assert status.time_left(ends - timedelta(seconds=12.5)) == 12.5
    assert status.time_left(ends + timedelta(seconds=1)) == 0.0


@pytest.mark.parametrize("phase", ["Reverted", "Stopped", "Failed"])
def test_what_has_ended_has_no_time_left(phase: str) -> None:
    status = FaultStatus.from_resource(resource(phase=phase, endsAt="2999-01-01T00:00:00Z"))
    assert status.ended
    assert status.time_left() == 0.0


def test_times_are_written_as_kubernetes_writes_them() -> None:
    moment = datetime(2026, 11, 23, 17, 40, 30, 999_000, tzinfo=UTC)
    assert to_rfc3339(moment) == "2026-11-23T17:40:30Z"
    assert from_rfc3339("2026-11-23T17:40:30Z") == moment.replace(microsecond=0)
    assert from_rfc3339(None) is None
