"""What only running pods show: why they are not ready, logs, exec, rollouts, eviction, requests through the proxy."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import Kube, PodTrouble, rollout_state

pytestmark = pytest.mark.kind

Obj = dict[str, Any]

IMAGE = "wavetank.dev/tidewater/web:v1"
SERVE = "import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()"
NEVER_READY = {"exec": {"command": ["python3", "-c", "raise SystemExit('low water')"]}, "periodSeconds": 1}
HUNGRY = "import time; print('filling', flush=True); held = bytearray(200 * 2**20); time.sleep(60)"


def container(code: str = SERVE, **parts: Any) -> Obj:
    return {"name": "main", "image": IMAGE, "command": ["python3", "-c", code], "workingDir": "/tmp", **parts}


def pod(name: str, *containers: Obj, **spec: Any) -> Obj:
    grace = {"terminationGracePeriodSeconds": 1}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {**grace, "containers": list(containers), **spec},
    }


def deployment(name: str, replicas: int, main: Obj, **spec: Any) -> Obj:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [main]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


CRASHING = "import sys; print('no such port: eighty', flush=True); sys.exit(2)"
TROUBLED = {
    "crash": (
        # Without a readiness probe it would count as ready for the moment that each of its starts lasts.
        pod("crash", container(CRASHING, readinessProbe=NEVER_READY)),
        "container main",
        "ended with exit code 2",
    ),
    "memory": (
        pod("memory", container(HUNGRY, resources={"limits": {"memory": "64Mi"}})),
        "container main",
        "killed for using more memory than its limit of 64Mi",
    ),
    "image": (
        pod("image", {"name": "main", "image": "wavetank.dev/none:v1"}),
        "container main: cannot pull the image wavetank.dev/none:v1",
        "",
    ),
    "config": (
        pod("config", container(envFrom=[{"configMapRef": {"name": "tides"}}])),
        "container main cannot be started",
        'configmap "tides" not found',
    ),
    "volume": (
        pod(
            "volume",
            container(volumeMounts=[{"name": "tides", "mountPath": "/tides"}]),
            volumes=[{"name": "tides", "secret": {"secretName": "tides"}}],
        ),
        "container main cannot be started",
        'secret "tides" not found',
    ),
    "cpu": (
        pod("cpu", container(resources={"requests": {"cpu": "500"}})),
        "no node takes it: 0/3 nodes are available",
        "Insufficient cpu",
    ),
    "unready": (
        pod("unready", container(readinessProbe=NEVER_READY)),
        "container main: its readiness probe fails",
        "low water",
    ),
}


@pytest.fixture(scope="module")
def harbour(kube: Kube) -> Iterator[str]:
    """A namespace in which every troubled pod gets into its trouble at the same time."""
    name = f"dev-kube-{uuid.uuid4().hex[:6]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.apply([obj for obj, _, _ in TROUBLED.values()], namespace=name)
    yield name
    kube.delete_object("Namespace", name)


@pytest.mark.parametrize("name", TROUBLED)
def test_a_pod_in_trouble_is_explained(kube: Kube, harbour: str, name: str) -> None:
    _, reason, detail = TROUBLED[name]
    told: list[PodTrouble] = []
    for _ in kube.watch("Event", harbour, fields=f"involvedObject.name={name}", timeout=40):
        told.append(kube.explain_pod(kube.get("Pod", name, harbour)))
        if reason in told[-1].reason and detail in told[-1].reason:
            break
    else:
        pytest.fail(f"wanted {reason!r} and {detail!r}; was told, in order: {[trouble.reason for trouble in told]}")
    if name == "crash":
        assert told[-1].logs == ("no such port: eighty",)
        assert told[-1].container == "main"


def test_waiting_for_a_pod_that_crashes_gives_its_last_words(kube: Kube, harbour: str) -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        kube.wait_for("Pod", "crash", harbour, "Ready", timeout=1)
    assert caught.value.help.logs == ("no such port: eighty",)
    assert "pod crash container main" in caught.value.help.observed


def test_a_running_pod_is_reached_by_every_way(kube: Kube, namespace: str) -> None:
    kube.apply(pod("web", container()), namespace=namespace)
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}, namespace=namespace)
    ready = kube.wait_for("Pod", "web", namespace, "Ready", timeout=30)
    assert kube.explain_pod(ready).reason == ""

    with pytest.raises(KubeError, match="not-there"):
        kube.exec("web", namespace, ["not-there"])
    with pytest.raises(NotFoundError, match='pods "booking" not found'):
        kube.exec("booking", namespace, ["python3"])

    kube.exec("web", namespace, ["python3", "-c", "open('tide.txt', 'w').write('high')"])
    assert kube.request("pod:web:8080", "/tide.txt?full=", namespace).text == "high"
    kube.wait_for(
        "EndpointSlice",
        "kubernetes.io/service-name=web",
        namespace,
        lambda s: bool(s and s.get("endpoints") and s["endpoints"][0]["conditions"]["ready"]),
        timeout=10,
    )
    answer = kube.request("service:web:80", "/absent", namespace)
    assert (answer.status, "text/html" in answer.headers["content-type"]) == (404, True)
    assert kube.request("pod:web:8080", "/", namespace, method="POST", body="x").status == 501


def test_logs_are_followed_until_the_container_ends(kube: Kube, namespace: str) -> None:
    code = "import time\nfor n in range(3): print('tide', n, flush=True); time.sleep(0.3)"
    kube.apply(pod("clock", container(code), restartPolicy="Never"), namespace=namespace)
    kube.wait_for("Pod", "clock", namespace, lambda p: p is not None and p["status"]["phase"] != "Pending", timeout=30)
    assert list(kube.follow_logs("clock", namespace)) == ["tide 0", "tide 1", "tide 2"]
    assert kube.logs("clock", namespace, tail=1) == "tide 2\n"
    with pytest.raises(KubeError, match="previous terminated container") as caught:
        kube.logs("clock", namespace, previous=True)
    assert caught.value.status == 400


def test_following_logs_ends_when_told_to(kube: Kube, namespace: str) -> None:
    kube.apply(pod("quiet", container("import time; print('one', flush=True); time.sleep(600)")), namespace=namespace)
    kube.wait_for("Pod", "quiet", namespace, "Ready", timeout=30)
    stop = threading.Event()
    lines = kube.follow_logs("quiet", namespace, stop=stop)
    assert next(lines) == "one"
    threading.Timer(0.3, stop.set).start()
    assert list(lines) == []


def test_a_rollout_goes_forward_stops_and_goes_back(kube: Kube, namespace: str) -> None:
    kube.apply(deployment("web", 2, container()), namespace=namespace)
    assert kube.rollout("web", namespace, timeout=60).updated == 2

    adrift = "import time; print('rudder lost', flush=True); time.sleep(600)"
    broken = container(adrift, readinessProbe=NEVER_READY)
    kube.apply(deployment("web", 2, broken, progressDeadlineSeconds=5), namespace=namespace)
    with pytest.raises(KubeError, match="the rollout of web has stopped: no progress for 5 s") as caught:
        kube.rollout("web", namespace, timeout=40)
    assert "container main: its readiness probe fails" in caught.value.help.observed
    assert caught.value.help.logs == ("rudder lost",)
    assert rollout_state(kube.get("Deployment", "web", namespace)).available == 2

    assert [revision.number for revision in kube.rollout_history("web", namespace)] == [1, 2]
    kube.rollout_undo("web", namespace)
    assert kube.rollout("web", namespace, timeout=60).revision == 3

    kube.rollout_restart("web", namespace)
    assert kube.rollout("web", namespace, timeout=60).revision == 4
    kube.scale("web", namespace, 1)
    assert kube.rollout("web", namespace, timeout=60).available == 1


def test_a_disruption_budget_refuses_an_eviction_at_once(kube: Kube, namespace: str) -> None:
    kube.apply(pod("web", container()), namespace=namespace)
    kube.wait_for("Pod", "web", namespace, "Ready", timeout=30)
    spec = {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}
    kube.apply(budget, namespace=namespace)
    kube.wait_for(
        "PodDisruptionBudget", "web", namespace, lambda b: bool(b and b["status"].get("observedGeneration")), timeout=10
    )
    with pytest.raises(KubeError, match="disruption budget") as caught:
        kube.evict("web", namespace)
    assert caught.value.status == 429
    kube.delete(budget, namespace=namespace)
    kube.evict("web", namespace)
    kube.wait_for("Pod", "web", namespace, lambda p: p is None, timeout=20, waiting_for="the evicted pod to go")
