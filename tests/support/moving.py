"""A cluster that moves: kubelet, Deployments and Wavetank's operator, played on the tests' own API server.

    with MovingCluster(tmp_path) as cluster:
        cluster.deploy("web", 3)
        cluster.kill("web")             # its replacement comes by itself
        session = cluster.open_lab()

Loads and faults created through the API begin, report once a second and end, as the real operator has them do. What a
load reports is made up: about 12 ms an answer, and failures while a pod of its target is missing.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from tests.support.apiserver import ApiServer

from wavetank.durations import parse_duration
from wavetank.kube import Kube
from wavetank.lesson import LabSession
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile
from wavetank.traffic import Load, Second, Summary, Target
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.manifest import LOAD_LABEL
from wavetank.traffic.profile import rate_at

ROOT = Path(__file__).parents[2]
NAMESPACE = "tidewater"
WORKERS = ("wavetank-worker", "wavetank-worker2")

Obj = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def lab_on(kubeconfig: Path, **parts: Any) -> LabSession:
    """Return a lab on the cluster of ``kubeconfig``: two loads, and whatever ``parts`` of a `Lab` are given."""
    sailings = Target("web", path="/api/sailings")
    loads = (Load("steady", sailings, rate=20, duration=60), Load("rush", sailings, rate=120, duration=90))
    nothing: Obj = {"checkpoints": (), "addons": (), "objectives": ()}
    declared = {**nothing, "loads": {load.name: load for load in loads}, **parts}
    lab = Lab(id="00-test", title="A lab of the tests", minutes=5, folder=kubeconfig.parent, **declared)
    return LabSession(lab, ProgressFile(kubeconfig.parent / "progress.json"), kube=Kube.connect(kubeconfig))


class MovingCluster:
    """Three nodes, and the parts of Kubernetes and Wavetank that the views look at. A context manager."""

    def __init__(self, folder: Path, startup: float = 1.0) -> None:
        self.api, self.folder, self.startup = ApiServer(), folder, startup
        self.still = 0.0
        """For how much of each second loads stand still themselves."""
        self._names = itertools.count()
        self._over = threading.Event()
        for crd in ("crd-load", "crd-fault"):
            self.api.put(yaml.safe_load((ROOT / f"clusters/manifests/{crd}.yaml").read_text()))
        for node in ("wavetank-control-plane", *WORKERS):
            self.set_node(node, ready=True)
        self.api.on_write(self._operate)

    def __enter__(self) -> Self:
        self.api.start()
        self.kubeconfig = self.api.kubeconfig(self.folder)
        self.kube = Kube.connect(self.kubeconfig)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self.api.stop()

    def open_lab(self, **parts: Any) -> LabSession:
        """Return a lab on this cluster; see `lab_on`."""
        return lab_on(self.kubeconfig, **parts)

    # Nodes and pods

    def set_node(self, name: str, *, ready: bool) -> None:
        labels = {"node-role.kubernetes.io/control-plane": ""} if name.endswith("control-plane") else {}
        condition = {"type": "Ready", "status": "True" if ready else "Unknown"}
        meta = {"name": name, "labels": labels}
        self.api.put({"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": {"conditions": [condition]}})

    def deploy(self, app: str, replicas: int, version: str = "v1") -> None:
        """Put a Deployment, its Service and its pods, ready at once."""
        meta = {"name": app, "namespace": NAMESPACE, "labels": {"app": app}}
        template = {"metadata": {"labels": {"app": app}}, "spec": {"containers": [_container(app, version)]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template}
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
        status = {**counts, "observedGeneration": 1}
        self.api.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec, "status": status})
        ports = [{"port": 80, "targetPort": 8080}]
        self.api.put(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta,
                "spec": {"selector": {"app": app}, "ports": ports},
            }
        )
        for number in range(replicas):
            self.put_pod(self._pod_name(app), app, WORKERS[number % len(WORKERS)], version)

    def put_pod(
        self,
        name: str,
        app: str,
        node: str = "",
        version: str = "v1",
        *,
        ready: bool = True,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Put a pod: ready, or (``ready`` false) on its way, or (no ``node``) not placed."""
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": now()}
        state = {"running": {"startedAt": now()}} if ready else {"waiting": {"reason": "ContainerCreating"}}
        container = {"name": app, "ready": ready, "restartCount": 0, "state": state}
        status = {
            "phase": "Running" if ready else "Pending",
            "conditions": [condition],
            "containerStatuses": [container] if node else [],
        }
        spec: Obj = {"containers": [_container(app, version)], **({"nodeName": node} if node else {})}
        meta = {"name": name, "namespace": NAMESPACE, "labels": {"app": app, **(labels or {})}}
        self.api.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})

    def pods(self, app: str) -> list[str]:
        """Return the names of an application's pods."""
        pods = self.api.objects("Pod", NAMESPACE)
        return sorted(pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"].get("app") == app)

    def kill(self, app: str) -> str:
        """Delete one pod of an application and begin its replacement; return the name of the one that is gone."""
        gone = self.pods(app)[0]
        self.api.delete("Pod", gone, NAMESPACE)
        replacement = self._pod_name(app)
        self.put_pod(replacement, app, WORKERS[0], ready=False)
        self._later(self.startup, lambda: self.put_pod(replacement, app, WORKERS[0]))
        return gone

    # The operator

    def _operate(self, change: str, obj: Obj) -> None:
        if obj["kind"] not in ("Load", "Fault") or change == "DELETED":
            return
        phase = obj.get("status", {}).get("phase")
        if obj["spec"].get("stop") and phase in ("Running", "Active"):
            self._report(obj, phase="Stopped")
        elif phase is None and change == "ADDED":
            self._begin(obj)

    def _begin(self, obj: Obj) -> None:
        ends = datetime.now(UTC) + timedelta(seconds=parse_duration(obj["spec"]["duration"]))
        times = {"startedAt": now(), "endsAt": ends.isoformat().replace("+00:00", "Z")}
        if obj["kind"] == "Load":
            pod = f"load-{obj['metadata']['name']}-{obj['metadata']['uid'][:5]}"
            self.put_pod(pod, "load", "wavetank-control-plane", labels={LOAD_LABEL: obj["metadata"]["name"]})
            self._report(obj, phase="Running", pod=pod, **times)
            threading.Thread(target=self._run_load, args=(obj, pod), daemon=True).start()
        else:
            target = next(iter(obj["spec"]["target"].values()))
            self._report(obj, phase="Active", affected=[target], **times)
            if obj["spec"]["kind"] == "pod-kill":
                self._later(0.2, lambda: self.kill(target))
            self._later(parse_duration(obj["spec"]["duration"]), lambda: self._end(obj, "Reverted"))

    def _end(self, obj: Obj, phase: str) -> None:
        live = self.api.get(obj["kind"], obj["metadata"]["name"], NAMESPACE)
        if live and live["status"]["phase"] in ("Running", "Active"):
            self._report(live, phase=phase)

    def _report(self, obj: Obj, **status: Any) -> None:
        live = self.api.get(obj["kind"], obj["metadata"]["name"], NAMESPACE) or obj
        self.api.put({**live, "status": {**live.get("status", {}), **status}})

    def _run_load(self, obj: Obj, pod: str) -> None:
        load, summary, name = Load.from_resource(obj), Summary(), obj["metadata"]["name"]
        for second in range(round(load.duration)):
            began = now()
            live = self.api.get("Load", name, NAMESPACE)
            if self._over.wait(1.0) or live is None or live["status"]["phase"] == "Stopped":
                break
            told = self._second(second, began, round(rate_at(load.curve, second)), load.target.service)
            summary.add(told)
            self.api.log(pod, told.to_line(), namespace=NAMESPACE)
        self.api.log(pod, summary.to_line(), namespace=NAMESPACE)
        self.api.end_log(pod, NAMESPACE)
        self._end(obj, "Completed")

    def _second(self, second: int, began: str, rate: int, app: str) -> Second:
        pods = [pod for pod in self.api.objects("Pod", NAMESPACE) if pod["metadata"]["labels"].get("app") == app]
        missing = sum(pod["status"]["phase"] != "Running" for pod in pods) / max(1, len(pods))
        failed = round(rate * missing)
        latencies, lateness = Latencies(), Latencies()
        for _ in range(rate - failed):
            latencies.record(random.lognormvariate(-4.4 + missing, 0.4))
            lateness.record(0.001)
        status = {"200": rate - failed, **({"refused": failed} if failed else {})}
        return Second(second, began, rate, rate, 0, status, latencies.encode(), lateness.encode(), self.still)

    def _pod_name(self, app: str) -> str:
        return f"{app}-7d9c5b6f4-{next(self._names):05d}"

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, lambda: self._over.is_set() or do())
        timer.daemon = True
        timer.start()


def _container(app: str, version: str) -> Obj:
    return {"name": app, "image": f"wavetank.dev/tidewater/{app}:{version}"}
