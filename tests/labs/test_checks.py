"""Lab 2's own Python checks, against the tests' API server: what they accept, and what they do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer

from wavetank.kube import Kube
from wavetank.lesson import Bench, find_lab
from wavetank.lesson.escape import lab_function

LAB = find_lab("02-kubernetes")
NAMESPACE = LAB.namespace


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield server


@pytest.fixture
def bench(api: ApiServer, tmp_path: Path) -> Iterator[Bench]:
    with Bench(lambda: Kube.connect(api.kubeconfig(tmp_path)), LAB) as bench:
        yield bench


def two_ready_pods(api: ApiServer) -> None:
    for name in ("web-1", "web-2"):
        api.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "web"}},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
        )


COUNTED = {"observedGeneration": 1}
"""What a budget's controller notes when it has counted its pods."""


def budget(api: ApiServer, *, allowed: int, replaced: bool = True) -> None:
    """A budget that allows so many evictions, one less after each; when pods are ``replaced``, one more after that."""
    resource = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": allowed, **COUNTED},
    }
    api.put(resource)

    def count(by: int) -> None:
        resource["status"]["disruptionsAllowed"] += by
        api.put(resource)

    def count_down(change: str, obj: dict) -> None:
        if change == "DELETED" and obj["kind"] == "Pod":
            count(-1)
            if replaced:
                replacements.append(threading.Timer(0.3, count, [1]))
                replacements[-1].start()

    replacements: list[threading.Timer] = []
    api.on_write(count_down)


@pytest.fixture
def hurried(bench, monkeypatch):
    """Nothing is waited for longer than a second."""
    until = bench.until
    monkeypatch.setattr(bench, "until", lambda kind, holds, within, **more: until(kind, holds, min(within, 1), **more))


@pytest.mark.parametrize(("allowed", "passes"), [(0, False), (1, True), (2, False)])
def test_a_drain_may_take_some_pods_but_neither_none_nor_all(api, bench, allowed, passes):
    two_ready_pods(api)
    budget(api, allowed=allowed)
    result = lab_function(LAB.folder, "checks:evictions_take_turns")(bench)
    assert result.passed is passes
    assert f"{allowed} may and {2 - allowed} must wait" in result.saw


def test_a_drain_that_waits_for_ever_is_held_up(api, bench, hurried):
    two_ready_pods(api)
    budget(api, allowed=1, replaced=False)
    result = lab_function(LAB.folder, "checks:evictions_take_turns")(bench)
    assert not result.passed
    assert "still has to" in result.saw


@pytest.mark.parametrize("selector", [{"matchLabels": {"app": "web"}}, {}])
def test_two_budgets_for_the_same_pods_are_named_and_nothing_is_evicted(api, bench, selector):
    two_ready_pods(api)
    budget(api, allowed=1)
    second = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "spec": {"selector": selector},
        "status": COUNTED,
    }
    api.put({**second, "metadata": {"name": "mine", "namespace": NAMESPACE}})
    result = lab_function(LAB.folder, "checks:evictions_take_turns")(bench)
    assert not result.passed
    assert result.saw == "mine and web are both for web's pods"
    assert len(api.objects("Pod", NAMESPACE)) == 2


def test_a_budget_of_others_is_no_rival(api, bench):
    two_ready_pods(api)
    budget(api, allowed=1)
    other = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "o", "namespace": NAMESPACE},
        "status": COUNTED,
    }
    api.put({**other, "spec": {"selector": {"matchLabels": {"app": "booking"}}}})
    assert lab_function(LAB.folder, "checks:evictions_take_turns")(bench).passed


def test_without_a_pod_that_is_ready_there_is_nothing_to_drain(bench):
    assert not lab_function(LAB.folder, "checks:evictions_take_turns")(bench).passed


def test_a_service_without_an_autoscaler_is_named_before_any_load_is_sent(api, bench):
    api.put(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "mine", "namespace": NAMESPACE},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        }
    )
    result = lab_function(LAB.folder, "scaling:grow_and_shrink")(bench)
    assert not result.passed
    assert result.saw == "nothing scales booking"


def test_two_autoscalers_of_one_deployment_are_named_before_any_load_is_sent(api, bench):
    for name, target in (("one", "web"), ("other", "web"), ("booking", "booking")):
        metadata = {"name": name, "namespace": NAMESPACE}
        scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
        api.put({**scaler, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}}})
    result = lab_function(LAB.folder, "scaling:grow_and_shrink")(bench)
    assert not result.passed
    assert result.saw == "web is scaled by one and other, each undoing what the other does"


@pytest.mark.parametrize(("shown", "when"), [("Fog.", "at once"), ("Sun.", "with new pods")])
def test_the_notice_shown_is_held_against_the_one_configured(api, bench, shown, when):
    api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE}})
    api.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "data": {"NOTICE": "Fog."},
        }
    )
    api.answer("service:web:80", lambda request: (200, {}, b'{"notice": "%s"}' % shown.encode()), NAMESPACE)
    assert lab_function(LAB.folder, "checks:when_the_notice_is_shown")(bench) == when


def scalers(api: ApiServer, **of_web: object) -> None:
    """The autoscalers of the solution, but for what is said of web's."""
    for name, most, resource, percent in (("web", 5, "cpu", 60), ("booking", 4, "memory", 70)):
        target = {"type": "Utilization", "averageUtilization": percent}
        spec = {
            "scaleTargetRef": {"kind": "Deployment", "name": name},
            "minReplicas": 2,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": resource, "target": target}}],
        }
        metadata = {"name": name, "namespace": NAMESPACE}
        scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
        api.put({**scaler, "spec": {**spec, **(of_web if name == "web" else {})}})


@pytest.mark.parametrize(
    ("of_web", "saw", "expected"),
    [
        ({"maxReplicas": 8}, "keeps between 2 and 8 pods", "between 2 and 5"),
        ({"minReplicas": 1}, "keeps between 1 and 5 pods", "between 2 and 5"),
        ({"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}, "may never shrink", "one that may"),
        ({"behavior": {"scaleDown": {"stabilizationWindowSeconds": 3600}}}, "for 3600 s", "at most 300 s"),
        ({"metrics": []}, "holds no share", "60 % of the cpu"),
    ],
)
def test_what_an_autoscaler_asks_for_is_told_before_any_load_is_sent(api, bench, of_web, saw, expected):
    """The server here knows no Load: one that was sent would be refused."""
    scalers(api, **of_web)
    result = lab_function(LAB.folder, "scaling:grow_and_shrink")(bench)
    assert not result.passed
    assert saw in result.saw
    assert expected in result.expected


@pytest.mark.parametrize(
    ("delivery", "seconds"),
    [
        ({}, 0.0),
        ({"retry": 3, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}, 2.8),
        ({"retry": 5, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}, 12.4),
        ({"retry": 3, "backoffPolicy": "linear", "backoffDelay": "PT1M2S"}, 372.0),
    ],
)
def test_events_are_waited_for_as_long_as_their_delivery_asks(delivery, seconds):
    waits = lab_function(find_lab("04-serverless").folder, "checks:_waits")
    assert waits(delivery) == pytest.approx(seconds)
