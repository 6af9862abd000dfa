"""Faults in the mesh on plain objects: into the routes that are in place, and out of them as if they had never been."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable

import pytest
from tests.support.mesh import OWN_ABORT, OWN_DELAY, SHAPES, TESTER, to, virtual_service

from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.faults.breakers import BREAKERS
from wavetank.faults.mesh import PARTS, Injection
from wavetank.kube import Obj

DELAY = {"percentage": {"value": 100}, "fixedDelay": "2s"}
ABORT = {"percentage": {"value": 100}, "httpStatus": 503}


def fault(kind: str, **parameters: float) -> Fault:
    spec = {"kind": kind, "target": {"service": "booking"}, "duration": "30s", "parameters": parameters}
    return Fault.from_spec("trouble", spec)


def planned(found: Obj, kind: str = "mesh-delay", **parameters: float) -> Injection:
    return Injection.plan(found, fault(kind, **parameters))


def put_in(plan: Injection, found: Obj) -> Obj:
    injected = plan.injected(found)
    assert injected is not None
    return injected


def out_of(plan: Injection, found: Obj) -> Obj:
    restored = plan.restored(found)
    assert restored is not None
    return restored


def faults(found: Obj) -> list[Obj | None]:
    return [route.get("fault") for route in found["spec"]["http"]]


def as_bytes(obj: Obj) -> str:
    return json.dumps(obj, sort_keys=True)  # which is how the API server stores it


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_in_and_out_is_the_same_to_the_last_byte(shape: str, kind: str) -> None:
    found = virtual_service(SHAPES[shape])
    as_it_was, plan = copy.deepcopy(found), planned(found, kind)
    faulted = put_in(plan, found)
    assert found == as_it_was, "what is given is never changed"
    assert plan.count(faulted) >= 1
    without_faults = [{k: v for k, v in route.items() if k != "fault"} for route in faulted["spec"]["http"]]
    assert without_faults == [{k: v for k, v in route.items() if k != "fault"} for route in SHAPES[shape]]
    assert as_bytes(out_of(plan, faulted)) == as_bytes(as_it_was)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_survives_the_way_through_a_status(shape: str) -> None:
    plan = planned(virtual_service(SHAPES[shape]))
    kept = json.loads(json.dumps(plan.to_status()))
    assert Injection.from_status(kept) == plan
    assert None not in kept.values(), "a merge patch would take it for a removal"
    assert "path" not in kept, "it is no break of one value"


@pytest.mark.parametrize(
    ("kind", "parameters", "asked"),
    [
        ("mesh-delay", {}, {"delay": DELAY}),
        ("mesh-delay", {"ms": 90, "percent": 12.5}, {"delay": {"percentage": {"value": 12.5}, "fixedDelay": "90ms"}}),
        ("mesh-delay", {"ms": 60_000}, {"delay": {"percentage": {"value": 100}, "fixedDelay": "1m"}}),
        ("mesh-abort", {}, {"abort": ABORT}),
        ("mesh-abort", {"status": 429, "percent": 0.1}, {"abort": {"percentage": {"value": 0.1}, "httpStatus": 429}}),
    ],
)
def test_istio_is_asked_for_what_the_parameters_say(kind: str, parameters: dict[str, float], asked: Obj) -> None:
    found = virtual_service(SHAPES["canary"])
    assert faults(put_in(planned(found, kind, **parameters), found)) == [asked]


def test_it_is_in_every_route_for_the_service_and_in_no_other() -> None:
    routes = [{"match": TESTER, "route": [to("payment")]}, {"route": [to("payment"), to("booking.harbour")]}]
    found = virtual_service(routes, hosts=["booking", "payment"])
    assert faults(put_in(planned(found), found)) == [None, {"delay": DELAY}]
    redirecting = virtual_service(SHAPES["a redirect"])
    assert faults(put_in(planned(redirecting), redirecting)) == [None, {"delay": DELAY}]


def test_a_learner_s_own_fault_of_the_other_kind_stays_beside_it() -> None:
    found = virtual_service(SHAPES["an abort for all"])
    assert faults(put_in(planned(found), found)) == [{"abort": OWN_ABORT, "delay": DELAY}]


def test_a_learner_s_own_fault_of_the_same_kind_gives_way_and_comes_back() -> None:
    found = virtual_service(SHAPES["a delay for testers"])
    plan = planned(found)
    faulted = put_in(plan, found)
    assert faults(faulted) == [{"delay": DELAY}, {"delay": DELAY}]
    assert faults(out_of(plan, faulted)) == [{"delay": OWN_DELAY}, None]


def test_a_learner_s_own_fault_that_is_the_same_comes_back_too() -> None:
    found = virtual_service([{"match": TESTER, "fault": {"delay": DELAY}, "route": [to()]}, {"route": [to()]}])
    plan = planned(found)
    assert out_of(plan, put_in(plan, found)) == found


def test_a_fault_of_the_same_words_in_a_route_of_others_is_none_of_ours() -> None:
    theirs = {"match": TESTER, "fault": {"delay": DELAY}, "route": [to("payment")]}
    found = virtual_service([theirs, {"route": [to()]}], hosts=["booking", "payment"])
    plan = planned(found)
    assert out_of(plan, put_in(plan, found)) == found


def test_putting_it_in_twice_is_putting_it_in_once() -> None:
    found = virtual_service(SHAPES["a delay for testers"])
    plan = planned(found)
    assert plan.injected(put_in(plan, found)) is None
    assert plan.restored(out_of(plan, put_in(plan, found))) is None


def test_an_own_fault_that_is_another_by_now_is_not_put_over() -> None:
    found = virtual_service(SHAPES["a delay for testers"])
    plan = planned(found)
    found["spec"]["http"][0]["fault"]["delay"] = {**OWN_DELAY, "fixedDelay": "9s"}
    assert faults(put_in(plan, found)) == [{"delay": {**OWN_DELAY, "fixedDelay": "9s"}}, {"delay": DELAY}]


@pytest.mark.parametrize("first_out", PARTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_delay_and_an_abort_go_together_and_leave_in_any_order(shape: str, first_out: str) -> None:
    found = virtual_service(SHAPES[shape])
    delay = planned(found)
    both = put_in(delay, found)
    abort = planned(both, "mesh-abort")
    both = put_in(abort, both)
    assert (delay.count(both), abort.count(both)) == (delay.count(put_in(delay, found)),) * 2
    order = [delay, abort] if first_out == "mesh-delay" else [abort, delay]
    left = out_of(order[0], both)
    assert order[1].count(left) == order[1].count(both)
    assert as_bytes(out_of(order[1], left)) == as_bytes(found)


def test_a_weight_changed_meanwhile_stays_changed() -> None:
    found = virtual_service(SHAPES["canary"])
    plan = planned(found)
    edited = put_in(plan, found)
    edited["spec"]["http"][0]["route"] = [to(subset="v1", weight=50), to(subset="v2", weight=50)]
    assert out_of(plan, edited)["spec"]["http"] == [
        {"route": [to(subset="v1", weight=50), to(subset="v2", weight=50)]},
    ]


def test_a_route_that_came_meanwhile_needs_no_fault_and_loses_one_that_was_copied() -> None:
    found = virtual_service(SHAPES["a delay for testers"])
    plan = planned(found)
    edited = put_in(plan, found)
    came = {"match": [{"uri": {"prefix": "/new"}}], "route": [to(subset="v3")]}
    copied = {"match": [{"uri": {"prefix": "/copied"}}], "fault": {"delay": DELAY}, "route": [to(subset="v3")]}
    edited["spec"]["http"][:0] = [came, copied]
    assert faults(out_of(plan, edited)) == [None, None, {"delay": OWN_DELAY}, None]


def test_a_route_that_was_cleaned_or_changed_by_hand_stays_so() -> None:
    found = virtual_service(SHAPES["a delay for testers"])
    plan = planned(found)
    edited = put_in(plan, found)
    del edited["spec"]["http"][0]["fault"]
    edited["spec"]["http"][1]["fault"] = {"delay": {**DELAY, "fixedDelay": "1s"}}
    assert plan.restored(edited) is None
    assert plan.count(edited) == 0


def test_routes_may_be_taken_away_and_change_places() -> None:
    found = virtual_service([*SHAPES["both for testers"], {"name": "last", "route": [to("booking-v2")]}])
    plan = planned(found)
    edited = put_in(plan, found)
    testers, everybody, _ = edited["spec"]["http"]
    edited["spec"]["http"] = [everybody, testers]
    assert faults(out_of(plan, edited)) == [None, {"delay": OWN_DELAY, "abort": OWN_ABORT}]


@pytest.mark.parametrize(
    ("spec", "summary", "observed"),
    [
        ({"http": [], "tcp": [{"route": [to()]}]}, "has no http routes", "it has tcp routes"),
        ({"http": [], "tls": [{}], "tcp": [{}]}, "has no http routes", "it has tcp and tls routes"),
        ({"http": [{"redirect": {"uri": "/"}}]}, "no http route of the VirtualService booking", "each redirects"),
        (
            {"hosts": ["booking", "payment"], "http": [{"route": [to("payment")]}]},
            "no http route of the VirtualService booking",
            "sends to others than booking",
        ),
    ],
)
def test_routes_that_can_take_no_fault_are_refused_in_words(spec: Obj, summary: str, observed: str) -> None:
    with pytest.raises(InputError, match=summary) as caught:
        planned(virtual_service(**spec))
    assert observed in caught.value.help.observed


def test_two_faults_meet_in_the_same_part_alone() -> None:
    found = virtual_service(SHAPES["canary"])
    delay, abort = planned(found), planned(found, "mesh-abort")
    assert delay.meets(planned(found, ms=5).to_status())
    assert not delay.meets(abort.to_status())
    assert not delay.meets({}), "a fault that has not begun"
    service = {"kind": "Service", "metadata": {"name": "booking"}, "spec": {"selector": {"app": "booking"}}}
    other = Fault.from_spec("lost", {"kind": "selector-mismatch", "target": {"service": "booking"}, "duration": "30s"})
    broken = BREAKERS["selector-mismatch"](service, other, None).to_status()  # type: ignore[arg-type]
    assert not delay.meets(broken)
    assert str(delay) == "the delay in VirtualService booking"


Edit = Callable[[list[Obj], random.Random], None]


def reweigh(routes: list[Obj], dice: random.Random) -> None:
    route = dice.choice(routes)
    if "route" in route:
        route["route"] = [to(subset="v1", weight=dice.randrange(100)), to(subset="v2", weight=1)]


def time_out(routes: list[Obj], dice: random.Random) -> None:
    dice.choice(routes)["timeout"] = f"{dice.randrange(1, 9)}s"


def add(routes: list[Obj], dice: random.Random) -> None:
    match = [{"uri": {"prefix": f"/{dice.random()}"}}]
    routes.insert(dice.randrange(len(routes) + 1), {"match": match, "route": [to(subset="v3")]})


def take_away(routes: list[Obj], dice: random.Random) -> None:
    if len(routes) > 1:
        routes.pop(dice.randrange(len(routes)))


def swap(routes: list[Obj], dice: random.Random) -> None:
    routes.insert(0, routes.pop(dice.randrange(len(routes))))


def clean(routes: list[Obj], dice: random.Random) -> None:
    dice.choice(routes).pop("fault", None)


EDITS: list[Edit] = [reweigh, time_out, add, take_away, swap, clean]
DISTINCT = [shape for shape in SHAPES if shape != "the same requests twice"]


@pytest.mark.parametrize("seed", range(300))
def test_any_sequence_of_faults_and_edits_ends_as_the_edits_alone(seed: int) -> None:
    dice = random.Random(seed)
    live = virtual_service(SHAPES[dice.choice(DISTINCT)])
    alone = copy.deepcopy(live)
    on: dict[str, Injection] = {}
    for _ in range(dice.randrange(2, 12)):
        kind = dice.choice([*PARTS, "edit"])
        if kind == "edit":
            edit, same = dice.choice(EDITS), dice.random()
            edit(live["spec"]["http"], random.Random(same))
            edit(alone["spec"]["http"], random.Random(same))
        elif kind in on:
            live = on.pop(kind).restored(live) or live
        else:
            try:
                on[kind] = planned(live, kind, percent=dice.choice([0.1, 50, 100]))
            except InputError:  # every route that could take it is gone
                continue
            live = on[kind].injected(live) or live
    for plan in dice.sample(sorted(on.values(), key=str), len(on)):
        live = plan.restored(live) or live
    assert as_bytes(live) == as_bytes(alone)
