"""What learners break, where only a real cluster tells: who wins in the mesh, what is refused, who lets go of what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.support.mesh import KIND
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec, up
from wavetank.errors import ClusterError, KubeError, WaitTimeoutError
from wavetank.faults import Fault, emergency_stop, inject
from wavetank.faults.virtualservice import governing
from wavetank.kube import Kube, Obj
from wavetank.lesson import find_lab
from wavetank.lesson.restore import SECURITY, restore
from wavetank.lesson.rivals import budgets_of
from wavetank.observe.sync import heard
from wavetank.observe.wire import listen
from wavetank.traffic import Load, LoadRun, LoadStatus, Target, start_load
from wavetank.waves import let_operator_in

pytestmark = [pytest.mark.kind, pytest.mark.timeout(300)]

MANIFESTS = Path(__file__).parents[2] / "labs/tidewater/manifests"
OPERATOR = ("wavetank-operator", "wavetank-system")


def payment_with_helpers() -> list[Obj]:
    """Return Tidewater's payment with a logger before it in its pods, and a port before its own."""
    deployment, service = yaml.safe_load_all((MANIFESTS / "payment.yaml").read_text())
    (app,) = containers = deployment["spec"]["template"]["spec"]["containers"]
    app["ports"].insert(0, {"name": "metrics", "containerPort": 9090})
    shared = {part: app[part] for part in ("image", "imagePullPolicy", "resources", "securityContext")}
    serving = {"command": ["python3", "-m", "http.server", "9000"], "ports": [{"containerPort": 9000}]}
    containers.insert(0, {"name": "logger", **serving, **shared})
    return [deployment, service]


def fault(name: str, kind: str, target: Obj, duration: str = "60s", **parameters: float) -> Fault:
    spec = {"kind": kind, "target": target, "duration": duration, "parameters": parameters}
    return Fault.from_spec(name, spec)


def float_payment(kube: Kube, namespace: str, manifest: Path | list[Obj] = MANIFESTS / "payment.yaml") -> None:
    kube.apply(manifest, namespace=namespace)
    kube.rollout("payment", namespace, timeout=60)


def steady(name: str, service: str = "payment", port: int = 80) -> Load:
    return Load(name, Target(service, port, path="/version"), rate=5, duration=2)


def ended(run: LoadRun, within: float) -> LoadStatus:
    eventually(lambda: run.status().ended, f"the load {run.name} to end", within=within, every=0.2)
    return run.status()


def put(kube: Kube, kind: str, name: str, namespace: str, spec: Obj, version: str = "v1") -> Obj:
    metadata = {"name": name, "namespace": namespace}
    return kube.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture
def elsewhere(kube: Kube, namespace: str) -> Iterator[str]:
    """Another namespace beside the test's own."""
    name = f"{namespace}-b"
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    let_operator_in(kube, name)
    yield name
    kube.delete_object("Namespace", name)


def restarts(kube: Kube, namespace: str) -> dict[str, int]:
    counted = {"logger": 0, "payment": 0}
    for pod in kube.list("Pod", namespace, selector="app=payment"):
        for status in pod["status"].get("containerStatuses", []):
            counted[status["name"]] += status["restartCount"]
    return counted


def test_faults_find_the_application_behind_its_helpers(kube: Kube, namespace: str) -> None:
    float_payment(kube, namespace, payment_with_helpers())
    slow = inject(kube, fault("slow", "latency", {"service": "payment"}, ms=1500), namespace)
    status = slow.wait_active()
    assert (status.phase, len(status.affected)) == ("Active", 2), status.message
    began = time.monotonic()
    paid = kube.request("service:payment:80", "/payments", namespace, method="POST", body='{"amount": 12}')
    assert paid.status == 201
    assert time.monotonic() - began > 1
    assert slow.stop().phase == "Stopped"

    assert (
        inject(kube, fault("crash", "container-crash", {"deployment": "payment"}), namespace).wait_reverted().affected
    )
    eventually(
        lambda: restarts(kube, namespace) == {"logger": 0, "payment": 1}, "the application to restart", every=0.2
    )

    bad = inject(kube, fault("bad", "bad-image", {"deployment": "payment"}), namespace)
    bad.wait_active()
    template = kube.get("Deployment", "payment", namespace)["spec"]["template"]["spec"]["containers"]
    assert [one["image"].rpartition(":")[2] for one in template] == ["v1", "no-such-version"]
    bad.stop()


