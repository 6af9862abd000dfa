"""What people get wrong with a mesh, on real Istio: each mistake is named to the learner, and nothing hangs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube import Kube
from wavetank.observe import watch
from wavetank.observe.analysis import analyze
from wavetank.observe.identity import identities
from wavetank.observe.sync import heard
from wavetank.observe.traces import Query, find_traces, why_no_trace
from wavetank.traffic import Question, ask

pytestmark = [pytest.mark.kind, pytest.mark.usefixtures("istioctl")]

LAB = Path(__file__).parents[2] / "labs/03-service-mesh"
SAILINGS = Question("http://timetable/sailings", times=5, timeout=3.0)


@pytest.fixture
def istioctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the bundle's istioctl on the PATH, as in an open lab."""
    from wavetank.bundle import open_bundle

    monkeypatch.setenv("PATH", str(open_bundle().path / "bin"), prepend=":")


@pytest.fixture
def meshed(kube: Kube, namespace: str) -> str:
    """Float web and timetable in the mesh; their namespace."""
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {"istio-injection": "enabled"}}})
    for name in ("timetable", "web"):
        kube.apply(LAB / f"manifests/{name}.yaml", namespace=namespace)
    kube.rollout("timetable-v1", namespace, timeout=90)
    kube.rollout("web", namespace, timeout=90)
    return namespace


def apply(kube: Kube, namespace: str, kind: str, name: str, spec: dict[str, Any]) -> None:
    group = "security" if kind.endswith("Policy") else "networking"
    obj = {"apiVersion": f"{group}.istio.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    with heard(kube):
        kube.apply(obj, namespace=namespace)


def found(kube: Kube, namespace: str) -> str:
    return "\n".join(map(str, analyze(kube, namespace)))


def route(host: str = "timetable", subset: str = "") -> dict[str, Any]:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"hosts": [host], "http": [{"route": [{"destination": destination}]}]}


def test_a_route_to_a_version_that_nobody_has_defined(kube: Kube, meshed: str) -> None:
    apply(kube, meshed, "VirtualService", "timetable", route(subset="v9"))
    assert ask(kube, meshed, "web", SAILINGS).statuses == {503: 5}
    assert 'Referenced host+subset in destinationrule not found: "timetable+v9"' in found(kube, meshed)


def test_two_routes_for_the_same_host(kube: Kube, meshed: str) -> None:
    apply(kube, meshed, "VirtualService", "one", route())
    apply(kube, meshed, "VirtualService", "other", route())
    assert "define the same host" in found(kube, meshed)


def test_a_policy_that_locks_everybody_out(kube: Kube, meshed: str) -> None:
    mesh = watch(kube, meshed)
    apply(kube, meshed, "AuthorizationPolicy", "nobody", {})
    assert ask(kube, meshed, "web", SAILINGS).statuses == {403: 5}
    edge = mesh.since_mark().edge("web", "timetable-v1")
    assert edge is not None
    assert edge.signals.codes == {"403": 5} or edge.signals.codes == {403: 5}


def test_two_gateways_that_want_the_same_port_for_different_things(kube: Kube, meshed: str) -> None:
    for name, protocol in (("plain", "HTTP"), ("other", "TCP")):
        server = {"port": {"number": 80, "name": name, "protocol": protocol}, "hosts": ["*"]}
        apply(kube, meshed, "Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": [server]})
    assert "Gateway" in found(kube, meshed)


def test_a_namespace_that_is_not_in_the_mesh_says_so(kube: Kube, namespace: str) -> None:
    kube.apply(LAB / "manifests/timetable.yaml", namespace=namespace)
    kube.rollout("timetable-v1", namespace, timeout=60)
    (reason, *_) = watch(kube, namespace).topology().reasons
    assert "not labelled for the mesh" in reason.words
    assert reason.command == f"kubectl label namespace {namespace} istio-injection=enabled"
    assert {held.identity for held in identities(kube, namespace)} == {None}
    assert "no pod of timetable has a sidecar" in str(why_no_trace(kube, f"timetable.{namespace}"))


def test_a_sidecar_that_never_comes_up(kube: Kube, namespace: str) -> None:
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {"istio-injection": "enabled"}}})
    kube.apply(LAB / "manifests/timetable.yaml", namespace=namespace)
    annotated = {"metadata": {"annotations": {"sidecar.istio.io/proxyImage": "localhost:5001/no/such:proxy"}}}
    kube.patch(
        "Deployment", "timetable-v1", namespace, {"spec": {"replicas": 1, "template": annotated}}, type="strategic"
    )
    with pytest.raises(WaitTimeoutError) as caught:
        kube.rollout("timetable-v1", namespace, timeout=15)
    assert "localhost:5001/no/such:proxy" in str(caught.value)


def test_the_collector_is_gone_and_comes_back(kube: Kube, meshed: str) -> None:
    place = ("wavetank-traces", "wavetank-system")
    kube.scale(*place, 0)
    try:
        kube.wait_for("Deployment", *place, _nobody, timeout=30, waiting_for="the collector to be gone")
        with pytest.raises(KubeError) as caught:
            find_traces(kube, Query())
        assert "wavetank-traces" in str(caught.value)
        assert ask(kube, meshed, "web", SAILINGS).statuses == {200: 5}
    finally:
        kube.scale(*place, 1)
        kube.rollout(*place, timeout=60)
    assert find_traces(kube, Query(f"web.{meshed}")) == []


def _nobody(deployment: dict[str, Any] | None) -> bool:
    return deployment is not None and not deployment.get("status", {}).get("replicas")
