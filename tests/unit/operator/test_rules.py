"""What is refused, and what is only warned of, against a cluster as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.pond import NAMESPACE, Pond

from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.operator.rules import check_fault, check_load
from wavetank.traffic import Load, Target
from wavetank.waves import binding, letting_in

OPERATOR = Path(__file__).parents[3] / "clusters/manifests/operator.yaml"


def fault(kind: str, target: dict[str, Any]) -> Fault:
    return Fault.from_spec("trouble", {"kind": kind, "target": target, "duration": "30s"})


@pytest.fixture(autouse=True)
def harbour(pond: Pond) -> None:
    pond.deploy("booking")
    pond.deploy("payment", replicas=0)
    pond.node("worker")
    pond.node("captain", **{"node-role.kubernetes.io/control-plane": ""})


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("latency", {"selector": {"app": "booking"}}),
        ("latency", {"deployment": "booking"}),
        ("pod-kill", {"service": "booking"}),
        ("bad-image", {"deployment": "booking"}),
        ("wrong-port", {"service": "booking"}),
        ("node-stop", {"node": "worker"}),
    ],
)
def test_what_can_work_is_let_pass_without_a_word(pond: Pond, kind: str, target: dict[str, Any]) -> None:
    assert check_fault(pond.kube, fault(kind, target), NAMESPACE) == []


@pytest.mark.parametrize("target", [{"deployment": "payment"}, {"service": "payment"}])
def test_a_target_without_pods_is_only_warned_of(pond: Pond, target: dict[str, Any]) -> None:
    (warning,) = check_fault(pond.kube, fault("latency", target), NAMESPACE)
    assert warning.endswith("payment has no pods now: the fault waits for them until it ends")


@pytest.mark.parametrize(
    ("kind", "target", "observed", "expected"),
    [
        ("latency", {"selector": {"app": "boking"}}, "no pod in the namespace harbour has the labels app=boking", ""),
        ("latency", {"deployment": "boking"}, "there is no Deployment boking", "one of booking, payment"),
        ("latency", {"service": "boking"}, "there is no Service boking", "one of booking, payment"),
        ("config-missing", {"deployment": "boking"}, "there is no Deployment boking", "one of booking, payment"),
        ("node-stop", {"node": "moon"}, "there is no Node moon in the cluster", "one of captain, worker"),
        ("node-stop", {"node": "captain"}, "without it nothing could start it again", "a worker node"),
    ],
)
def test_a_target_that_cannot_be_hit_is_refused(
    pond: Pond, kind: str, target: dict[str, Any], observed: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_fault(pond.kube, fault(kind, target), NAMESPACE)
    assert observed in caught.value.help.observed
    assert expected in caught.value.help.expected


def test_a_node_that_wavetank_has_not_made_is_no_target(pond: Pond) -> None:
    pond.node("gpu", made_here=False)
    with pytest.raises(InputError, match="the node gpu is not one that Wavetank has made") as caught:
        check_fault(pond.kube, fault("node-stop", {"node": "gpu"}), NAMESPACE)
    assert "nothing is done to anybody else's" in caught.value.help.expected


def test_a_service_that_selects_nothing_is_no_target_for_pods(pond: Pond) -> None:
    metadata = {"name": "outside", "namespace": NAMESPACE}
    pond.api.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}})
    with pytest.raises(InputError) as caught:
        check_fault(pond.kube, fault("latency", {"service": "outside"}), NAMESPACE)
    assert caught.value.help.observed == "service outside selects no pods"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-node-lease", "wavetank-system"])
def test_what_the_cluster_runs_on_is_no_target(pond: Pond, namespace: str) -> None:
    with pytest.raises(InputError, match="what the cluster itself runs on"):
        check_fault(pond.kube, fault("pod-kill", {"selector": {"app": "booking"}}), namespace)
    with pytest.raises(InputError, match="what the cluster itself runs on"):
        check_load(pond.kube, Load("steady", Target("booking"), rate=1, duration=5), namespace)


@pytest.mark.parametrize("place", ["istio-system", "knative-serving", "default"])
def test_only_where_the_operator_was_let_in_is_a_target(pond: Pond, place: str) -> None:
    pond.api.may = lambda asked: asked["namespace"] == NAMESPACE
    pond.api.requests.clear()
    with pytest.raises(InputError, match=f"the namespace {place} is none") as caught:
        check_fault(pond.kube, fault("pod-kill", {"selector": {"app": "istiod"}}), place)
    assert not [url for _, url in pond.api.requests if f"/namespaces/{place}/" in url], "nothing there is looked at"
    assert caught.value.help.hint == letting_in(place)
    with pytest.raises(InputError, match="loads and faults are for labs"):
        check_load(pond.kube, load("istiod"), place)
    check_fault(pond.kube, fault("pod-kill", {"selector": {"app": "booking"}}), NAMESPACE)


def test_the_command_that_lets_the_operator_in_says_what_goto_does() -> None:
    made = binding("mine")
    words = letting_in("mine").split()
    assert words[words.index("rolebinding") + 1] == made["metadata"]["name"]
    assert f"--clusterrole={made['roleRef']['name']}" in words
    (subject,) = made["subjects"]
    assert f"--serviceaccount={subject['namespace']}:{subject['name']}" in words
    roles = [obj for obj in yaml.safe_load_all(OPERATOR.read_text()) if obj["kind"] == "ClusterRole"]
    assert made["roleRef"]["name"] in [role["metadata"]["name"] for role in roles]


def test_no_node_is_stopped_while_nobody_is_there_to_start_it_again(pond: Pond) -> None:
    pond.api.delete("Lease", "wavetank-power", "wavetank-system")
    with pytest.raises(InputError, match="nobody is there to stop a node") as caught:
        check_fault(pond.kube, fault("node-stop", {"node": "worker"}), NAMESPACE)
    assert "it has never been heard of" in caught.value.help.observed
    long_ago = {"renewTime": "2026-01-01T00:00:00.000000Z"}
    place = {"name": "wavetank-power", "namespace": "wavetank-system"}
    pond.api.put({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": place, "spec": long_ago})
    with pytest.raises(InputError, match="nobody is there") as caught:
        check_fault(pond.kube, fault("node-stop", {"node": "worker"}), NAMESPACE)
    assert "it was last heard of" in caught.value.help.observed


def test_what_somebody_else_has_written_into_a_status_keeps_no_fault_away(pond: Pond) -> None:
    pond.fault("forged", "latency", {"deployment": "booking"})
    claim = {"kind": "Node", "name": "worker", "became": "then"}
    claim["path"] = "/metadata/annotations/wavetank.dev~1power-off-until"
    for name, original in (("forged", claim), ("garbage", {"kind": ["Node"], "path": 7})):
        if name == "garbage":
            pond.fault(name, "node-stop", {"node": "captain"})
        status = {"phase": "Active", "endsAt": "2999-01-01T00:00:00Z", "original": original}
        pond.kube.patch("Fault", name, NAMESPACE, {"status": status}, subresource="status")
    assert check_fault(pond.kube, fault("node-stop", {"node": "worker"}), NAMESPACE) == []


def test_a_fault_on_a_node_is_seen_from_every_namespace(pond: Pond) -> None:
    stored = pond.fault("dark", "node-stop", {"node": "worker"})
    original = {"kind": "Node", "name": "worker", "became": "then"}
    original["path"] = "/metadata/annotations/wavetank.dev~1power-off-until"
    active = {"phase": "Active", "endsAt": "2999-01-01T00:00:00Z", "original": original}
    pond.kube.patch("Fault", "dark", NAMESPACE, {"status": active}, subresource="status")
    again = fault("node-stop", {"node": "worker"})
    with pytest.raises(InputError) as caught:
        check_fault(pond.kube, again, "elsewhere")
    assert "the fault dark in harbour" in caught.value.help.observed
    assert check_fault(pond.kube, again, NAMESPACE, stored["metadata"]["uid"]) == [], "it is not in its own way"


def test_a_load_needs_a_service_and_one_of_its_ports(pond: Pond) -> None:
    with pytest.raises(InputError, match="the target matches nothing"):
        check_load(pond.kube, Load("steady", Target("boking"), rate=1, duration=5), NAMESPACE)
    with pytest.raises(InputError, match="the Service booking has no port 81"):
        check_load(pond.kube, Load("steady", Target("booking", 81), rate=1, duration=5), NAMESPACE)


def test_a_service_without_ready_endpoints_is_fine_but_said(pond: Pond) -> None:
    load = Load("steady", Target("booking"), rate=1, duration=5)
    (warning,) = check_load(pond.kube, load, NAMESPACE)
    assert "has no ready endpoints now" in warning
    labels = {"kubernetes.io/service-name": "booking"}
    metadata = {"name": "booking-1", "namespace": NAMESPACE, "labels": labels}
    of_kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    pond.api.put({**of_kind, "metadata": metadata, "endpoints": [{"conditions": {"ready": True}}]})
    assert check_load(pond.kube, load, NAMESPACE) == []


def load(service: str, port: int = 80) -> Load:
    return Load("steady", Target(service, port), rate=1, duration=5)


def put_service(pond: Pond, **spec: Any) -> None:
    metadata = {"name": "booking", "namespace": NAMESPACE}
    pond.api.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


@pytest.mark.parametrize("target", ["http", 8080])
def test_a_load_at_a_headless_service_whose_pods_listen_elsewhere_is_refused(pond: Pond, target: str | int) -> None:
    ports = [{"port": 80, "targetPort": target}, {"name": "direct", "port": 8080, "targetPort": target}]
    put_service(pond, clusterIP="None", selector={"app": "booking"}, ports=ports)
    with pytest.raises(InputError, match="is headless, and its pods do not listen on 80") as caught:
        check_load(pond.kube, load("booking"), NAMESPACE)
    assert "which listen on 8080" in caught.value.help.observed
    check_load(pond.kube, load("booking", 8080), NAMESPACE)


def test_a_service_whose_endpoints_anybody_may_write_is_no_target_but_for_a_functions(pond: Pond) -> None:
    put_service(pond, ports=[{"port": 80}])
    with pytest.raises(InputError, match="the Service booking has no selector: whoever writes its endpoints"):
        check_load(pond.kube, load("booking"), NAMESPACE)
    owner = {"apiVersion": "networking.internal.knative.dev/v1alpha1", "kind": "ServerlessService"}
    owners = [{**owner, "name": "booking-00001", "uid": "1"}]
    pond.kube.patch("Service", "booking", NAMESPACE, {"metadata": {"ownerReferences": owners}})
    check_load(pond.kube, load("booking"), NAMESPACE)


def test_nothing_is_sent_out_of_the_cluster(pond: Pond) -> None:
    put_service(pond, type="ExternalName", externalName="bank.example", ports=[{"port": 80}])
    with pytest.raises(InputError, match="the Service booking is another name for bank"):
        check_load(pond.kube, load("booking"), NAMESPACE)
    with pytest.raises(InputError, match="another name for bank"):
        check_fault(pond.kube, fault("mesh-delay", {"service": "booking"}), NAMESPACE)


@pytest.mark.parametrize(
    ("name", "allowed"), [("gateway.istio-system.svc.cluster.local", True), ("bank.example", False)]
)
def test_a_function_is_reached_by_the_name_that_knative_gives_it(pond: Pond, name: str, allowed: bool) -> None:
    put_service(pond, type="ExternalName", externalName=name, ports=[{"port": 80}])
    route = {"apiVersion": "serving.knative.dev/v1", "kind": "Route", "name": "booking", "uid": "1"}
    pond.kube.patch("Service", "booking", NAMESPACE, {"metadata": {"ownerReferences": [route]}})
    if allowed:
        check_load(pond.kube, load("booking"), NAMESPACE)
    else:
        with pytest.raises(InputError, match="another name for bank"):
            check_load(pond.kube, load("booking"), NAMESPACE)


def test_a_fault_in_a_deployment_without_replicas_is_said_to_be_noticed_by_nobody(pond: Pond) -> None:
    pond.kube.scale("booking", NAMESPACE, 0)
    (warning,) = check_fault(pond.kube, fault("bad-image", {"deployment": "booking"}), NAMESPACE)
    assert warning.startswith("deployment booking has 0 replicas")
