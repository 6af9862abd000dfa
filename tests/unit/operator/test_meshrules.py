"""What is refused of faults in the mesh, and what is only warned of, against a cluster as it is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.mesh import SHAPES, to, virtual_service, with_istio
from tests.support.pond import NAMESPACE, Pond

from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.kube import Obj
from wavetank.operator.rules import check_fault, plan_injection

CANARY = SHAPES["canary"]


def delay(name: str = "trouble", service: str = "booking") -> Fault:
    return Fault.from_spec(name, {"kind": "mesh-delay", "target": {"service": service}, "duration": "30s"})


def born(obj: Obj, when: str) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "creationTimestamp": when}}


def service(pond: Pond, name: str, *ports: Obj) -> None:
    metadata = {"name": name, "namespace": NAMESPACE}
    pond.api.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": list(ports)}})


def refusal(pond: Pond, fault: Fault) -> InputError:
    with pytest.raises(InputError) as caught:
        check_fault(pond.kube, fault, NAMESPACE)
    return caught.value


@pytest.fixture(autouse=True)
def booking(pond: Pond) -> None:
    pond.deploy("booking")


def test_a_cluster_without_istio_is_told_how_to_get_it(pond: Pond) -> None:
    error = refusal(pond, delay())
    assert error.summary == "this cluster has no Istio"
    assert error.help.hint == "wavetank up --for 03-service-mesh"


def test_a_service_that_is_not_there_is_said_before_anything_else(pond: Pond) -> None:
    error = refusal(pond, delay(service="boking"))
    assert "there is no Service boking" in error.help.observed


@pytest.mark.parametrize("http", [None, CANARY], ids=["nothing in place", "a virtual service"])
def test_what_can_work_is_let_pass_without_a_word(pond: Pond, http: list[Obj] | None) -> None:
    with_istio(pond)
    if http:
        pond.api.put(virtual_service(http))
    assert check_fault(pond.kube, delay(), NAMESPACE) == []


def test_without_a_sidecar_nobody_will_notice(pond: Pond) -> None:
    with_istio(pond)
    pond.api.delete("Pod", "caller", NAMESPACE)
    (warning,) = check_fault(pond.kube, delay(), NAMESPACE)
    assert warning.startswith("no pod in the namespace harbour has a sidecar")
    assert "kubectl label namespace harbour istio-injection=enabled" in warning


def test_a_sidecar_may_be_an_init_container_that_stays(pond: Pond) -> None:
    with_istio(pond)
    caller = pond.stored("Pod", "caller")
    proxy = {"name": "istio-proxy", "restartPolicy": "Always"}
    pond.api.put({**caller, "spec": {"initContainers": [proxy], "containers": [{"name": "caller"}]}})
    assert check_fault(pond.kube, delay(), NAMESPACE) == []


def test_routes_of_gateways_alone_are_left_out_and_said(pond: Pond) -> None:
    with_istio(pond)
    pond.api.put(virtual_service(CANARY, name="front", gateways=["front"]))
    (warning,) = check_fault(pond.kube, delay(), NAMESPACE)
    assert warning == "the VirtualService front is bound to gateways only: what comes through them is not hit"
    plan = plan_injection(pond.kube, delay(), NAMESPACE, "")
    assert (plan.name, plan.made) == ("wavetank-trouble", True)


def test_what_istio_does_not_take_for_http_is_refused(pond: Pond) -> None:
    with_istio(pond)
    service(pond, "store", {"name": "tcp-redis", "port": 6379}, {"name": "api", "appProtocol": "mongo", "port": 27017})
    error = refusal(pond, delay(service="store"))
    assert error.summary == "the Service store does not speak HTTP"
    assert error.help.observed == "its ports are tcp-redis, mongo"
    service(pond, "store", {"name": "tcp-redis", "port": 6379}, {"name": "http-admin", "port": 80})
    assert check_fault(pond.kube, delay(service="store"), NAMESPACE) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"http": [], "tcp": [{"route": [to()]}]}, "the VirtualService booking has no http routes"),
        ({"http": [{"redirect": {"uri": "/"}}]}, "no http route of the VirtualService booking can take a fault"),
    ],
)
def test_a_virtual_service_that_can_take_no_fault_is_refused(pond: Pond, spec: dict[str, Any], words: str) -> None:
    with_istio(pond)
    pond.api.put(virtual_service(**spec))
    assert refusal(pond, delay()).summary.startswith(words)


def test_of_several_the_oldest_is_taken_as_istio_does(pond: Pond) -> None:
    with_istio(pond)
    pond.api.put(born(virtual_service(CANARY, name="a-late-one"), "2026-05-02T12:00:00Z"))
    pond.api.put(born(virtual_service(CANARY, name="the-first"), "2026-05-01T12:00:00Z"))
    pond.api.put(born(virtual_service(CANARY, name="of-others", hosts=["payment"]), "2026-04-01T12:00:00Z"))
    plan = plan_injection(pond.kube, delay(), NAMESPACE, "")
    assert (plan.name, plan.made) == ("the-first", False)


def test_a_name_that_is_taken_needs_another_fault_s_name(pond: Pond) -> None:
    with_istio(pond)
    pond.api.put(virtual_service(CANARY, name="wavetank-trouble", hosts=["payment"]))
    error = refusal(pond, delay())
    assert error.summary == "the fault cannot make its VirtualService wavetank-trouble"
    assert error.help.expected == "another name for the fault"
    assert plan_injection(pond.kube, delay("other"), NAMESPACE, "").name == "wavetank-other"


def elsewhere(host: str = "booking.harbour.svc.cluster.local", when: str = "2026-01-01T12:00:00Z") -> Obj:
    one = born(virtual_service(CANARY, name="everywhere", hosts=[host]), when)
    return {**one, "metadata": {**one["metadata"], "namespace": "default"}}


@pytest.mark.parametrize("host", ["booking.harbour.svc.cluster.local", "*.harbour.svc.cluster.local"])
@pytest.mark.parametrize("own", [False, True], ids=["nothing in place", "a younger one in place"])
def test_where_sidecars_go_by_another_namespace_s_a_fault_is_refused(pond: Pond, host: str, own: bool) -> None:
    with_istio(pond)
    pond.api.put(elsewhere(host))
    if own:
        pond.api.put(born(virtual_service(CANARY, hosts=["*.harbour.svc.cluster.local"]), "2026-05-01T12:00:00Z"))
    error = refusal(pond, delay())
    assert error.summary == "sidecars go for booking by the VirtualService everywhere in the namespace default"
    assert host in error.help.observed
    assert error.help.command == "kubectl -n default get virtualservice everywhere -o yaml"


def test_one_elsewhere_that_does_not_count_is_named_and_in_nobody_s_way(pond: Pond) -> None:
    with_istio(pond)
    pond.api.put(virtual_service(CANARY))
    pond.api.put(elsewhere("*.harbour.svc.cluster.local"))
    assert plan_injection(pond.kube, delay(), NAMESPACE, "").name == "booking"
    (warning,) = check_fault(pond.kube, delay(), NAMESPACE)
    assert warning == (
        "sidecars go by the VirtualService booking for booking, and not by everywhere in the namespace default"
    )


def test_a_wildcard_in_its_own_namespace_takes_the_fault(pond: Pond) -> None:
    with_istio(pond)
    pond.api.put(virtual_service([{"route": [to()]}], name="all", hosts=["*.harbour.svc.cluster.local"]))
    plan = plan_injection(pond.kube, delay(), NAMESPACE, "")
    assert (plan.name, plan.made) == ("all", False)
