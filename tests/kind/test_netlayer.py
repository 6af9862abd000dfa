"""The networking layer on a real cluster: its routes are put right, a host has one owner, another one takes over."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.support.ingresses import VIRTUAL_SERVICE, ingress, path, rule, split
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec
from wavetank.kube import Kube, Obj
from wavetank.netlayer.leader import LEASE
from wavetank.netlayer.main import LEASE_NAME, LEASE_NAMESPACE
from wavetank.netlayer.spec import INGRESS
from wavetank.observe.serverless.conditions import readiness

pytestmark = [pytest.mark.kind, pytest.mark.timeout(240)]

TIMETABLE = Path(__file__).parents[2] / "labs/tidewater/manifests/timetable.yaml"
HOST = "timetable.example.org"
WITHIN = 60


@pytest.fixture
def route(knative_kube: Kube, namespace: str) -> Callable[[str], Obj]:
    """Have the timetable in the namespace, and return how a route to it is made."""
    knative_kube.apply(TIMETABLE, namespace=namespace)
    knative_kube.rollout("timetable", namespace)

    def make(name: str) -> Obj:
        there = split("timetable", 100, serviceNamespace=namespace)
        wanted = ingress(rule(HOST, paths=[path(there)]), name=name)
        wanted["metadata"]["namespace"] = namespace
        return knative_kube.create(wanted)

    return make


def status(spec: ClusterSpec) -> int:
    """Ask for the sailings through the gateway, and return the status of the answer."""
    gateway = HTTPConnection("127.0.0.1", spec.ports.gateway, timeout=5)
    try:
        gateway.request("GET", "/sailings", headers={"Host": HOST})
        return gateway.getresponse().status
    finally:
        gateway.close()


def await_ready(kube: Kube, made: Obj) -> None:
    kube.wait_for(INGRESS, made["metadata"]["name"], made["metadata"]["namespace"], "Ready", timeout=WITHIN)


def routes(kube: Kube, namespace: str) -> list[Any]:
    """Return what routes there are, without what the API server writes about them."""
    return [obj["spec"] for obj in kube.list(VIRTUAL_SERVICE, namespace)]


def test_a_route_that_somebody_edits_or_deletes_is_put_right(
    knative_kube: Kube, namespace: str, route: Callable[[str], Obj], spec: ClusterSpec
) -> None:
    await_ready(knative_kube, route("first"))
    made = routes(knative_kube, namespace)
    assert status(spec) == 200
    for virtual_service in knative_kube.list(VIRTUAL_SERVICE, namespace):
        name = virtual_service["metadata"]["name"]
        knative_kube.patch(VIRTUAL_SERVICE, name, namespace, {"spec": {"hosts": ["elsewhere.example.org"]}})
        eventually(lambda: routes(knative_kube, namespace) == made, "the edited route to be as it was", WITHIN, 0.2)
        knative_kube.delete_object(VIRTUAL_SERVICE, name, namespace)
        eventually(lambda: routes(knative_kube, namespace) == made, "the deleted route to be there again", WITHIN, 0.2)
    eventually(lambda: status(spec) == 200, "an answer by the route that is there again", WITHIN, 0.2)


def test_a_host_is_the_firsts_until_it_goes_and_then_the_seconds(
    knative_kube: Kube, namespace: str, route: Callable[[str], Obj], spec: ClusterSpec
) -> None:
    await_ready(knative_kube, route("first"))
    second = route("second")

    def said() -> str:
        return readiness(knative_kube.get(INGRESS, "second", namespace)).message

    eventually(lambda: HOST in said(), "the second to say whose the host is", WITHIN, 0.2)
    assert status(spec) == 200
    knative_kube.delete_object(INGRESS, "first", namespace)
    await_ready(knative_kube, second)
    eventually(lambda: knative_kube.find(INGRESS, "first", namespace) is None, "the first to be gone", WITHIN, 0.2)
    assert status(spec) == 200


def test_another_one_takes_over_and_routes_serve_meanwhile(
    knative_kube: Kube, route: Callable[[str], Obj], spec: ClusterSpec
) -> None:
    await_ready(knative_kube, route("first"))
    before = knative_kube.get(LEASE, LEASE_NAME, LEASE_NAMESPACE)["spec"]["holderIdentity"]
    for pod in knative_kube.list("Pod", LEASE_NAMESPACE, "app.kubernetes.io/name=netlayer"):
        knative_kube.delete_object("Pod", pod["metadata"]["name"], LEASE_NAMESPACE)
    assert status(spec) == 200

    def holder() -> str:
        held = knative_kube.get(LEASE, LEASE_NAME, LEASE_NAMESPACE)["spec"].get("holderIdentity")
        assert status(spec) == 200
        return str(held or "")

    eventually(lambda: holder() not in ("", before), "another one to hold the lease", WITHIN, 0.5)
    second = route("second")
    eventually(
        lambda: HOST in readiness(knative_kube.get(INGRESS, "second", second["metadata"]["namespace"])).message,
        "the new one to look at what is new",
        WITHIN,
        0.2,
    )
