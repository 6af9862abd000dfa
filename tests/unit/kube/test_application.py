"""Which container is the application, and at which port: whatever else is in the pod, and in whatever order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from wavetank.kube import Obj, application_container, application_port
from wavetank.kube.application import candidates

LOGGER: Obj = {"name": "logger", "image": "python:3.11", "ports": [{"containerPort": 9000}]}
WEB: Obj = {
    "name": "web",
    "image": "wavetank.dev/tidewater/web:v1",
    "ports": [{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8080}],
}
LATE: Obj = {"name": "cache", "image": "redis:7"}
PROXY: Obj = {"name": "istio-proxy", "image": "proxyv2", "ports": [{"name": "http-envoy-prom", "containerPort": 15090}]}


def pod(*containers: Obj, **annotations: str) -> Obj:
    keys = {"default": "kubectl.kubernetes.io/default-container", "injected": "sidecar.istio.io/status"}
    annotated = {keys[name]: value for name, value in annotations.items()}
    metadata = {"name": "web-1", "labels": {"app": "web", "tier": "front"}, "annotations": annotated}
    return {"metadata": metadata, "spec": {"containers": list(containers)}}


def service(target: str | int | None = "http", port: int = 80, **more: Any) -> Obj:
    one = {"port": port, **({} if target is None else {"targetPort": target}), **more}
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [one]}}


def without(container: Obj, *parts: str) -> Obj:
    return {key: value for key, value in container.items() if key not in parts}


@pytest.mark.parametrize("containers", list(permutations([LOGGER, WEB, LATE, PROXY])))
@pytest.mark.parametrize(
    "services", [[service("http")], [service(8080)], [service(None, 8080)], []], ids=["name", "number", "same", "none"]
)
def test_it_is_found_in_whatever_order(containers: tuple[Obj, ...], services: list[Obj]) -> None:
    assert application_container(pod(*containers), services)["name"] == "web"
    assert application_port(pod(*containers), services) == 8080


def test_whom_a_person_has_named_it_is() -> None:
    assert application_container(pod(WEB, LOGGER, default="logger"), [service()])["name"] == "logger"
    assert application_container(pod(WEB, default="gone"), [service()])["name"] == "web"


def test_whom_a_mesh_has_named_for_being_first_it_need_not_be() -> None:
    injected = pod(LOGGER, WEB, PROXY, default="logger", injected="{}")
    assert application_container(injected, [service()])["name"] == "web"
    assert application_container(pod(WEB, LOGGER, default="logger", injected="{}"), [service()])["name"] == "logger"


def test_who_serves_counts_more_than_whose_image_it_is() -> None:
    assert application_container(pod(WEB, LOGGER), [service(9000)])["name"] == "logger"


def test_of_two_that_serve_it_is_the_one_of_the_labs() -> None:
    both = service("http")
    both["spec"]["ports"].append({"port": 9000, "targetPort": 9000})
    assert application_container(pod(LOGGER, WEB), [both])["name"] == "web"


def test_a_service_of_others_tells_nothing() -> None:
    of_others = {**service(9000), "spec": {**service(9000)["spec"], "selector": {"app": "booking"}}}
    by_hand = {**service(9000), "spec": {"ports": [{"port": 9000}]}}
    assert application_container(pod(LOGGER, WEB), [of_others, by_hand])["name"] == "web"


def test_when_nothing_tells_it_is_the_first() -> None:
    assert application_container(pod(LATE, LOGGER))["name"] == "cache"
    assert application_port(pod(LATE, LOGGER)) == 8080
    assert application_port(pod(LOGGER)) == 9000


def test_whether_anything_tells_can_be_asked() -> None:
    assert len(candidates(pod(LATE, LOGGER))) == 2
    assert [one["name"] for one in candidates(pod(LATE, LOGGER, PROXY), [service(9000)])] == ["logger"]


def test_a_template_of_a_registry_s_image_is_read_alike() -> None:
    moved = {**WEB, "image": "localhost:5002/tidewater/web:v1"}
    template = {"spec": {"containers": [LOGGER, moved]}}
    assert application_container(template)["name"] == "web"


@pytest.mark.parametrize(
    ("ports", "target", "port"),
    [
        ([], 8000, 8000),
        ([], "http", 8080),
        ([{"name": "metrics", "containerPort": 9090}], 8000, 8000),
        ([{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8081}], 9999, 8081),
        ([{"containerPort": 9090}, {"containerPort": 8080}], 9999, 8080),
        ([{"name": "metrics", "containerPort": 9090}, {"name": "api", "containerPort": 8081}], "api", 8081),
    ],
    ids=["not declared", "not declared by name", "the other declared", "a wrong port", "wrong, no names", "by name"],
)
def test_the_port_is_where_requests_are_sent(ports: list[Obj], target: str | int, port: int) -> None:
    assert application_port(pod(LOGGER, {**WEB, "ports": ports}), [service(target)]) == port


def test_of_a_service_s_ports_the_one_for_http_counts() -> None:
    metrics_first = service("metrics", 9090)
    metrics_first["spec"]["ports"].append({"name": "http", "port": 80, "targetPort": "http"})
    assert application_port(pod(WEB), [metrics_first]) == 8080