def test_a_headless_service_is_loaded_where_its_pods_listen(kube: Kube, namespace: str) -> None:
    float_payment(kube, namespace)
    ports = [{"name": name, "port": port, "targetPort": "http"} for name, port in (("http", 80), ("direct", 8080))]
    put(kube, "Service", "direct", namespace, {"clusterIP": "None", "selector": {"app": "payment"}, "ports": ports})
    with pytest.raises(KubeError, match="is headless, and its pods do not listen on 80"):
        start_load(kube, steady("past", "direct"), namespace)
    with pytest.raises(KubeError, match="is headless, so its target port sends nobody anywhere"):
        inject(kube, fault("port", "wrong-port", {"service": "direct"}), namespace)
    told = ended(start_load(kube, steady("there", "direct", 8080), namespace), within=30)
    assert (told.phase, told.failed) == ("Completed", 0), told.message


def test_two_budgets_for_a_pod_let_nobody_evict_it(kube: Kube, namespace: str) -> None:
    float_payment(kube, namespace)
    for name in ("one", "other"):
        budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "payment"}}}
        put(kube, "PodDisruptionBudget", name, namespace, budget, "policy/v1")
    pods = kube.list("Pod", namespace, selector="app=payment")
    assert budgets_of(kube, namespace, pods) == ["one", "other"]
    with pytest.raises(KubeError, match="more than one PodDisruptionBudget"):
        kube.evict(pods[0]["metadata"]["name"], namespace)


def test_what_refuses_our_pods_is_named_and_going_somewhere_takes_it_away(kube: Kube, namespace: str) -> None:
    lab = replace(find_lab("02-kubernetes"), namespace=namespace)
    restore(kube, lab, "dock")
    # As in the labs that listen on the wire, which are those with a mesh.
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {SECURITY: "privileged"}}})
    here = len(kube.list("Pod", namespace))
    put(kube, "LimitRange", "tight", namespace, {"limits": [{"type": "Container", "max": {"memory": "48Mi"}}]})
    told = ended(start_load(kube, steady("limited"), namespace), within=10)
    assert told.phase == "Failed"
    assert "maximum memory usage per Container is 48Mi" in told.message
    with pytest.raises(KubeError, match="a LimitRange in the namespace refuses the pod that would listen"):
        listen(kube, namespace, "payment", seconds=1)
    kube.delete_object("LimitRange", "tight", namespace)

    put(kube, "ResourceQuota", "small", namespace, {"hard": {"pods": f"{here - 1}"}})
    eventually(lambda: _counted(kube, namespace) == here, "the quota to count", every=0.2)
    told = ended(start_load(kube, steady("over"), namespace), within=10)
    assert told.phase == "Failed"
    assert "exceeded quota: small" in told.message
    assert "take the ResourceQuota small away" in told.message
    with pytest.raises(KubeError, match="a ResourceQuota small in the namespace"):
        listen(kube, namespace, "payment", seconds=1)

    for pod in kube.list("Pod", namespace):
        kube.delete_object("Pod", pod["metadata"]["name"], namespace, grace=0)
    eventually(lambda: _refused(kube, namespace), "a pod to be refused", within=20, every=0.2)
    began = time.monotonic()
    restore(kube, lab, "dock")
    assert time.monotonic() - began < 45
    assert kube.list("ResourceQuota", namespace) == []
    assert len(kube.list("Pod", namespace)) == here


def _counted(kube: Kube, namespace: str) -> int:
    used = kube.get("ResourceQuota", "small", namespace).get("status", {}).get("used", {})
    return int(used.get("pods", 0))


def _refused(kube: Kube, namespace: str) -> bool:
    conditions = [
        one for found in kube.list("ReplicaSet", namespace) for one in found.get("status", {}).get("conditions", ())
    ]
    return any(one["type"] == "ReplicaFailure" and one["status"] == "True" for one in conditions)


