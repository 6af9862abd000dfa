"""What the real API refuses of a Fault, in which words: the CRD's own rules, and the operator's webhook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wavetank.errors import KubeError
from wavetank.faults import CATALOGUE
from wavetank.kube import Kube, Obj

pytestmark = pytest.mark.kind

BOOKING = Path(__file__).parents[2] / "labs/tidewater/manifests/booking.yaml"


def resource(namespace: str, change: dict[str, Any]) -> Obj:
    spec = {"kind": "latency", "target": {"selector": {"app": "booking"}}, "duration": "30s", **change}
    return {
        "apiVersion": "wavetank.dev/v1alpha1",
        "kind": "Fault",
        "metadata": {"name": "trouble", "namespace": namespace},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": None}, r"spec\.kind: Required value"),
        ({"kind": "gremlins"}, "supported values: .*pod-kill.*node-stop"),
        ({"target": None}, r"spec\.target: Required value"),
        ({"target": {}}, "the target must be exactly one of selector, deployment, service and node"),
        ({"target": {"deployment": "a", "service": "b"}}, "the target must be exactly one of"),
        ({"target": {"selector": {}}}, "should have at least 1 properties"),
        ({"target": {"node": "a"}}, "latency needs target.selector or target.deployment or target.service"),
        ({"kind": "bad-image", "target": {"service": "a"}}, "bad-image needs target.deployment"),
        ({"kind": "wrong-port", "target": {"deployment": "a"}}, "wrong-port needs target.service"),
        ({"kind": "node-stop", "target": {"selector": {"a": "b"}}}, "node-stop needs target.node"),
        ({"duration": None}, r"spec\.duration: Required value"),
        ({"duration": "0s"}, "the duration must be more than 0 and at most 1h, so that every fault ends by itself"),
        ({"duration": "61m"}, "the duration must be more than 0 and at most 1h"),
        ({"duration": "60"}, "a duration is a number with a unit, such as 90s"),
        ({"parameters": {"ms": 0}}, "should be greater than or equal to 1"),
        ({"parameters": {"ms": 30001}}, "latency takes ms from 1 to 30000"),
        ({"parameters": {"ms": 1.5}}, "must be of type integer"),
        ({"parameters": {"share": 0.5}}, "latency does not take the parameter share: only errors"),
        ({"kind": "errors", "parameters": {"share": 1.1}}, "should be less than or equal to 1"),
        ({"kind": "errors", "parameters": {"status": 200}}, "errors takes status from 500 to 599"),
        ({"kind": "mesh-delay", "target": {"deployment": "a"}}, "mesh-delay needs target.service"),
        (
            {"kind": "mesh-delay", "target": {"service": "a"}, "parameters": {"ms": 60001}},
            "less than or equal to 60000",
        ),
        ({"kind": "mesh-abort", "target": {"service": "a"}, "parameters": {"status": 199}}, "or equal to 200"),
        # The schema's least of 0.1 is 0 to the API server where a whole number is given; the webhook knows better.
        ({"kind": "mesh-abort", "target": {"service": "a"}, "parameters": {"percent": 0}}, "from 0.1 to 100"),
    ],
    ids=str,
)
def test_the_api_refuses_a_wrong_fault_in_words(kube: Kube, namespace: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(KubeError, match=words) as caught:
        kube.create(resource(namespace, change))
    assert caught.value.status == 422


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("edge", ["least", "most"])
def test_the_api_takes_every_kind_with_every_parameter(kube: Kube, namespace: str, kind: Any, edge: str) -> None:
    what = kind.targets[0]
    parameters = {one.name: getattr(one, edge) for one in kind.parameters}
    target = {what: {"app": "web"} if what == "selector" else "web"}
    obj = resource(namespace, {"kind": kind.name, "target": target, "parameters": parameters})
    with pytest.raises(KubeError, match="the target matches nothing"):  # past the CRD, refused by the operator
        kube.create(obj)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": {"selector": {"app": "boking"}}}, "no pod in the namespace .* has the labels app=boking"),
        ({"target": {"deployment": "boking"}}, "there is no Deployment boking .* expected: one of booking"),
        ({"kind": "wrong-port", "target": {"service": "boking"}}, "there is no Service boking .* one of booking"),
        ({"kind": "node-stop", "target": {"node": "moon"}}, "there is no Node moon in the cluster"),
        ({"kind": "node-stop", "target": {"node": "wavetank-control-plane"}}, "is the control plane"),
    ],
    ids=str,
)
def test_the_operator_refuses_what_cannot_work_in_words(
    kube: Kube, namespace: str, change: dict[str, Any], words: str
) -> None:
    kube.apply(BOOKING, namespace=namespace)
    with pytest.raises(KubeError, match=words) as caught:
        kube.create(resource(namespace, change))
    assert caught.value.status == 422
    assert 'admission webhook "faults.wavetank.dev" denied the request' in caught.value.summary


@pytest.mark.parametrize("place", ["kube-system", "wavetank-system"])
def test_what_the_cluster_runs_on_is_no_target(kube: Kube, place: str) -> None:
    with pytest.raises(KubeError, match=f"the namespace {place} is what the cluster itself runs on"):
        kube.create(resource(place, {"target": {"selector": {"k8s-app": "kube-dns"}}}))


def test_a_load_on_a_service_that_is_not_there_is_refused(kube: Kube, namespace: str) -> None:
    spec = {"target": {"service": "web"}, "rate": 1, "duration": "5s"}
    metadata = {"name": "steady", "namespace": namespace}
    with pytest.raises(KubeError, match="there is no Service web in the namespace"):
        kube.create({"apiVersion": "wavetank.dev/v1alpha1", "kind": "Load", "metadata": metadata, "spec": spec})


def test_a_fault_can_only_be_stopped(kube: Kube, namespace: str) -> None:
    kube.apply(BOOKING, namespace=namespace)
    kube.create(resource(namespace, {"target": {"deployment": "booking"}}))
    for change in ({"duration": "60s"}, {"parameters": {"ms": 1}}, {"kind": "errors"}):
        with pytest.raises(KubeError, match="a fault cannot be changed, only stopped; make another one"):
            kube.patch("Fault", "trouble", namespace, {"spec": change})
    kube.patch("Fault", "trouble", namespace, {"spec": {"stop": True}})
    with pytest.raises(KubeError, match="a fault that was stopped stays stopped"):
        kube.patch("Fault", "trouble", namespace, {"spec": {"stop": False}})
