"""A small application in the tests' own API server: pods that answer with Tidewater's real fault switch, and faults.

    with Pond(tmp_path) as pond:
        pond.deploy("booking", replicas=2)
        pond.fault("slow", "latency", {"deployment": "booking"}, ms=50)

Nothing tends the faults: a test does, with a tender of its own or with the whole operator.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import yaml
from tests.support.apiserver import ApiServer
from tests.support.apistore import Answer, Request

from wavetank.faults import Fault
from wavetank.faults.resource import to_rfc3339
from wavetank.faults.switch import PORT
from wavetank.kube import Kube, Obj
from wavetank.kube.mark import NODE_LABEL
from wavetank.kube.power import LEASE, POWER_OFF_UNTIL
from wavetank.kube.power import NAMESPACE as SYSTEM
from wavetank.waves import FINALIZER

ROOT = Path(__file__).parents[2]
NAMESPACE = "harbour"


def _load_switch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tidewater_faults", ROOT / "labs/tidewater/shared/faults.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


tidewater = _load_switch()


class PodSwitch:
    """One pod's fault switch, as Tidewater's services answer for it. ``hangs`` makes it say nothing useful."""

    def __init__(self) -> None:
        self.crashed = threading.Event()
        self.switch = tidewater.FaultSwitch()
        self.hangs = False
        self.asked: list[str] = []

    @property
    def on(self) -> list[str]:
        """The kinds that are on."""
        return [fault.kind for fault in self.switch.active()]

    def answer(self, request: Request) -> Answer:
        self.asked.append(request.method)
        if self.hangs:
            return _json(504, {"error": "no answer"})
        try:
            return self._answer(request)
        except tidewater.FaultError as error:
            return _json(422, {"error": str(error)})

    def _answer(self, request: Request) -> Answer:
        match request.method:
            case "GET":
                return _json(200, {"faults": [fault.describe() for fault in self.switch.active()]})
            case "POST":
                order = json.loads(request.body)
                if order["kind"] == "crash":  # would be this process
                    self.crashed.set()
                    return _json(201, order)
                return _json(201, self.switch.start(order).describe())
            case _:
                ended = self.switch.stop(request.path.removeprefix("/faults/"))
                return _json(200 if ended else 404, {"ended": ended})


class Pond:
    """The API server, a client of it, and what floats in it."""

    def __init__(self, folder: Path) -> None:
        self.api = ApiServer()
        self._folder = folder
        self.switches: dict[str, PodSwitch] = {}
        self.agent = True
        """Whether a power agent says what it does to nodes."""

    def __enter__(self) -> Self:
        self.api.start()
        self.kubeconfig = self.api.kubeconfig(self._folder)
        self.kube = Kube.connect(self.kubeconfig)
        for crd in ("crd-load", "crd-fault"):
            self.api.put(yaml.safe_load((ROOT / f"clusters/manifests/{crd}.yaml").read_text()))
        self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.api.on_write(self._switch)
        return self

    def __exit__(self, *_: object) -> None:
        for pod in self.switches.values():
            pod.switch.stop()
        self.api.stop()

    def _switch(self, change: str, obj: Obj) -> None:
        """Play the power agent: a node is off as soon as it is asked for, and the agent says so."""
        if obj["kind"] != "Node" or not self.agent:
            return
        nodes = [
            node for node in self.api.objects("Node") if POWER_OFF_UNTIL in node["metadata"].get("annotations", {})
        ]
        off = " ".join(sorted(node["metadata"]["name"] for node in nodes))
        metadata = {"name": LEASE, "namespace": SYSTEM, "annotations": {"wavetank.dev/off": off}}
        spec = {"renewTime": datetime.now(UTC).isoformat()}
        self.api.put({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})

    def deploy(self, name: str, replicas: int = 2) -> Obj:
        """Put the Deployment and Service of Tidewater called ``name`` there, and its pods."""
        manifest = (ROOT / f"labs/tidewater/manifests/{name}.yaml").read_text()
        for obj in yaml.safe_load_all(manifest):
            obj["metadata"]["namespace"] = NAMESPACE
            self.api.put(obj)
        for number in range(1, replicas + 1):
            self.pod(f"{name}-{number}", name)
        return self.stored("Deployment", name)

    def pod(self, name: str, app: str, phase: str = "Running", restarts: int = 0) -> PodSwitch:
        """Put a pod there, or put it again with another phase or number of restarts: its switch is a new one then."""
        pod_switch = self.switches[name] = PodSwitch()
        self.api.answer(f"pod:{name}:{PORT}", pod_switch.answer, NAMESPACE)
        self.api.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": app}},
                "spec": {
                    "nodeName": "worker",
                    "containers": [{"name": app, "ports": [{"name": "http", "containerPort": 8080}]}],
                },
                "status": {"phase": phase, "containerStatuses": [{"name": app, "restartCount": restarts}]},
            }
        )
        return pod_switch

    def beside(self, name: str, *, first: bool = True) -> None:
        """Put a logger with a port of its own beside a pod's application, and a port before the application's."""
        pod = self.stored("Pod", name)
        (app,) = pod["spec"]["containers"]
        app["ports"].insert(0, {"name": "metrics", "containerPort": 9090})
        logger = {"name": "logger", "image": "python:3.11", "ports": [{"containerPort": 9000}]}
        pod["spec"]["containers"] = [logger, app] if first else [app, logger]
        self.api.put(pod)

    def node(self, name: str, *, made_here: bool = True, **labels: str) -> Obj:
        labels |= {NODE_LABEL: "test"} if made_here else {}
        metadata = {"name": name, "labels": labels, "annotations": {"kept": "as it is"}}
        return self.api.put({"apiVersion": "v1", "kind": "Node", "metadata": metadata})

    def fault(
        self, name: str, kind: str, target: Obj, duration: str = "30s", *, finalizer: bool = True, **parameters: float
    ) -> Obj:
        """Create a Fault, as kopf leaves it: with its finalizer."""
        spec = {"kind": kind, "target": target, "duration": duration, "parameters": parameters}
        resource = Fault.from_spec(name, spec).to_resource(NAMESPACE)
        if finalizer:
            resource["metadata"]["finalizers"] = [FINALIZER]
        return self.kube.create(resource)

    def let_expire(self, name: str) -> None:
        """Move a Fault's end to the past."""
        past = to_rfc3339(datetime.now(UTC) - timedelta(seconds=2))
        self.kube.patch("Fault", name, NAMESPACE, {"status": {"endsAt": past}}, subresource="status")

    def stop(self, name: str) -> None:
        self.kube.patch("Fault", name, NAMESPACE, {"spec": {"stop": True}})

    def status(self, name: str, kind: str = "Fault") -> Obj:
        status: Obj = self.stored(kind, name).get("status", {})
        return status

    def stored(self, kind: str, name: str) -> Obj:
        found = self.api.get(kind, name, NAMESPACE)
        assert found is not None, f"there is no {kind} {name}"
        return found


def essence(obj: Obj) -> Any:
    """Return what a person wrote: all but what the server counts and remembers."""
    counted = {"resourceVersion", "generation", "managedFields"}
    metadata = {key: value for key, value in obj["metadata"].items() if key not in counted}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _json(status: int, body: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()
