"""A small lab, and what moves it on the tests' own API server: an operator that has measured before it is asked.

    harbour = Harbour(api)
    harbour.outcomes["steady"] = [{"200": 20}] * 5 + [{"503": 20}] + [{"200": 20}] * 4

A Load ends as soon as it is created, with the outcomes written down for its name; a Fault takes effect at once; a
Deployment is rolled out, with one ready pod for each replica, as soon as it is applied.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.apiserver import ApiServer
from tests.support.definitions import definition
from tests.support.merging import Obj

from wavetank.traffic import Second
from wavetank.traffic.histogram import Latencies

NAMESPACE = "tidewater"

LAB = """\
id: 09-sample
title: A sample
minutes: 10
objectives:
  - Know what a lab is.
cluster:
  addons: [operator]
checkpoints:
  - id: empty
    title: nothing runs
  - id: afloat
    title: web runs
    manifests: [manifests/web.yaml]
  - id: hidden
    title: web runs, and nothing leads to it
    without: [Service/web]
loads:
  steady: {target: {service: web}, rate: 20, duration: 10s}
faults:
  slow: {kind: latency, target: {selector: {app: web}}, parameters: {ms: 300}, duration: 5s}
predictions:
  - id: gap
    question: For how many seconds do requests fail?
    number: {unit: s, close: 2}
    truth: {gap: {load: steady}}
  - id: lost
    question: How many requests are lost?
    choices:
      - {text: None, at_most: 0}
      - {text: "Some", at_least: 1}
    truth: {failed: {load: steady}}
exercises:
  - id: scale
    title: Two of them
    checkpoint: afloat
    task: Let there be two pods of web.
    files: [web.yaml]
    checks:
      - rollout: {deployment: web, within: 1s}
      - ready: {selector: {app: web}, at_least: 2, within: 1s}
      - available: {load: steady}
    hints: [Look at the pods., Look at the replicas., "replicas: 2"]
