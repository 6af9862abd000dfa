"""Knative in the tests' own API server: its kinds in their real shapes, its metrics, and a gateway that wakes services.

with Knative(tmp_path) as knative:
    knative.serve("tides", revisions=2, split={"tides-00001": 80, "tides-00002": 20})
    look(knative.kube, NAMESPACE, "tides")

Shapes: knative.dev/serving and knative.dev/eventing 0.50.0, pkg/apis. Nothing happens in it by itself but this: a
request at `gateway` that finds no pod has one made, scheduled and run, step by step, and is answered after that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.apiserver import ApiServer
from tests.support.definitions import definition

from wavetank.kube import Kube, Obj

NAMESPACE = "tidewater"
KINDS = (
    ("serving.knative.dev/v1", "Service", "services"),
    ("serving.knative.dev/v1", "Route", "routes"),
    ("serving.knative.dev/v1", "Revision", "revisions"),
    ("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler", "podautoscalers"),
    ("eventing.knative.dev/v1", "Broker", "brokers"),
    ("eventing.knative.dev/v1", "Trigger", "triggers"),
    ("messaging.knative.dev/v1", "Subscription", "subscriptions"),
)


def conditions(**told: str | tuple[str, str, str]) -> list[Obj]:
    """Return conditions as Knative writes them: True, or a status, a reason and a message; empty ones are left out."""

    def one(type_: str, said: str | tuple[str, str, str]) -> Obj:
        status, reason, message = (said, "", "") if isinstance(said, str) else said
        parts = {"type": type_, "status": status, "reason": reason, "message": message}
        return {key: value for key, value in parts.items() if value} | {"lastTransitionTime": "2026-11-27T20:00:00Z"}

    return [one(type_, said) for type_, said in told.items()]


def revision(name: str, number: int, *, annotations: Mapping[str, str] | None = None, **told: Any) -> Obj:
    """Return a revision; with nothing told of it, it is ready."""
    service = name.rpartition("-")[0]
    labels = {
        "serving.knative.dev/configuration": service,
        "serving.knative.dev/configurationGeneration": f"{number}",
        "serving.knative.dev/service": service,
    }
    told = told or {"Active": "True", "ContainerHealthy": "True", "Ready": "True", "ResourcesAvailable": "True"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Revision",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "generation": 1,
            "labels": labels,
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "containerConcurrency": 0,
            "containers": [{"name": "user-container", "image": "registry.local:5000/tides:v1"}],
            "timeoutSeconds": 10,
        },
        "status": {"observedGeneration": 1, "conditions": conditions(**told)},
    }


def autoscaler(
    name: str, wanted: int | None, actual: int | None, *, annotations: Mapping[str, str] | None = None, **told: Any
) -> Obj:
    """Return a revision's PodAutoscaler."""
    scale = {"desiredScale": wanted, "actualScale": actual}
    status = {key: value for key, value in scale.items() if value is not None}
    told = told or {"Active": "True", "Ready": "True"}
    return {
        "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
        "kind": "PodAutoscaler",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "generation": 1,
            "labels": {"serving.knative.dev/service": name.rpartition("-")[0]},
            "annotations": {"autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev", **(annotations or {})},
        },
        "spec": {"protocolType": "http1", "scaleTargetRef": {"kind": "Deployment", "name": f"{name}-deployment"}},
        "status": {
            "observedGeneration": 1,
            "serviceName": name,
            "metricsServiceName": f"{name}-private",
            "conditions": conditions(**told),
            **status,
        },
    }


def service(name: str, created: str, ready: str, **told: Any) -> Obj:
    """Return a Knative Service whose newest revision is ``created``, and the newest ready one ``ready``."""
    latest = {"latestCreatedRevisionName": created, "latestReadyRevisionName": ready}
    told = told or {"ConfigurationsReady": "True", "Ready": "True", "RoutesReady": "True"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 2},
        "spec": {"template": {}},
        "status": {
            "observedGeneration": 2,
            "url": f"http://{name}.{NAMESPACE}.example.com",
            "conditions": conditions(**told),
            **{key: value for key, value in latest.items() if value},
        },
    }


def route(name: str, traffic: Sequence[Obj], **told: Any) -> Obj:
    """Return a Route with these targets in its status."""
    told = told or {"AllTrafficAssigned": "True", "IngressReady": "True", "Ready": "True"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {},
        "status": {"observedGeneration": 1, "traffic": list(traffic), "conditions": conditions(**told)},
    }


def pod(name: str, of: str, *, node: str = "wavetank-worker", runs: bool = True, ready: bool = True) -> Obj:
    """Return a pod of the revision ``of``: on a node or not yet, its two containers running and ready or not."""
    state = {"running": {}} if runs else {"waiting": {"reason": "ContainerCreating"}}
    containers = [{"name": each, "state": state, "ready": ready} for each in ("queue-proxy", "user-container")]
    labels = {"serving.knative.dev/revision": of, "serving.knative.dev/service": of.rpartition("-")[0]}
    spec = {"containers": [{"name": "user-container"}, {"name": "queue-proxy"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {**spec, "nodeName": node} if node else spec,
        "status": {
            "phase": "Running" if runs else "Pending",
            "conditions": conditions(Ready="True" if ready else "False"),
            "containerStatuses": containers if node else [],
        },
    }


def broker(name: str = "default", **told: Any) -> Obj:
    """Return a broker; with nothing told of it, it is ready."""
    told = told or {"Addressable": "True", "FilterReady": "True", "IngressReady": "True", "Ready": "True"}
    url = f"http://broker-ingress.knative-eventing.svc.cluster.local/{NAMESPACE}/{name}"
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Broker",
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {"config": {"kind": "ConfigMap", "name": "config-br-default-channel"}},
        "status": {"observedGeneration": 1, "address": {"url": url}, "conditions": conditions(**told)},
    }


def trigger(name: str, spec: Mapping[str, Any] | None = None, *, dead_letters: str = "", **told: Any) -> Obj:
    """Return a trigger of the broker ``default``; with nothing told of it, it is ready."""
    told = told or {"BrokerReady": "True", "Ready": "True", "SubscriberResolved": "True", "SubscriptionReady": "True"}
    subscriber = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {"broker": "default", "subscriber": subscriber, **(spec or {})},
        "status": {
            "observedGeneration": 1,
            "subscriberUri": f"http://{name}.{NAMESPACE}.svc.cluster.local",
            **({"deadLetterSinkUri": dead_letters} if dead_letters else {}),
            "conditions": conditions(**told),
        },
    }


