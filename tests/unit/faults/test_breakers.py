"""Breaking an object and putting it back, on plain objects."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.faults.breakers import BREAKERS, Break, read, write
from wavetank.kube import Obj
from wavetank.kube.power import POWER_OFF_UNTIL

ENDS = datetime(2026, 11, 23, 17, 40, 30, tzinfo=UTC)
DEPLOYMENT: Obj = {
    "kind": "Deployment",
    "metadata": {"name": "booking"},
    "spec": {
        "template": {
            "spec": {"containers": [{"name": "booking", "image": "wavetank.dev/booking:v1"}, {"name": "proxy"}]}
        }
    },
}
SERVICE: Obj = {
    "kind": "Service",
    "metadata": {"name": "booking"},
    "spec": {"selector": {"app.kubernetes.io/name": "booking"}, "ports": [{"port": 80, "targetPort": "http"}]},
}
NODE: Obj = {"kind": "Node", "metadata": {"name": "worker"}}
TARGETS = {
    "bad-image": ("deployment", DEPLOYMENT),
    "config-missing": ("deployment", DEPLOYMENT),
    "selector-mismatch": ("service", SERVICE),
    "wrong-port": ("service", SERVICE),
    "node-stop": ("node", NODE),
}


def planned(kind: str, obj: Obj | None = None, **parameters: float) -> Break:
    what, usual = TARGETS[kind]
    spec = {"kind": kind, "target": {what: "booking"}, "duration": "30s", "parameters": parameters}
    return BREAKERS[kind](obj or usual, Fault.from_spec("trouble", spec), ENDS)


def with_image(image: str) -> Obj:
    return write(DEPLOYMENT, ("spec", "template", "spec", "containers", "[name=booking]", "image"), image)


def container(obj: Obj) -> Obj:
    return obj["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("kind", BREAKERS)
def test_broken_and_restored_is_the_same_to_the_last_byte(kind: str) -> None:
    _, obj = TARGETS[kind]
    as_it_was, plan = copy.deepcopy(obj), planned(kind)
    broken = plan.broken(obj)
    assert broken is not None
    assert broken != obj
    assert plan.is_on(broken)
    assert obj == as_it_was, "what is given is never changed"
    restored = plan.restored(broken)
    if kind == "node-stop":
        as_it_was["metadata"]["annotations"] = {}  # as the API server writes it: not at all
    assert restored == as_it_was


@pytest.mark.parametrize("kind", BREAKERS)
def test_a_plan_survives_the_way_through_a_status(kind: str) -> None:
    plan = planned(kind)
    assert Break.from_status(plan.to_status()) == plan
    assert None not in plan.to_status().values(), "a merge patch would take it for a removal"


@pytest.mark.parametrize("kind", BREAKERS)
def test_what_has_changed_since_is_left_alone(kind: str) -> None:
    _, obj = TARGETS[kind]
    plan = planned(kind)
    repaired: Any = {"anything": "else"} if kind == "config-missing" else "mended"
    changed = write(obj, plan.path, repaired)
    assert plan.broken(changed) is None
    assert plan.restored(changed) is None
    assert plan.restored(obj) is None


@pytest.mark.parametrize(
    ("image", "broken"),
    [
        ("booking", "booking:no-such-version"),
        ("booking:v1", "booking:no-such-version"),
        ("registry.local:5000/booking", "registry.local:5000/booking:no-such-version"),
        ("registry.local:5000/tidewater/booking:v1", "registry.local:5000/tidewater/booking:no-such-version"),
        ("registry.local:5000/booking:v1@sha256:abc", "registry.local:5000/booking:no-such-version"),
        ("booking@sha256:abc", "booking:no-such-version"),
    ],
)
def test_a_bad_image_is_another_tag_of_the_same_image(image: str, broken: str) -> None:
    assert planned("bad-image", with_image(image)).became == broken


def test_missing_configuration_comes_after_what_is_read_already() -> None:
    there = [{"configMapRef": {"name": "there"}}]
    deployment = write(DEPLOYMENT, ("spec", "template", "spec", "containers", "[name=booking]", "envFrom"), there)
    plan = planned("config-missing", deployment)
    broken = plan.broken(deployment)
    assert broken is not None
    assert container(broken)["envFrom"] == [*there, {"configMapRef": {"name": "booking-settings-v2"}}]
    assert plan.restored(broken) == deployment


def test_only_one_container_is_touched() -> None:
    broken = planned("bad-image").broken(DEPLOYMENT)
    assert broken is not None
    assert broken["spec"]["template"]["spec"]["containers"][1] == {"name": "proxy"}


@pytest.mark.parametrize("kind", ["bad-image", "config-missing"])
def test_it_is_the_application_s_container_wherever_it_stands(kind: str) -> None:
    logger = {"name": "logger", "image": "python:3.11"}
    deployment = write(DEPLOYMENT, ("spec", "template", "spec", "containers"), [logger, dict(container(DEPLOYMENT))])
    deployment = write(deployment, ("spec", "template", "spec", "containers", "[name=booking]", "image"), "booking:v1")
    template = {**deployment["spec"]["template"], "metadata": {"labels": {"app": "booking"}}}
    template["spec"]["containers"][1]["ports"] = [{"name": "http", "containerPort": 8080}]
    service = {"spec": {"selector": {"app": "booking"}, "ports": [{"port": 80, "targetPort": "http"}]}}
    spec = {"kind": kind, "target": {"deployment": "booking"}, "duration": "30s"}
    deployment["spec"]["template"] = template
    assert "[name=booking]" in BREAKERS[kind](deployment, Fault.from_spec("trouble", spec), ENDS, [service]).path


def test_a_deployment_that_is_paused_would_roll_nothing_out() -> None:
    paused = write(write(DEPLOYMENT, ("spec", "paused"), True), ("metadata", "namespace"), "harbour")
    with pytest.raises(InputError, match="the Deployment booking is paused") as caught:
        planned("bad-image", paused)
    assert caught.value.help.hint == "kubectl -n harbour rollout resume deployment/booking"


def test_a_container_is_found_by_its_name_wherever_it_has_moved() -> None:
    plan = planned("bad-image")
    broken = plan.broken(DEPLOYMENT)
    assert broken is not None
    broken["spec"]["template"]["spec"]["containers"].reverse()
    restored = plan.restored(broken)
    assert restored is not None
    assert restored["spec"]["template"]["spec"]["containers"][1]["image"] == "wavetank.dev/booking:v1"


def test_a_container_that_is_gone_is_left_alone() -> None:
    plan = planned("bad-image")
    other = write(DEPLOYMENT, ("spec", "template", "spec", "containers"), [{"name": "other", "image": "a"}])
    assert plan.restored(other) is None
    assert not plan.is_on(other)


def test_a_selector_s_label_may_have_a_slash_in_it() -> None:
    plan = planned("selector-mismatch")
    assert plan.to_status()["path"] == "/spec/selector/app.kubernetes.io~1name"
    assert str(plan) == "/spec/selector/app.kubernetes.io~1name of Service booking"


def test_a_service_without_a_selector_cannot_mismatch() -> None:
    with pytest.raises(InputError, match="selects no pods"):
        planned("selector-mismatch", {**SERVICE, "spec": {"ports": SERVICE["spec"]["ports"]}})


def test_a_service_without_ports_cannot_have_a_wrong_one() -> None:
    with pytest.raises(InputError, match="Service booking has no ports"):
        planned("wrong-port", {**SERVICE, "spec": {"selector": {"app": "booking"}}})


def test_the_port_for_http_is_the_wrong_one_wherever_it_stands() -> None:
    ports = [{"name": "metrics", "port": 9090}, {"name": "http", "port": 80, "targetPort": "http"}]
    assert planned("wrong-port", write(SERVICE, ("spec", "ports"), ports)).path[2] == "[port=80]"


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"clusterIP": "None"}, "the Service booking is headless"), ({"selector": None}, "selects no pods")],
)
def test_where_a_target_port_means_nothing_it_cannot_be_wrong(spec: Obj, words: str) -> None:
    with pytest.raises(InputError, match=words):
        planned("wrong-port", {**SERVICE, "spec": {**SERVICE["spec"], **spec}})


def test_a_wrong_port_must_be_another_port() -> None:
    service = write(SERVICE, ("spec", "ports", "[port=80]", "targetPort"), 9999)
    with pytest.raises(InputError) as caught:
        planned("wrong-port", service)
    assert "points at port 9999 already" in caught.value.help.observed
    assert planned("wrong-port", service, port=9998).became == 9998


def test_a_stopped_node_carries_the_time_of_its_return() -> None:
    broken = planned("node-stop").broken(NODE)
    assert broken is not None
    assert broken["metadata"]["annotations"] == {POWER_OFF_UNTIL: "2026-11-23T17:40:30Z"}


def test_reading_where_nothing_is_finds_nothing() -> None:
    assert read(NODE, ("metadata", "annotations", "a")) is None
    assert read(SERVICE, ("spec", "ports", "[port=81]", "targetPort")) is None
