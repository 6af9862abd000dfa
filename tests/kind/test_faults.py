"""Every kind of fault on a real cluster: injected, seen, ended by itself, put back to the last byte."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import eventually

from wavetank.errors import KubeError
from wavetank.faults import Fault, FaultRun, inject
from wavetank.faults.switch import PORT, switch_target
from wavetank.kube import Kube, Obj

pytestmark = pytest.mark.kind

PAYMENT = Path(__file__).parents[2] / "labs/tidewater/manifests/payment.yaml"
BOOKING = {"name": "Mary", "sailing": "1"}


@pytest.fixture
def payment(kube: Kube, namespace: str) -> str:
    """Float the payment service, which needs no other; its namespace."""
    kube.apply(PAYMENT, namespace=namespace)
    kube.rollout("payment", namespace, timeout=60)
    return namespace


class Seen:
    """The payment service as its callers and its cluster see it."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    def pods(self) -> list[Obj]:
        return self.kube.list("Pod", self.namespace, selector="app=payment")

    def waiting(self) -> set[str]:
        statuses = [status for pod in self.pods() for status in pod["status"].get("containerStatuses", [])]
        return {status["state"].get("waiting", {}).get("reason", "") for status in statuses}

    def restarts(self) -> int:
        statuses = [status for pod in self.pods() for status in pod["status"].get("containerStatuses", [])]
        return sum(status["restartCount"] for status in statuses)

    def last_ends(self) -> set[str]:
        statuses = [status for pod in self.pods() for status in pod["status"].get("containerStatuses", [])]
        return {status.get("lastState", {}).get("terminated", {}).get("reason", "") for status in statuses}

    def ready(self) -> int:
        conditions = [one for pod in self.pods() for one in pod["status"].get("conditions", [])]
        return sum(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def answer(self) -> int:
        """Return the status a payment is answered with, 0 when nobody answers."""
        with suppress(KubeError):
            return self.kube.request(
                "service:payment:80", "/payments", self.namespace, method="POST", body='{"amount": 12}', timeout=3
            ).status
        return 0

    def seconds(self) -> float:
        started = time.monotonic()
        self.answer()
        return time.monotonic() - started

    def burners(self) -> int:
        """Return how many processes burn in the pods."""
        script = (
            "import glob;print(sum(b'clock_gettime' in open(f,'rb').read() for f in glob.glob('/proc/[0-9]*/cmdline')))"
        )
        found = 0
        for pod in self.pods():
            told = self.kube.exec(pod["metadata"]["name"], self.namespace, ["python3", "-c", script]).stdout
            found += int(told) - 1  # the script itself has the word in its command line too
        return found

    def ready_endpoints(self) -> int:
        slices = self.kube.list("EndpointSlice", self.namespace, selector="kubernetes.io/service-name=payment")
        endpoints = [endpoint for one in slices for endpoint in one.get("endpoints") or []]
        return sum(bool(endpoint["conditions"].get("ready")) for endpoint in endpoints)


Condition = Callable[[Seen], bool]
CASES: list[Any] = [
    pytest.param("latency", {"deployment": "payment"}, {"ms": 700}, lambda seen: seen.seconds() > 0.7, id="latency"),
    pytest.param(
        "errors",
        {"service": "payment"},
        {"share": 1, "status": 599},
        lambda seen: seen.answer() == 599,
        id="errors",
    ),
    pytest.param("cpu-burn", {"selector": {"app": "payment"}}, {}, lambda seen: seen.burners() == 2, id="cpu-burn"),
    pytest.param(
        "memory-leak",
        {"deployment": "payment"},
        {"mibPerSecond": 256, "limitMib": 1024},
        lambda seen: "OOMKilled" in seen.last_ends(),
        id="memory-leak",
    ),
    pytest.param(
        "unready", {"deployment": "payment"}, {}, lambda seen: seen.ready() == 0 and seen.restarts() == 0, id="unready"
    ),
    pytest.param(
        "bad-image",
        {"deployment": "payment"},
        {},
        lambda seen: bool(seen.waiting() & {"ErrImagePull", "ImagePullBackOff"}),
        id="bad-image",
    ),
    pytest.param(
        "config-missing",
        {"deployment": "payment"},
        {},
        lambda seen: "CreateContainerConfigError" in seen.waiting(),
        id="config-missing",
    ),
    pytest.param(
        "selector-mismatch",
        {"service": "payment"},
        {},
        lambda seen: seen.ready_endpoints() == 0 and seen.ready() == 2,
        id="selector-mismatch",
    ),
    pytest.param("wrong-port", {"service": "payment"}, {}, lambda seen: seen.answer() in (0, 503), id="wrong-port"),
]


def trouble(kind: str, target: Obj, duration: str, **parameters: float) -> Fault:
    spec = {"kind": kind, "target": target, "duration": duration, "parameters": parameters}
    return Fault.from_spec("trouble", spec)


def specs(kube: Kube, namespace: str) -> list[Any]:
    """Return what a person would have written of the service, as the API stores it now."""
    objs = [kube.get(kind, "payment", namespace) for kind in ("Deployment", "Service")]
    return [(obj["spec"], obj["metadata"].get("labels")) for obj in objs]


@pytest.mark.parametrize(("kind", "target", "parameters", "is_seen"), CASES)
def test_it_is_seen_ends_by_itself_and_is_put_back(
    kube: Kube, payment: str, kind: str, target: Obj, parameters: dict[str, float], is_seen: Condition
) -> None:
    before, seen = specs(kube, payment), Seen(kube, payment)
    assert not is_seen(seen)
    run = inject(kube, trouble(kind, target, "12s", **parameters), payment)
    status = run.wait_active()
    assert status.phase == "Active", status.message
    eventually(lambda: is_seen(seen), f"{kind} to be seen", within=11)
    ended = run.wait_reverted()
    assert ended.phase == "Reverted", ended.message
    assert ended.ends_at is not None
    assert specs(kube, payment) == before
    if kind != "memory-leak":  # what was killed has been killed
        eventually(lambda: not is_seen(seen), f"{kind} to be gone", within=30)
    kube.rollout("payment", payment, timeout=60)
    eventually(lambda: seen.answer() == 201, "payments to be taken again", within=30)


@pytest.mark.parametrize("grace", [0, 5])
def test_a_killed_pod_is_replaced(kube: Kube, payment: str, grace: int) -> None:
    run = inject(kube, trouble("pod-kill", {"service": "payment"}, "20s", graceSeconds=grace), payment)
    status = run.wait_reverted()
    assert status.phase == "Reverted", status.message
    (killed,) = status.affected
    kube.wait_for("Pod", killed, payment, lambda pod: pod is None, timeout=20, waiting_for="the killed pod to be gone")
    assert kube.rollout("payment", payment, timeout=60).ready == 2


def test_a_crashed_container_is_started_again_in_the_same_pod(kube: Kube, payment: str) -> None:
    seen = Seen(kube, payment)
    names = {pod["metadata"]["name"] for pod in seen.pods()}
    status = inject(kube, trouble("container-crash", {"deployment": "payment"}, "20s", pods=2), payment).wait_reverted()
    assert set(status.affected) == names
    eventually(lambda: seen.restarts() == 2 and seen.ready() == 2, "both containers to be started again", within=40)
    assert {pod["metadata"]["name"] for pod in seen.pods()} == names


def test_trouble_in_the_application_reaches_pods_that_appear_later(kube: Kube, payment: str) -> None:
    run = inject(kube, trouble("errors", {"deployment": "payment"}, "60s", share=1), payment)
    run.wait_active()
    kube.scale("payment", payment, 3)
    eventually(lambda: len(run.status().affected) == 3, "the third pod to be hit", within=20)
    assert run.stop().phase == "Stopped"
    assert {Seen(kube, payment).answer() for _ in range(12)} == {201}


def test_a_learner_s_repair_is_never_overwritten(kube: Kube, payment: str) -> None:
    run = inject(kube, trouble("bad-image", {"deployment": "payment"}, "6s"), payment)
    run.wait_active()
    container = {"name": "payment", "image": "wavetank.dev/tidewater/payment:mended"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kube.patch("Deployment", "payment", payment, patch, type="strategic")
    status = run.wait_reverted()
    assert "somebody's change stays" in status.message
    containers = kube.get("Deployment", "payment", payment)["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == container["image"]


def test_a_stopped_node_comes_back_by_itself(kube: Kube, namespace: str) -> None:
    name = "wavetank-worker2"
    before = kube.get("Node", name)["metadata"]["annotations"]
    run: FaultRun = inject(kube, trouble("node-stop", {"node": name}, "20s"), namespace)
    kube.wait_for("Node", name, None, lambda node: not _is_ready(node), timeout=19, waiting_for="the node to be lost")
    status = run.wait_reverted()
    assert status.phase == "Reverted", status.message
    assert kube.get("Node", name)["metadata"]["annotations"] == before
    kube.wait_for("Node", name, None, "Ready", timeout=30)


def _is_ready(node: Obj | None) -> bool:
    assert node is not None
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])


def test_the_fault_switch_is_reached_from_within_the_pod_and_by_no_other_way(payment: str, kube: Kube) -> None:
    pod = kube.list("Pod", payment, selector="app=payment")[0]
    assert kube.request(switch_target(pod), "/faults", payment).json() == {"faults": []}
    assert kube.request("service:payment:80", "/faults", payment).status == 404
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    answers = []
    for host in ("127.0.0.1", address):
        asking = f"import socket; socket.create_connection(({host!r}, {PORT}), 2)"
        answers.append(kube.exec(name, payment, ["python3", "-c", asking]).exit_code)
    assert answers == [0, 1]
