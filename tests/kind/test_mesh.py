"""What Lab 3 says of a mesh, counted over real traffic on real Istio, as the tests of Istio's own tasks do.

The manifests are the lab's own. Each test says what is to happen, and leaves the namespace as it found it.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from wavetank.faults import Fault, Target, inject
from wavetank.kube import Kube
from wavetank.observe.sync import heard
from wavetank.traffic import Answers, Question, ask
from wavetank.waves import let_operator_in

pytestmark = pytest.mark.kind

LAB = Path(__file__).parents[2] / "labs/03-service-mesh"
NAMESPACE = "test-mesh"
WORKLOADS = ("web", "timetable-v1", "timetable-v2", "booking", "payment", "stranger")
SAILINGS = "http://timetable/sailings"
CREW = {"x-crew": "yes"}
DRAINED_WITHIN = 90.0  # seconds; a listener that is replaced keeps its connections for 45


class Mesh:
    """Tidewater Ferries in the mesh: two versions of timetable, and a stranger without a sidecar."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube

    def ask(self, url: str, frm: str = "web", **how: Any) -> Answers:
        return ask(self.kube, NAMESPACE, frm, Question(url, **how))

    def pay(self, frm: str, **how: Any) -> Answers:
        body = '{"amount": 12.5}'
        return self.ask("http://payment/payments", frm, method="POST", body=body, **how)

    @contextmanager
    def applied(self, *manifests: Path | str | dict[str, Any]) -> Iterator[None]:
        with heard(self.kube):
            for manifest in manifests:
                self.kube.apply(manifest, namespace=NAMESPACE)
        try:
            yield
        finally:
            for manifest in manifests:
                self.kube.delete(manifest, namespace=NAMESPACE)
            self.kube.apply(LAB / "manifests/timetable-subsets.yaml", namespace=NAMESPACE)
            self.heard(lambda: self.ask(SAILINGS, times=4, headers=CREW, timeout=1.5).share(timetable="v1") == 1)

    def heard(self, holds: Callable[[], bool], within: float = 60.0) -> None:
        """Wait until every sidecar behaves as just asked for: none of them tells when it does."""
        end = time.monotonic() + within
        while not holds():
            assert time.monotonic() < end, "the sidecars have not heard of it"
            time.sleep(0.3)

    def answered(self, **labels: str) -> int:
        """Return how many requests the pods with these labels say that they have answered, health and such aside."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        total = 0
        for pod in self.kube.list("Pod", NAMESPACE, selector=selector):
            text = self.kube.request(f"pod:{pod['metadata']['name']}:8080", "/metrics", NAMESPACE).text
            total += sum(int(count) for count in re.findall(r"^http_requests_total\{.*\} (\d+)$", text, re.MULTILINE))
        return total


@pytest.fixture(scope="module")
def mesh(kube: Kube) -> Iterator[Mesh]:
    labels = {"app.kubernetes.io/managed-by": "wavetank", "istio-injection": "enabled"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kube.delete(space, wait=90)
    kube.apply(space)
    let_operator_in(kube, NAMESPACE)
    kube.apply(LAB / "manifests", namespace=NAMESPACE)
    for workload in WORKLOADS:
        kube.rollout(workload, NAMESPACE, timeout=120)
    made = Mesh(kube)
    made.heard(lambda: made.ask(SAILINGS, times=10).share(timetable="v1") == 1)
    yield made
    kube.delete(space)


def virtual_service(*http: dict[str, Any], host: str = "timetable", name: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name or host},
        "spec": {"hosts": [host], "http": list(http)},
    }


def to(subset: str, weight: int = 100, host: str = "timetable") -> dict[str, Any]:
    return {"destination": {"host": host, "subset": subset}, "weight": weight}


def policy(app: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": app},
        "spec": {"selector": {"matchLabels": {"app": app}}, "action": "ALLOW", "rules": list(rules)},
    }


@contextmanager
def switched_on(mesh: Mesh, deployment: str, kind: str, parameters: dict[str, float]) -> Iterator[None]:
    fault = Fault(f"test-{kind}", kind, Target("deployment", deployment), 60, parameters)
    run = inject(mesh.kube, fault, NAMESPACE)
    try:
        yield
    finally:
        run.stop()


def test_one_in_ten_goes_to_the_new_version(mesh: Mesh) -> None:
    asked, share = 600, 0.1
    with mesh.applied(virtual_service({"route": [to("v1", 90), to("v2", 10)]})):
        mesh.heard(lambda: mesh.ask(SAILINGS, times=60, at_once=4).share(timetable="v2") > 0)
        answers = mesh.ask(SAILINGS, times=asked, at_once=4)
    assert answers.statuses == {200: asked}
    five_sigma = 5 * math.sqrt(share * (1 - share) / asked)
    assert answers.share(timetable="v2") == pytest.approx(share, abs=five_sigma)


def test_a_header_decides_for_every_single_request(mesh: Mesh) -> None:
    crew = {"match": [{"headers": {"x-crew": {"exact": "yes"}}}], "route": [to("v2")]}
    with mesh.applied(virtual_service(crew, {"route": [to("v1")]})):
        mesh.heard(lambda: mesh.ask(SAILINGS, times=10, headers=CREW).share(timetable="v2") == 1)
        assert mesh.ask(SAILINGS, times=50, headers=CREW).counted("timetable") == {"v2": 50}
        assert mesh.ask(SAILINGS, times=50).counted("timetable") == {"v1": 50}
        assert mesh.ask(SAILINGS, times=50, headers={"x-crew": "no"}).counted("timetable") == {"v1": 50}


def test_a_delay_is_for_the_chosen_header_alone(mesh: Mesh) -> None:
    with mesh.applied(LAB / "material/delay-for-the-crew.yaml"):
        mesh.heard(lambda: mesh.ask(SAILINGS, headers=CREW)[0].seconds > 1)
        crew, others = mesh.ask(SAILINGS, times=4, headers=CREW), mesh.ask(SAILINGS, times=30)
    assert (crew.statuses, others.statuses) == ({200: 4}, {200: 30})
    assert all(2.0 <= seconds < 3.0 for seconds in crew.seconds)
    assert max(others.seconds) < 1.0


def test_a_timeout_ends_a_wait_at_its_value(mesh: Mesh) -> None:
    with (
        mesh.applied(LAB / "material/timeout.yaml"),
        switched_on(mesh, "timetable-v1", "latency", {"ms": 2000}),
    ):
        mesh.heard(lambda: mesh.ask(SAILINGS)[0].status == 504)
        answers = mesh.ask(SAILINGS, times=6)
    assert answers.statuses == {504: 6}
    # Not early, but for a proxy's clock, which stands still while it is at work, and never as late as the server.
    # Looking up a name on a busy machine takes its time, too.
    assert min(answers.seconds) >= 0.49
    assert median(answers.seconds) < 0.9
    assert max(answers.seconds) < 2.0


def test_retries_are_counted_at_the_server(mesh: Mesh) -> None:
    retries = {"attempts": 2, "retryOn": "5xx", "perTryTimeout": "2s"}
    with (
        switched_on(mesh, "timetable-v2", "errors", {"share": 1, "status": 500}),
        mesh.applied(virtual_service({"route": [to("v2")], "retries": retries})),
    ):
        mesh.heard(lambda: mesh.ask(SAILINGS)[0].status == 500)
        before = mesh.answered(app="timetable", version="v2")
        answers = mesh.ask(SAILINGS, times=10)
        assert answers.statuses == {500: 10}
        assert mesh.answered(app="timetable", version="v2") - before == 30


def test_a_full_pool_lets_some_through_and_refuses_some(mesh: Mesh) -> None:
    with mesh.applied(LAB / "material/pool.yaml"):
        mesh.heard(lambda: mesh.pay("booking", times=30, at_once=3).share(status=503) > 0)
        before = mesh.answered(app="payment")
        answers = mesh.pay("booking", times=60, at_once=3)
        assert set(answers.statuses) == {201, 503}
        assert mesh.answered(app="payment") - before == answers.statuses[201]
    assert mesh.pay("booking", times=10, at_once=3).statuses == {201: 10}


def test_a_pod_that_only_answers_with_errors_is_left_alone(mesh: Mesh) -> None:
    with (
        mesh.applied(LAB.parents[1] / "solutions/03-service-mesh/exercises/breaker.yaml"),
        switched_on(mesh, "payment", "errors", {"share": 1, "status": 500, "pods": 1}),
    ):
        mesh.heard(lambda: mesh.pay("booking", times=20).share(status=201) == 1)
        assert mesh.pay("booking", times=40).statuses == {201: 40}


def test_more_than_the_rate_is_told_to_wait(mesh: Mesh) -> None:
    """Ten tokens in ten seconds, in each of two pods: of sixty within a moment, twenty, and what was refilled."""
    with mesh.applied(LAB / "material/rate-limit.yaml"):
        mesh.heard(lambda: mesh.ask(SAILINGS, times=40, at_once=4).share(status=429) > 0)
        time.sleep(10.5)  # until both buckets are full again: nothing tells
        began = time.monotonic()
        answers = mesh.ask(SAILINGS, times=60, at_once=4)
        refills = math.ceil((time.monotonic() - began) / 10)
    assert set(answers.statuses) == {200, 429}
    assert 10 < answers.statuses[200] <= 20 + 20 * refills
    mesh.heard(lambda: mesh.ask(SAILINGS, times=60, at_once=4).share(status=200) == 1, within=DRAINED_WITHIN)


def test_strict_mtls_refuses_the_stranger_and_nobody_else(mesh: Mesh) -> None:
    assert mesh.ask(SAILINGS, "stranger", times=3).statuses == {200: 3}
    with mesh.applied(LAB / "material/strict.yaml"):
        mesh.heard(lambda: mesh.ask(SAILINGS, "stranger", timeout=2)[0].status == 0)
        refused = mesh.ask(SAILINGS, "stranger", times=5)
        assert refused.statuses == {0: 5}
        assert "reset" in refused[0].error
        # Connections of before are closed first.
        mesh.heard(lambda: mesh.ask(SAILINGS, times=20, at_once=4).statuses == {200: 20}, within=DRAINED_WITHIN)
        assert mesh.ask(SAILINGS, times=20).statuses == {200: 20}


def test_who_may_call_is_decided_by_identity(mesh: Mesh) -> None:
    principal = f"cluster.local/ns/{NAMESPACE}/sa/booking"
    rule = {
        "from": [{"source": {"principals": [principal]}}],
        "to": [{"operation": {"methods": ["POST"], "paths": ["/payments"]}}],
    }
    with mesh.applied(policy("payment", rule)):
        mesh.heard(lambda: mesh.pay("web")[0].status == 403)
        assert mesh.pay("booking", times=10).statuses == {201: 10}
        assert mesh.pay("web", times=10).statuses == {403: 10}
        assert mesh.pay("stranger", times=5).statuses == {403: 5}
        assert mesh.ask("http://payment/version", "booking", times=5).statuses == {403: 5}
    mesh.heard(lambda: mesh.pay("web", times=4).share(status=201) == 1)


def test_a_mirror_gets_every_request_and_its_answers_reach_nobody(mesh: Mesh) -> None:
    with (
        switched_on(mesh, "timetable-v2", "errors", {"share": 1, "status": 500}),
        mesh.applied(LAB / "material/mirror.yaml"),
    ):
        idle = mesh.answered(app="timetable", version="v2")
        mesh.heard(lambda: bool(mesh.ask(SAILINGS)) and mesh.answered(app="timetable", version="v2") > idle)
        before = mesh.answered(app="timetable", version="v2")
        answers = mesh.ask(SAILINGS, times=40)
        assert (answers.statuses, answers.counted("timetable")) == ({200: 40}, {"v1": 40})
        mesh.heard(lambda: mesh.answered(app="timetable", version="v2") - before == 40)


def test_traffic_goes_on_without_istiod(mesh: Mesh) -> None:
    """The sidecars know what they know; only what is new has to wait."""
    answers: list[Answers] = []
    asking = threading.Thread(target=lambda: answers.append(mesh.ask(SAILINGS, times=900, at_once=2, timeout=2)))
    asking.start()
    for pod in mesh.kube.list("Pod", "istio-system", selector="app=istiod"):
        mesh.kube.delete_object("Pod", pod["metadata"]["name"], "istio-system", grace=0)
    asking.join(90)
    assert answers[0].statuses == {200: 900}
    mesh.kube.rollout("istiod", "istio-system", timeout=90)
    with mesh.applied(virtual_service({"route": [to("v2")]})):
        mesh.heard(lambda: mesh.ask(SAILINGS, times=5).share(timetable="v2") == 1)


def test_the_gateway_lets_in_whom_a_route_is_for(mesh: Mesh) -> None:
    def through(host: str) -> int:
        door = "service:istio-ingressgateway:80"
        return mesh.kube.request(door, "/api/sailings", "istio-system", headers={"Host": host}).status

    with mesh.applied(LAB / "material/gateway.yaml"):
        mesh.heard(lambda: through("tidewater.example") == 200)
        assert through("elsewhere.example") == 404
