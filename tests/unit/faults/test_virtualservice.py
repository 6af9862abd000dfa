"""What a VirtualService says, read on plain objects."""

from __future__ import annotations

import pytest
from tests.support.mesh import to, virtual_service

from wavetank.faults.virtualservice import (
    fits,
    governs,
    joined,
    left,
    members,
    only_for_gateways,
    speaks_http,
)
from wavetank.faults.virtualservice import virtual_service as bare
from wavetank.kube import Obj

ROUTE = {"route": [to()]}


@pytest.mark.parametrize(
    "host", ["booking", "booking.harbour", "booking.harbour.svc", "booking.harbour.svc.cluster.local"]
)
def test_a_service_is_known_by_each_of_its_names(host: str) -> None:
    assert governs(virtual_service([ROUTE], hosts=[host]), "booking")
    assert fits({"route": [to(host)]}, virtual_service([ROUTE], hosts=["payment", host]), "booking")


@pytest.mark.parametrize("host", ["payment", "booking.elsewhere.svc.cluster.local", "book", "*"])
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
