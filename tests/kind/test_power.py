"""A worker loses its power: how soon the cluster sees it, and that it always comes back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec, Provider
from wavetank.engine import connect
from wavetank.kube import Kube, Obj
from wavetank.kube.power import POWER_OFF_UNTIL

pytestmark = pytest.mark.kind


def is_ready(node: Obj | None) -> bool:
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_not_ready(node: Obj | None) -> bool:
    return node is not None and not is_ready(node)


def state(provider: Provider, spec: ClusterSpec, name: str) -> str:
    return next(node.state for node in provider.nodes(spec.name) if node.name == name)


def power_off(kube: Kube, node: str, seconds: float) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    kube.patch("Node", node, None, {"metadata": {"annotations": {POWER_OFF_UNTIL: until}}})


def power_on(kube: Kube, node: str) -> None:
    kube.patch("Node", node, None, {"metadata": {"annotations": {POWER_OFF_UNTIL: None}}})


@pytest.fixture
def worker(kube: Kube, spec: ClusterSpec, provider: Provider) -> str:
    return spec.worker_names[-1]


def test_a_stopped_node_is_not_ready_within_seconds_and_comes_back_by_itself(
    kube: Kube, spec: ClusterSpec, provider: Provider, worker: str, record_property: pytest.RecordProperty
) -> None:
    began = time.monotonic()
    power_off(kube, worker, 20)
    kube.wait_for("Node", worker, None, is_not_ready, timeout=18, waiting_for=f"{worker} to be NotReady")
    noticed = time.monotonic() - began
    assert state(provider, spec, worker) == "paused"
    kube.wait_for("Node", worker, None, is_ready, timeout=40, waiting_for=f"{worker} to be Ready again")
    back = time.monotonic() - began
    record_property("NotReady after (s)", round(noticed, 1))
    record_property("Ready again after (s)", round(back, 1))
    power_on(kube, worker)
    assert noticed < 15
    assert 20 <= back < 30


def test_taking_the_wish_back_brings_the_node_back_at_once(
    kube: Kube, spec: ClusterSpec, provider: Provider, worker: str
) -> None:
    power_off(kube, worker, 60)
    eventually(lambda: state(provider, spec, worker) == "paused", "the node to stop", within=5)
    power_on(kube, worker)
    eventually(lambda: state(provider, spec, worker) == "running", "the node to come back", within=5)
    kube.wait_for("Node", worker, None, is_ready, timeout=30)


def test_an_agent_that_was_killed_brings_back_what_it_had_stopped(
    kube: Kube, spec: ClusterSpec, provider: Provider, worker: str
) -> None:
    power_off(kube, worker, 10)
    eventually(lambda: state(provider, spec, worker) == "paused", "the node to stop", within=5)
    connect().containers.get(f"{spec.name}-power").restart(timeout=0)
    eventually(lambda: state(provider, spec, worker) == "running", "the node to come back", within=30)
    power_on(kube, worker)
    kube.wait_for("Node", worker, None, is_ready, timeout=30)


def test_the_control_plane_is_never_stopped(kube: Kube, spec: ClusterSpec, provider: Provider, worker: str) -> None:
    power_off(kube, spec.control_plane, 30)
    power_off(kube, worker, 3)  # once the agent has done this later wish, it has seen the first
    eventually(lambda: state(provider, spec, worker) == "paused", "the worker to stop", within=5)
    assert state(provider, spec, spec.control_plane) == "running"
    eventually(lambda: state(provider, spec, worker) == "running", "the worker to come back", within=10)
    for node in (spec.control_plane, worker):
        power_on(kube, node)
    kube.wait_for("Node", worker, None, is_ready, timeout=30)
