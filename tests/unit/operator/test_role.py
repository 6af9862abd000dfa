"""The operator's role in operator.yaml: everything it asks of the API is in it, and everything in it is asked for."""

from __future__ import annotations

from pathlib import Path

import yaml
from tests.support.mesh import SHAPES, virtual_service, with_istio
from tests.support.operator_process import operating
from tests.support.permissions import Permission, needed
from tests.support.pond import NAMESPACE, Pond
from tests.support.waiting import eventually

from wavetank.faults import Fault
from wavetank.kube import Obj
from wavetank.traffic import Load, Target

OPERATOR = Path(__file__).parents[3] / "clusters/manifests/operator.yaml"
FAULTS = {
    "slow": ("latency", {"deployment": "booking"}),
    "killed": ("pod-kill", {"service": "payment"}),
    "lost": ("selector-mismatch", {"service": "booking"}),
    "image": ("bad-image", {"deployment": "booking"}),
    "dark": ("node-stop", {"node": "worker"}),
    "late": ("mesh-delay", {"service": "booking"}),
    "gone": ("mesh-abort", {"service": "payment"}),
}
REFUSED = {
    "no-deployment": ("bad-image", {"deployment": "boking"}),
    "no-service": ("wrong-port", {"service": "boking"}),
    "no-node": ("node-stop", {"node": "moon"}),
}

RUNNING = {"state": {"running": {"startedAt": "2026-05-01T12:00:00Z"}}}


ROLES = {
    ("ClusterRole", "wavetank-operator"),
    ("ClusterRole", "wavetank-operator-in-lab"),
    ("Role", "wavetank-operator"),
}


def granted(*kinds_and_names: tuple[str, str]) -> set[Permission]:
    roles = [
        obj
        for obj in yaml.safe_load_all(OPERATOR.read_text())
        if (obj["kind"], obj["metadata"]["name"]) in kinds_and_names
    ]
    assert len(roles) == len(kinds_and_names)
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def store(pond: Pond, obj: Obj) -> None:
    pond.api.put(obj)  # behind the API's back: every request that the API sees is the operator's


def test_the_operator_asks_for_what_its_role_grants_and_nothing_else(pond: Pond) -> None:
    (webhooks,) = (o for o in yaml.safe_load_all(OPERATOR.read_text()) if o["kind"] == "ValidatingWebhookConfiguration")
    pond.api.put(webhooks)
    pond.deploy("booking")
    pond.deploy("payment")
    pond.node("worker")
    with_istio(pond)
    store(pond, virtual_service(SHAPES["canary"]))
    pond.api.requests.clear()
    with operating(pond.kube, webhook_port=0):
        for name, (kind, target) in {**FAULTS, **REFUSED}.items():
            fault = Fault.from_spec(name, {"kind": kind, "target": target, "duration": "60s"})
            store(pond, fault.to_resource(NAMESPACE))
        for name in FAULTS:
            eventually(lambda name=name: pond.status(name).get("affected"), f"{name} to take effect")
        for name in REFUSED:
            eventually(lambda name=name: pond.status(name).get("phase") == "Failed", f"{name} to be refused")
        store(pond, Load("steady", Target("payment"), rate=1, duration=60).to_resource(NAMESPACE))
        eventually(lambda: "pod" in pond.status("steady", "Load"), "the load's pod to be made")
        eventually(lambda: "is starting: " in pond.status("steady", "Load")["message"], "its pod to be explained")
        load_pod = pond.stored("Pod", pond.status("steady", "Load")["pod"])
        store(pond, {**load_pod, "status": {"phase": "Running", "containerStatuses": [RUNNING]}})
        for name, kind in [*dict.fromkeys(FAULTS, "Fault").items(), ("steady", "Load")]:
            resource = pond.stored(kind, name)
            store(pond, {**resource, "spec": {**resource["spec"], "stop": True}})
        for name in FAULTS:
            eventually(lambda name=name: pond.status(name)["phase"] in ("Stopped", "Reverted"), f"{name} to end")
        eventually(
            lambda: pond.stored("Pod", load_pod["metadata"]["name"])["spec"]["activeDeadlineSeconds"] == 1,
            "the load to be stopped",
        )
        ended = pond.stored("Pod", load_pod["metadata"]["name"])
        store(pond, {**ended, "status": {**ended["status"], "phase": "Failed"}})
        eventually(lambda: pond.status("steady", "Load")["phase"] == "Stopped", "the load to have ended")

    asked = {permission for request in pond.api.requests for permission in needed(*request)}
    assert asked - granted(*ROLES) == set(), "not granted"
    assert granted(*ROLES) - asked == set(), "granted for nothing"
    everywhere = [request for request in pond.api.requests if "/namespaces/" not in request[1]]
    asked = {permission for request in everywhere for permission in needed(*request)}
    assert asked - granted(("ClusterRole", "wavetank-operator")) == set(), "granted in labs only"