"""

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:v1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {}}


def write_lab(root: Path, text: str = LAB) -> Path:
    """Write the sample lab, with its files, below ``root``; return the folder of all labs."""
    lab, solutions = root / "labs" / "09-sample", root / "solutions" / "09-sample" / "exercises"
    for folder in (lab / "manifests", lab / "starters", solutions):
        folder.mkdir(parents=True)
    (lab / "lab.yaml").write_text(text)
    (lab / "manifests" / "web.yaml").write_text(WEB)
    (lab / "starters" / "web.yaml").write_text(WEB)
    (solutions / "web.yaml").write_text(WEB.replace("replicas: 1", "replicas: 2"))
    return root / "labs"


def pod(name: str, *, ready: bool = True, node: str = "worker", **status: object) -> Obj:
    """Return a pod of web."""
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "web"}]},
        "status": {"phase": "Running", "conditions": [condition], **status},
    }


def container(restarts: int = 0, **states: Obj) -> list[Obj]:
    """Return container statuses: ``container(2, lastState={"terminated": {"reason": "OOMKilled"}})``."""
    return [{"name": "web", "restartCount": restarts, **states}]


class Harbour:
    """Plays the operator and the Deployment controller on ``api``."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.outcomes: dict[str, list[dict[str, int]]] = {}
        self.latency = 0.01
        """Seconds that every answer takes."""
        self.late = 0
        """How many of the next loads are late themselves."""
        self.still = 0.0
        """For how much of each second loads stand still themselves."""
        self.goes_on = False
        """Whether loads go on after their outcomes, until somebody stops them."""
        self.makes_pods = True
        """Whether a Deployment's pod that is deleted is made again, as by the cluster's controllers."""
        self.injected: list[str] = []
        api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": MANAGED}})
        for kind, plural in (("Load", "loads"), ("Fault", "faults")):
            api.put(definition("wavetank.dev/v1alpha1", kind, plural, status=True))
        api.on_write(self._play)

    def _play(self, change: str, obj: Obj) -> None:
        if change == "DELETED":
            if obj["kind"] == "Pod" and self.makes_pods:
                self._make_again(obj)
            return
        match obj["kind"]:
            case "Load" if "status" not in obj:
                self._run_load(obj)
            case "Load" if obj["spec"].get("stop") and obj["status"]["phase"] == "Running":
                self._end_load(obj, "Stopped")
            case "Fault" if "status" not in obj:
                self.injected.append(obj["metadata"]["name"])
                self.api.put({**obj, "status": {"phase": "Active", "affected": ["web-1"]}})
            case "Fault" if obj["spec"].get("stop") and obj["status"]["phase"] == "Active":
                self.api.put({**obj, "status": {**obj["status"], "phase": "Stopped"}})
            case "Deployment" if obj.get("status", {}).get("observedGeneration") != obj["metadata"]["generation"]:
                self._roll_out(obj)

    def _run_load(self, load: Obj) -> None:
        name = load["metadata"]["name"]
        outcomes = self.outcomes.get(name.removeprefix("check-"), [{"200": 20}] * 10)
        runner = pod(_pod_of(load), phase="Running" if self.goes_on else "Succeeded")
        del runner["metadata"]["labels"]
        self.api.put(runner)
        lateness = Latencies()
        lateness.record(0.5 if self.late else 0.001)
        self.late = max(self.late - 1, 0)
        for t, outcome in enumerate(outcomes):
            told = replace(second(t, outcome, self.latency), still=self.still, lateness=lateness.encode())
            self.api.log(_pod_of(load), told.to_line(), namespace=NAMESPACE)
        if self.goes_on:
            self.api.put({**load, "status": {"phase": "Running", "pod": _pod_of(load)}})
        else:
            self._end_load(load, "Completed")

    def _end_load(self, load: Obj, phase: str) -> None:
        self.api.end_log(_pod_of(load), namespace=NAMESPACE)
        self.api.put({**load, "status": {"phase": phase, "pod": _pod_of(load)}})

    def _make_again(self, gone: Obj) -> None:
        name = gone["metadata"].get("labels", {}).get("app", "")
        deployment, owners = self.api.get("Deployment", name, NAMESPACE), gone["metadata"].get("ownerReferences", [])
        if deployment and [owner["uid"] for owner in owners] == [deployment["metadata"]["uid"]]:
            one = pod(gone["metadata"]["name"])
            one["metadata"]["ownerReferences"] = owners
            self.api.put(one)

    def _roll_out(self, deployment: Obj) -> None:
        replicas = deployment["spec"].get("replicas", 1)
        name = deployment["metadata"]["name"]
        before, self.makes_pods = self.makes_pods, False
        for old in self.api.objects("Pod", NAMESPACE):
            if old["metadata"].get("labels", {}).get("app") == name:
                self.api.delete("Pod", old["metadata"]["name"], NAMESPACE)
        self.makes_pods = before
        for number in range(replicas):
            one = pod(f"{name}-{number + 1}")
            one["metadata"]["ownerReferences"] = [{"kind": "Deployment", "uid": deployment["metadata"]["uid"]}]
            self.api.put(one)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = dict.fromkeys(counts, replicas) | {"observedGeneration": deployment["metadata"]["generation"]}
        self.api.put({**deployment, "status": status})


def _pod_of(load: Obj) -> str:
    """Return the name of the pod that sends a load: another one each time, with a log of its own."""
    return f"load-{load['metadata']['name']}-{load['metadata']['uid'][:5]}"


MANAGED = {"app.kubernetes.io/managed-by": "wavetank"}


def second(t: int, outcome: dict[str, int], latency: float = 0.01) -> Second:
    """Return what a load reports of its second ``t``, in which requests ended as ``outcome`` counts them."""
    latencies = Latencies()
    for _ in range(sum(outcome.values())):
        latencies.record(latency)
    began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=t)
    count = sum(outcome.values())
    return Second(
        t, began.isoformat(), count, count, 0, dict(Counter(outcome)), latencies.encode(), Latencies().encode()
    )