def test_without_an_operator_the_fault_that_holds_is_named_and_up_mends_it(
    kube: Kube, namespace: str, elsewhere: str, spec: ClusterSpec
) -> None:
    lab = replace(find_lab("02-kubernetes"), namespace=elsewhere)
    for place in (namespace, elsewhere):
        float_payment(kube, place)
    inject(kube, fault("lost", "wrong-port", {"service": "payment"}), namespace).wait_active()
    inject(kube, fault("slow", "latency", {"deployment": "payment"}), elsewhere).wait_active()
    try:
        kube.scale(*OPERATOR, 0)
        own = "app.kubernetes.io/name=wavetank-operator"
        eventually(lambda: not kube.list("Pod", OPERATOR[1], own), "the operator to be gone", within=30, every=0.2)
        kube.delete_object("Fault", "lost", namespace)
        kube.delete_object("Namespace", elsewhere)
        began = time.monotonic()
        with pytest.raises(ClusterError, match="nobody is there to end Fault/slow") as caught:
            restore(kube, lab, "dock")
        assert time.monotonic() - began < 20
        assert caught.value.help.hint.startswith("wavetank up")
        with pytest.raises(WaitTimeoutError) as stopped:
            emergency_stop(kube)
        assert f"Fault {elsewhere}/slow" in stopped.value.help.observed
        assert "has no pod that is ready" in stopped.value.help.observed
    finally:
        up(spec)
    for kind, name, place in (("Fault", "lost", namespace), ("Namespace", elsewhere, None)):
        kube.wait_for(kind, name, place, lambda one: one is None, timeout=60, waiting_for=f"{kind} {name} to go")
    assert kube.get("Service", "payment", namespace)["spec"]["ports"][0]["targetPort"] == "http", (
        "it was reverted first"
    )


ASK = """
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://payment/healthz", timeout=3).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError:
    print(0)
"""


def routes(name: str, namespace: str, host: str, status: int, **spec: object) -> Obj:
    """Return a VirtualService that answers by itself, so that who asks sees which one counts."""
    answer = [{"directResponse": {"status": status}}]
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": KIND[0],
        "kind": KIND[1],
        "metadata": metadata,
        "spec": {"hosts": [host], "http": answer} | spec,
    }


def test_of_two_virtual_services_the_one_that_istio_goes_by_is_known(
    kube: Kube, namespace: str, elsewhere: str
) -> None:
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": {"istio-injection": "enabled"}}})
    kube.apply(MANIFESTS / "timetable.yaml", namespace=namespace)
    kube.apply(MANIFESTS / "payment.yaml", namespace=namespace)
    kube.rollout("timetable", namespace, timeout=120)
    caller = kube.list("Pod", namespace, selector="app=timetable")[0]["metadata"]["name"]
    full, wild = f"payment.{namespace}.svc.cluster.local", f"*.{namespace}.svc.cluster.local"

    def answered() -> int:
        told = kube.exec(caller, namespace, ["python3", "-c", ASK], container="timetable")
        return int(told.stdout or 0)

    def first() -> str:
        return str(governing(kube.list(KIND), "payment", namespace)[0]["metadata"]["name"])

    def settle(status: int, name: str) -> None:
        assert first() == name
        eventually(lambda: answered() == status, f"sidecars to go by {name}", within=20, every=0.3)

    kube.create(routes("a-wild", elsewhere, wild, 421))
    settle(421, "a-wild")
    kube.create(routes("full", elsewhere, full, 422))
    settle(422, "full")
    with heard(kube):
        kube.create(routes("own", namespace, "payment", 423))  # younger, or of the same second and later by its name
    settle(422, "full")
    with pytest.raises(KubeError, match=f"by the VirtualService full in the namespace {elsewhere}"):
        inject(kube, fault("late", "mesh-delay", {"service": "payment"}), namespace)
    kube.patch(KIND, "own", namespace, {"spec": {"exportTo": ["."]}})
    settle(423, "own")
    kube.delete_object(KIND, "own", namespace)
    kube.delete_object(KIND, "full", elsewhere)
    settle(421, "a-wild")
