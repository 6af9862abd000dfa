"""What a VirtualService says, read on plain objects."""

from __future__ import annotations

import pytest
from tests.support.mesh import to, virtual_service

from wavetank.faults.virtualservice import (
    fits,
    governing,
    in_words,
    joined,
    left,
    members,
    only_for_gateways,
    speaks_http,
)
from wavetank.faults.virtualservice import virtual_service as bare
from wavetank.kube import Obj

ROUTE = {"route": [to()]}


def governs(found: Obj, service: str) -> bool:
    return governing([born(found)], service, "harbour") != []


def born(found: Obj, when: str = "2026-05-01T12:00:00Z", namespace: str = "harbour") -> Obj:
    return {**found, "metadata": {**found["metadata"], "creationTimestamp": when, "namespace": namespace}}


@pytest.mark.parametrize(
    "host", ["booking", "Booking", "booking.harbour.svc.cluster.local", "*.harbour.svc.cluster.local"]
)
def test_a_service_is_known_by_its_name_or_in_full_or_by_a_wildcard(host: str) -> None:
    assert governs(virtual_service([ROUTE], hosts=[host]), "booking")


@pytest.mark.parametrize(
    "host", ["booking", "booking.harbour", "booking.harbour.svc", "booking.harbour.svc.cluster.local"]
)
def test_a_route_may_lead_to_it_by_each_of_its_names(host: str) -> None:
    assert fits({"route": [to(host)]}, virtual_service([ROUTE], hosts=["payment", host]), "booking")


FULL, WILD, WIDE = "booking.harbour.svc.cluster.local", "*.harbour.svc.cluster.local", "*.local"
EARLY, LATE = "2026-05-01T12:00:00Z", "2026-05-02T12:00:00Z"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((FULL, EARLY, "elsewhere", ["*"]), ("booking", LATE, "harbour", ["*"])),
        (("booking", LATE, "harbour", ["."]), (FULL, EARLY, "elsewhere", ["*"])),
        ((FULL, LATE, "elsewhere", ["harbour"]), ("booking", EARLY, "harbour", ["*"])),
        (("booking", LATE, "harbour", ["*"]), (WILD, EARLY, "harbour", ["*"])),
        ((FULL, LATE, "elsewhere", ["*"]), (WILD, EARLY, "harbour", ["."])),
        ((WILD, LATE, "elsewhere", ["*"]), (WIDE, EARLY, "harbour", ["*"])),
    ],
    ids=["the older", "its namespace's own", "exported to it", "in full", "in full, elsewhere", "the longer wildcard"],
)
def test_of_two_for_one_service_sidecars_go_by_one(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    first, second = (
        born(virtual_service([ROUTE], name=name, hosts=[host], exportTo=exported), str(when), str(namespace))
        for name, (host, when, namespace, exported) in {"first": one, "second": other}.items()
    )
    for found in ([first, second], [second, first]):
        assert [obj["metadata"]["name"] for obj in governing(found, "booking", "harbour")] == ["first", "second"]


@pytest.mark.parametrize(
    ("namespace", "host", "exported"),
    [
        ("elsewhere", "booking", ["*"]),
        ("elsewhere", FULL, ["."]),
        ("elsewhere", FULL, ["third"]),
        ("harbour", FULL, ["~"]),
    ],
)
def test_of_what_is_not_seen_or_meant_nobody_hears(namespace: str, host: str, exported: list[str]) -> None:
    found = born(virtual_service([ROUTE], hosts=[host], exportTo=exported), namespace=namespace)
    assert governing([found], "booking", "harbour") == []


def test_it_is_named_with_its_namespace_where_that_is_another() -> None:
    found = born(virtual_service([ROUTE]))
    assert (in_words(found, "harbour"), in_words(found, "quay")) == ("booking", "booking in the namespace harbour")


@pytest.mark.parametrize("host", ["payment", "booking.elsewhere.svc.cluster.local", "book", "booking.harbour"])
def test_what_is_for_others_does_not_govern_it(host: str) -> None:
    other = virtual_service([ROUTE], hosts=[host])
    assert not governs(other, "booking")
    assert not only_for_gateways(other, "booking")


@pytest.mark.parametrize(
    ("gateways", "mesh"), [([], True), (["mesh"], True), (["harbour/front", "mesh"], True), (["front"], False)]
)
def test_sidecars_go_by_it_unless_it_is_bound_to_gateways_alone(gateways: list[str], mesh: bool) -> None:
    found = virtual_service([ROUTE], gateways=gateways)
    assert (governs(found, "booking"), only_for_gateways(found, "booking")) == (mesh, not mesh)


@pytest.mark.parametrize(
    ("route", "one_host", "two_hosts"),
    [
        ({"route": [to()]}, True, True),
        ({"route": [to("booking-v2", weight=1), to(weight=99)]}, True, True),
        ({"route": [to("payment")]}, True, False),
        ({"delegate": {"name": "api"}}, True, False),
        ({"redirect": {"uri": "/"}}, False, False),
        ({"directResponse": {"status": 404}}, False, False),
    ],
)
def test_a_fault_fits_the_routes_that_send_requests_for_the_service(
    route: Obj, one_host: bool, two_hosts: bool
) -> None:
    assert fits(route, virtual_service([route]), "booking") is one_host
    assert fits(route, virtual_service([route], hosts=["booking", "payment"]), "booking") is two_hosts


@pytest.mark.parametrize(
    ("port", "http"),
    [
        ({"name": "http"}, True),
        ({"name": "http2-api"}, True),
        ({"name": "grpc-web"}, True),
        ({"name": "web"}, True),
        ({}, True),
        ({"name": "web", "appProtocol": "kubernetes.io/h2c"}, True),
        ({"name": "mysql", "appProtocol": "http"}, True),
        ({"name": "tcp-web"}, False),
        ({"name": "https"}, False),
        ({"name": "web", "appProtocol": "TLS"}, False),
        ({"name": "http", "protocol": "UDP"}, False),
    ],
)
def test_a_port_speaks_http_unless_it_says_otherwise(port: Obj, http: bool) -> None:
    assert speaks_http(port) is http


def test_one_that_changes_nothing_governs_and_takes_a_fault() -> None:
    made = bare("wavetank-slow", "harbour", "booking")
    assert governs(made, "booking")
    (route,) = made["spec"]["http"]
    assert fits(route, made, "booking")
    assert route["route"] == [to()]


def test_one_that_was_made_belongs_to_whoever_joined_and_has_not_left() -> None:
    made = bare("wavetank-slow", "harbour", "booking")
    assert members(made) == []
    one, two = ({"kind": "Fault", "name": name, "uid": name} for name in ("one", "two"))
    both = joined(joined(joined(made, one), two), one)
    assert sorted(members(both)) == ["one", "two"]
    assert members(left(both, "one")) == ["two"]
    assert members(left(left(both, "one"), "two")) == []


def test_what_belongs_to_something_else_is_nobody_s_making() -> None:
    assert members(joined(virtual_service([ROUTE]), {"kind": "Rollout", "name": "booking", "uid": "1"})) == []
