"""An Ingress as Istio's objects: which hosts through which door, which path first, and what is asked then."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.ingresses import TIDEWATER, ingress, path, rule, split, stored

from wavetank.kube import Obj
from wavetank.netlayer.doors import LOCAL, PUBLIC
from wavetank.netlayer.spec import read_ingress
from wavetank.netlayer.translate import HASH_HEADER, OWNED, Plan, certificate_copy, translate

TLS = {"secretName": "cert", "secretNamespace": TIDEWATER}
WITHIN = "tides.tidewater.svc.cluster.local"


def plan_of(given: Obj, *lost: str) -> Plan:
    return translate(read_ingress(stored(given)), lost)


def routes_of(plan: Plan) -> list[Obj]:
    return [obj for obj in plan.objects if obj["kind"] == "VirtualService"]


def http_of(given: Obj) -> list[Obj]:
    """Return the routes for everybody, without those for probes."""
    (route,) = routes_of(plan_of(given))
    http: list[Obj] = route["spec"]["http"]
    return http[len(http) // 2 :]


def test_a_route_sends_to_the_services_of_its_namespace_by_their_shares() -> None:
    (route,) = http_of(ingress(rule("a.example", paths=[path(split("new", 20), split("old", 80))])))
    assert route == {
        "route": [
            {
                "destination": {"host": f"{name}.tidewater.svc.cluster.local", "port": {"number": 80}},
                "weight": share,
            }
            for name, share in (("new", 20), ("old", 80))
        ],
        "retries": {"attempts": 0},
    }


def test_paths_keep_their_order_with_all_that_they_ask_for() -> None:
    tagged = path(headers={"Knative-Serving-Tag": {"exact": "new"}}, appendHeaders={"X-Before": "1"})
    below = path(split(appendHeaders={"X-After": "2"}), path="/foo", rewriteHost="elsewhere.example")
    first, second, last = http_of(ingress(rule("a.example", paths=[tagged, below, path()])))
    assert first["match"] == [{"headers": {"Knative-Serving-Tag": {"exact": "new"}}}]
    assert first["headers"] == {"request": {"set": {"X-Before": "1"}}}
    assert second["match"] == [{"uri": {"prefix": "/foo"}}]
    assert second["rewrite"] == {"authority": "elsewhere.example"}
    assert second["route"][0]["headers"] == {"request": {"set": {"X-After": "2"}}}
    assert "match" not in last


def test_every_path_has_a_twin_before_all_of_them_that_answers_probes_with_the_hash() -> None:
    paths = [path(path="/foo", appendHeaders={"X": "1"}), path()]
    wanted = read_ingress(stored(ingress(rule("a.example", paths=paths))))
    (route,) = routes_of(translate(wanted))
    twins, routes = route["spec"]["http"][:2], route["spec"]["http"][2:]
    asked = {"headers": {HASH_HEADER: {"exact": "override"}}}
    assert [twin["match"] for twin in twins] == [[{"uri": {"prefix": "/foo"}, **asked}], [asked]]
    assert twins[0]["headers"]["request"]["set"] == {"X": "1", HASH_HEADER: wanted.hash}
    assert [twin["route"] for twin in twins] == [route["route"] for route in routes]
    assert all(HASH_HEADER not in str(route) for route in routes)


def test_hosts_within_the_cluster_are_behind_the_local_door_only() -> None:
    plan = plan_of(ingress(rule("tides.example.com"), rule(WITHIN, local=True)))
    doors = {tuple(route["spec"]["hosts"]): route["spec"]["gateways"] for route in routes_of(plan)}
    assert doors == {
        ("tides.example.com",): [PUBLIC.gateway],
        (WITHIN, "tides.tidewater", "tides.tidewater.svc"): [LOCAL.gateway],
    }


def test_a_host_of_two_rules_gets_the_paths_of_both_the_first_first() -> None:
    foo, bar = path(split("foo"), path="/foo"), path(split("bar"))
    both = ingress(rule("a.example", "b.example", paths=[foo]), rule("b.example", paths=[bar]))
    reached = {
        tuple(route["spec"]["hosts"]): [one["route"][0]["destination"]["host"][:3] for one in route["spec"]["http"]]
        for route in routes_of(plan_of(both))
    }
    assert reached == {("a.example",): ["foo"] * 2, ("b.example",): ["foo", "bar"] * 2}


def test_an_object_keeps_its_name_when_other_hosts_come_and_paths_change() -> None:
    before = routes_of(plan_of(ingress(rule("a.example"))))
    after = routes_of(plan_of(ingress(rule("new.example"), rule("a.example", "b.example", paths=[path(split("x"))]))))
    assert before[0]["metadata"]["name"] == after[1]["metadata"]["name"] != after[0]["metadata"]["name"]


def test_what_is_made_belongs_to_its_ingress() -> None:
    (made,) = routes_of(plan_of(ingress()))
    assert made["metadata"]["namespace"] == TIDEWATER
    assert made["metadata"]["labels"].items() >= OWNED.items()
    assert made["metadata"]["annotations"] == {"wavetank.dev/ingress": "tidewater/tides"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Ingress", "uid-of-tides", True)


def test_a_certificate_is_served_by_name_to_its_hosts_beside_plain_http() -> None:
    wanted = read_ingress(stored(ingress(rule("a.example", "b.example"), tls=[{**TLS, "hosts": ["a.example"]}])))
    plan = translate(wanted)
    (certificate,) = plan.certificates
    gateway, route = plan.objects
    assert gateway["spec"]["servers"] == [
        {
            "port": {"number": 443, "name": "https-0", "protocol": "HTTPS"},
            "hosts": ["a.example"],
            "tls": {"mode": "SIMPLE", "credentialName": certificate.copy},
        }
    ]
    assert route["spec"]["gateways"] == [PUBLIC.gateway, f"{TIDEWATER}/{gateway['metadata']['name']}"]
    copied = certificate_copy(wanted, certificate, {"type": "kubernetes.io/tls", "data": {"tls.crt": "Zm9v"}})
    assert (copied["metadata"]["name"], copied["metadata"]["namespace"]) == (certificate.copy, "istio-system")
    assert copied["data"] == {"tls.crt": "Zm9v"}
    assert "ownerReferences" not in copied["metadata"], "owners have to be in the same namespace"


def test_redirected_is_not_served_over_plain_http() -> None:
    gateway, route = plan_of(ingress(tls=[TLS], httpOption="Redirected")).objects
    redirect = gateway["spec"]["servers"][1]
    assert redirect == {
        "port": {"number": 80, "name": "http-redirect", "protocol": "HTTP"},
        "hosts": ["tides.example.com"],
        "tls": {"httpsRedirect": True},
    }
    assert route["spec"]["gateways"] == [f"{TIDEWATER}/{gateway['metadata']['name']}"]


@pytest.mark.parametrize("name", ["shop.tidewater.example", "t" * 63])
def test_a_gateway_has_a_name_that_istio_takes(name: str) -> None:
    gateway = plan_of(ingress(name=name, tls=[TLS])).objects[0]["metadata"]["name"]
    assert len(gateway) <= 63
    assert "." not in gateway


def asked(given: Obj, *lost: str) -> list[tuple[Any, ...]]:
    return [(probe.service, probe.port, probe.host, probe.path) for probe in plan_of(given, *lost).probes]


def test_every_host_is_asked_for_through_every_door_it_is_behind() -> None:
    given = ingress(rule("a.example", "b.example"), rule("x.y", local=True), tls=[{**TLS, "hosts": ["b.example"]}])
    assert asked(given) == [
        (PUBLIC.service, "http2", "a.example", "/healthz"),
        (PUBLIC.service, "http2", "b.example", "/healthz"),
        (PUBLIC.service, "https", "b.example", "/healthz"),
        (LOCAL.service, "http2", "x.y", "/healthz"),
    ]


def test_it_is_asked_for_a_path_that_leads_somewhere() -> None:
    only = path(path="/api/", headers={"X-Crew": {"exact": "yes"}})
    (probe,) = plan_of(ingress(rule("a.example", paths=[only]))).probes
    assert (probe.path, probe.headers) == ("/api/healthz", {"X-Crew": "yes"})


def test_hosts_that_are_anothers_are_left_out_everywhere() -> None:
    given = ingress(rule("a.example", "b.example"), tls=[TLS], httpOption="Redirected")
    gateway, route = plan_of(given, "a.example").objects
    assert route["spec"]["hosts"] == ["b.example"]
    assert [server["hosts"] for server in gateway["spec"]["servers"]] == [["b.example"], ["b.example"]]
    assert {host for _, _, host, _ in asked(given, "a.example")} == {"b.example"}
    assert plan_of(given, "a.example", "b.example") == Plan((), (), ())
