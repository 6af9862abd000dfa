"""Injected faults are counted for a whole proxy: which call they belong to is said by the routes, or left open."""

from __future__ import annotations

from typing import Any

from wavetank.kube import Obj
from wavetank.observe.injected import Injection, declared, meant


def route(*destinations: tuple[str, str], gateways: list[str] | None = None, **fault: Any) -> Obj:
    ways = [{"destination": {"host": host, "subset": subset}} for host, subset in destinations]
    spec: Obj = {"http": [{"fault": fault, "route": ways}]}
    return {"spec": {**spec, "gateways": gateways} if gateways else spec}


ABORT = {"abort": {"httpStatus": 503, "percentage": {"value": 30}}}
DELAY = {"delay": {"fixedDelay": "2s"}}
TO_PAYMENT = Injection("abort", "payment", status="503")


def test_a_route_says_what_is_injected_into_which_calls() -> None:
    told = declared([route(("payment", ""), **ABORT, **DELAY), route(("web", ""))], "mesh")
    assert told == [TO_PAYMENT, Injection("delay", "payment")]


def test_which_of_several_subsets_was_to_be_called_is_open() -> None:
    several = route(("timetable", "v1"), ("timetable", "v2"), **DELAY)
    one = route(("timetable.mesh.svc.cluster.local", "v2"), **DELAY)
    assert declared([several], "mesh") == [Injection("delay", "timetable")]
    assert declared([one], "mesh") == [Injection("delay", "timetable", "v2")]


def test_sidecars_and_gateways_have_routes_of_their_own() -> None:
    routes = [route(("web", ""), gateways=["public"], **ABORT), route(("payment", ""), gateways=["mesh"], **ABORT)]
    assert declared(routes, "mesh") == [TO_PAYMENT]
    assert [one.service for one in declared(routes, "mesh", at_gateway=True)] == ["web"]


def test_the_only_fault_there_is_was_meant_also_by_who_never_came_through() -> None:
    assert meant([TO_PAYMENT], "abort", called=()) == TO_PAYMENT


def test_of_several_the_one_that_is_called_was_meant() -> None:
    both = [TO_PAYMENT, Injection("abort", "timetable", status="500")]
    assert meant(both, "abort", called=("payment", "booking")) == TO_PAYMENT
    assert meant(both, "abort", called=("payment", "timetable")) is None
    assert meant(both, "delay", called=("payment",)) is None


def test_faults_of_several_subsets_belong_to_their_service() -> None:
    both = [Injection("delay", "timetable", "v1"), Injection("delay", "timetable", "v2")]
    assert meant(both, "delay", called=()) == Injection("delay", "timetable")