def subscription(of: str, delivery: Mapping[str, Any] | None = None, **told: Any) -> Obj:
    """Return the Subscription of a trigger, named as in what was recorded; with nothing told of it, it is ready."""
    labels = {"eventing.knative.dev/broker": "default", "eventing.knative.dev/trigger": of}
    metadata = {"name": f"default-{of}-uid", "namespace": NAMESPACE, "labels": labels}
    told = told or {"AddedToChannel": "True", "ChannelReady": "True", "Ready": "True", "ReferencesResolved": "True"}
    return {
        "apiVersion": "messaging.knative.dev/v1",
        "kind": "Subscription",
        "metadata": metadata,
        "spec": {"delivery": delivery} if delivery else {},
        "status": {"conditions": conditions(**told)},
    }


class Knative:
    """The API server, a client of it, and a gateway on loopback; a context manager.

    ``steps`` are the seconds that a cold start takes to make a pod, to schedule it, to run it, and to answer;
    ``timing`` is the header Server-Timing of the answers.
    """

    def __init__(self, folder: Path, *, installed: bool = True) -> None:
        self.api, self._folder = ApiServer(), folder
        self.steps = (0.1, 0.05, 0.2, 0.1)
        self.timing, self.status, self.asked = "", 200, list[tuple[str, str]]()
        self._woken = 0
        for api_version, kind, plural in KINDS if installed else ():
            self.api.put(definition(api_version, kind, plural))

    def __enter__(self) -> Self:
        self.api.start()
        self.kube = Kube.connect(self.api.kubeconfig(self._folder))
        handler = type("BoundDoor", (_Door,), {"knative": self})
        self._door = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._door.daemon_threads = True
        threading.Thread(target=self._door.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown()
        self._door.server_close()
        self.api.stop()

    @property
    def gateway(self) -> str:
        """The address of the gateway."""
        return f"http://127.0.0.1:{self._door.server_port}"

    def put(self, *objects: Obj) -> None:
        """Store objects as they are."""
        for obj in objects:
            self.api.put(obj)

    def serve(self, name: str = "tides", pods: int = 1) -> None:
        """Have a service with one ready revision that gets all traffic, and so many pods."""
        own = f"{name}-00001"
        scaled = {"Active": ("False", "NoTraffic", "The target is not receiving traffic."), "Ready": "False"}
        self.put(service(name, own, own), revision(own, 1), route(name, [{"revisionName": own, "percent": 100}]))
        self.put(autoscaler(own, pods, pods, **({} if pods else scaled)))
        self.put(*(pod(f"{own}-deployment-{number}", own) for number in range(pods)))

    def tell(self, namespace: str, pod_name: str, labels: Mapping[str, str], text: str, port: int = 9090) -> None:
        """Have one of Knative's own pods say these metrics."""
        metadata = {"name": pod_name, "namespace": namespace, "labels": dict(labels)}
        status = {"phase": "Running", "conditions": conditions(Ready="True")}
        spec = {"nodeName": "wavetank-control-plane", "containers": [{"name": "it"}]}
        self.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
        self.api.answer(
            f"pod:{pod_name}:{port}", lambda _: (200, {"Content-Type": "text/plain"}, text.encode()), namespace
        )

    def wake(self, host: str) -> None:
        """Do what happens between a request for a service at zero and its answer."""
        name = f"{host.partition('.')[0]}-00001"
        if not [each for each in self.api.objects("Pod", NAMESPACE) if each["metadata"]["name"].startswith(name)]:
            self._woken += 1
            own = f"{name}-deployment-{self._woken}"
            stages = (
                pod(own, name, node="", runs=False, ready=False),
                pod(own, name, runs=False, ready=False),
                pod(own, name, ready=False),
            )
            for seconds, stage in zip(self.steps, stages, strict=False):
                time.sleep(seconds)
                self.api.put(stage)
            time.sleep(self.steps[-1])

    def to_zero(self) -> None:
        """Have the autoscaler be done with every revision, and take every pod of the application away."""
        done = {"Active": ("False", "NoTraffic", ""), "Ready": "False"}
        for each in self.api.objects("PodAutoscaler", NAMESPACE):
            self.put(autoscaler(each["metadata"]["name"], 0, 0, **done))
        for each in self.api.objects("Pod", NAMESPACE):
            self.api.delete("Pod", each["metadata"]["name"], NAMESPACE)


class _Door(BaseHTTPRequestHandler):
    knative: Knative

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.knative.asked.append((host, self.path))
        self.knative.wake(host)
        self.send_response(self.knative.status)
        if self.knative.timing:
            self.send_header("Server-Timing", self.knative.timing)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        pass
