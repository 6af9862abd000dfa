"""What is said to a fault switch, and that Tidewater's own switch understands it."""

from __future__ import annotations

import pytest
from tests.support.tidewater import Running, running

from wavetank.faults import CATALOGUE, Fault
from wavetank.faults.switch import SWITCHED, label_selector, order, restarts, switch_target
from wavetank.faults.switch import running as running_pods
from wavetank.kube import Obj


@pytest.fixture(scope="module")
def payment() -> Obj:
    with running("payment") as service:
        yield service


def fault(kind: str, **parameters: float) -> Fault:
    spec = {"kind": kind, "target": {"deployment": "payment"}, "duration": "30s", "parameters": parameters}
    return Fault.from_spec("trouble", spec)


@pytest.mark.parametrize("kind", sorted(SWITCHED.keys() - {"container-crash"}))
def test_tidewater_takes_the_order_whole(kind: str, payment: Running) -> None:
    most = {one.name: one.least for one in CATALOGUE[kind].parameters}
    answer = payment.ask("POST", "/faults", order(fault(kind, **most), "a-fault", 20))
    assert answer.status == 201, answer.text
    (on,) = payment.ask("GET", "/faults").json["faults"]
    assert (on["id"], on["kind"]) == ("a-fault", kind)
    assert 19 < on["seconds_left"] <= 20
    assert len(on) - 3 == len(CATALOGUE[kind].parameters) - 1, "all but pods, which is not the pod's business"
    assert payment.ask("DELETE", "/faults/a-fault").status == 200


def test_a_crash_ends_the_process_with_an_error() -> None:
    with running("payment") as service:
        assert service.ask("POST", "/faults", order(fault("container-crash"), "a-fault", 20)).status == 201
        assert service.process.wait(5) != 0


def test_names_are_those_of_the_application() -> None:
    told = order(fault("memory-leak", mibPerSecond=4), "a-fault", 12.34)
    assert told == {"id": "a-fault", "kind": "memory-leak", "seconds": 12.3, "mib_per_second": 4, "limit_mib": 256}


@pytest.mark.parametrize(
    ("ports", "target"),
    [
        ([{"containerPort": 8081}, {"containerPort": 9}], "pod:web-1:8081"),
        ([], "pod:web-1:8080"),
        (None, "pod:web-1:8080"),
    ],
)
def test_the_switch_is_at_the_first_port_of_the_first_container(ports: list[Obj] | None, target: str) -> None:
    containers = [{"name": "web", "ports": ports}, {"name": "other", "ports": [{"containerPort": 1}]}]
    assert switch_target({"metadata": {"name": "web-1"}, "spec": {"containers": containers}}) == target


def test_the_switch_is_in_the_container_that_a_mesh_has_put_its_own_before() -> None:
    metadata = {"name": "web-1", "annotations": {"kubectl.kubernetes.io/default-container": "web"}}
    proxy = {"name": "istio-proxy", "ports": [{"name": "http-envoy-prom", "containerPort": 15090}]}
    web = {"name": "web", "ports": [{"containerPort": 8081}]}
    assert switch_target({"metadata": metadata, "spec": {"containers": [proxy, web]}}) == "pod:web-1:8081"


def test_only_pods_with_a_process_to_talk_to_count_as_running() -> None:
    pods = [
        {"metadata": {"name": "b"}, "status": {"phase": "Running"}},
        {"metadata": {"name": "a"}, "status": {"phase": "Running"}},
        {"metadata": {"name": "new"}},
        {"metadata": {"name": "done"}, "status": {"phase": "Succeeded"}},
        {"metadata": {"name": "leaving", "deletionTimestamp": "now"}, "status": {"phase": "Running"}},
    ]
    assert [pod["metadata"]["name"] for pod in running_pods(pods)] == ["a", "b"]


def test_the_switch_is_where_the_application_serves_whatever_stands_before_it() -> None:
    logger = {"name": "logger", "ports": [{"containerPort": 9000}]}
    ports = [{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8080}]
    pod = {"metadata": {"name": "web-1", "labels": {"app": "web"}}}
    pod["spec"] = {"containers": [logger, {"name": "web", "ports": ports}]}
    service = {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}
    assert switch_target(pod, [service]) == "pod:web-1:8080"


def test_restarts_of_all_containers_count_or_those_of_one() -> None:
    statuses = [{"name": "web", "restartCount": 2}, {"name": "logger", "restartCount": 1}, {"name": "new"}]
    pod = {"status": {"containerStatuses": statuses}}
    assert (restarts(pod), restarts(pod, "web"), restarts(pod, "gone")) == (3, 2, 0)
    assert restarts({}) == 0


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({"app": "web", "tier": "front"}, "app=web,tier=front"),
        ({"matchLabels": {"app": "web"}}, "app=web"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "tier", "operator": "NotIn", "values": ["c"]},
                    {"key": "x", "operator": "Exists"},
                    {"key": "y", "operator": "DoesNotExist"},
                ],
            },
            "app=web,tier in (a,b),tier notin (c),x,!y",
        ),
    ],
)
def test_selectors_become_one_query(selector: Obj, query: str) -> None:
    assert label_selector(selector) == query
