"""What the topology says is the truth: it counts as the services themselves do, and knows what was encrypted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wavetank.kube import Kube
from wavetank.observe import watch
from wavetank.traffic import Load, Question, Target, ask, start_load

pytestmark = pytest.mark.kind

LAB = Path(__file__).parents[2] / "labs/03-service-mesh"
WORKLOADS = ("web", "timetable-v1", "booking", "payment", "stranger")
CALLS = re.compile(r'^http_calls_total\{.*to="([^"]+)",outcome="[^"]*"\} (\d+)$', re.MULTILINE)
EVERY_NOW = {"Connection": "close"}


@pytest.fixture
def floated(kube: Kube, namespace: str) -> str:
    """Float the application in the mesh, and a stranger beside it; their namespace."""
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {"istio-injection": "enabled"}}})
    for name in ("web", "timetable", "booking", "payment", "stranger"):
        kube.apply(LAB / f"manifests/{name}.yaml", namespace=namespace)
    for workload in WORKLOADS:
        kube.rollout(workload, namespace, timeout=120)
    return namespace


def called(kube: Kube, namespace: str, app: str) -> dict[str, int]:
    """Return how often the pods of ``app`` say that they have called whom."""
    calls: dict[str, int] = {}
    for pod in kube.list("Pod", namespace, selector=f"app={app}"):
        text = kube.request(f"pod:{pod['metadata']['name']}:8080", "/metrics", namespace).text
        for host, count in CALLS.findall(text):
            calls[host] = calls.get(host, 0) + int(count)
    return calls


def test_it_counts_what_the_services_count_and_knows_what_was_encrypted(kube: Kube, floated: str) -> None:
    ask(kube, floated, "web", Question("http://timetable/sailings", times=2))  # so that every sidecar knows the way
    before = {app: called(kube, floated, app) for app in ("web", "booking")}
    mesh = watch(kube, floated)
    look = Load("look", Target("web", path="/api/sailings", headers=EVERY_NOW), rate=20, duration=10)
    book = Load(
        "book",
        Target("web", path="/api/bookings", method="POST", headers=EVERY_NOW, body='{"sailing": "T1"}'),
        rate=10,
        duration=10,
    )
    for run in [start_load(kube, load, floated) for load in (look, book)]:
        assert run.summary().failed == 0
    ask(kube, floated, "stranger", Question("http://payment/version", times=7))
    seen = mesh.since_mark()
    for caller, host, node in (
        ("web", "timetable", "timetable-v1"),
        ("web", "booking", "booking"),
        ("booking", "payment", "payment"),
    ):
        edge = seen.edge(caller, node)
        assert edge is not None, f"{caller} -> {node} is missing in {seen!r}"
        truth = called(kube, floated, caller)[host] - before[caller].get(host, 0)
        assert truth >= 100
        assert edge.signals.requests == pytest.approx(truth, rel=0.01)
        assert edge.signals.mtls == "mTLS"
    (stranger,) = [edge for edge in seen.edges if edge.source == "without sidecar"]
    assert (stranger.target, stranger.signals.requests, stranger.signals.mtls) == ("payment", 7, "plaintext")
