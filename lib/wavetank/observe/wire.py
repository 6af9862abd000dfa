"""The wire: what somebody who listens on a pod's node reads of what is sent to the pod.

    listen(lab.kube, lab.namespace, "payment")      # plain HTTP: anyone on the node reads it

A pod of a few seconds, in the node's own network, listens as an eavesdropper would who has got onto the node (`wiretap`
is what runs in it). It may open packet sockets and nothing else, uses the image that the node runs anyway, has a
deadline of its own, and is deleted in every case.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from wavetank.document import read_json
from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.kube import Kube, Obj, application_container, is_ready
from wavetank.kube.refused import refused_by

__all__ = ["Heard", "Wire", "listen", "wiretap_pod"]

MOST_SECONDS = 60.0
_START_WITHIN = 30.0
"""Seconds until the listening pod runs; its image is on the node already."""
_LINES_TOLD = 4
_MOST_TOLD = 200
"""Characters of a line that are shown, where it says nothing that can be read."""
_COUNTS = ("segments", "readable", "encrypted")


@dataclass(frozen=True, slots=True)
class Heard:
    """One segment on its way to the pod: ``size`` bytes from ``sender`` (address and port), and what can be read."""

    sender: str
    size: int
    words: tuple[str, ...]
    encrypted: bool

    def __str__(self) -> str:
        return f"{self.sender}, {self.size} bytes: {'  '.join(self.words)}"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Wire:
    """What was heard of the TCP segments with content to ``port`` of ``pod`` in some ``seconds``.

    ``segments`` counts all of them, ``readable`` those in plain text, ``encrypted`` those of TLS; ``heard`` are some.
    """

    pod: str
    node: str
    port: int
    seconds: float
    segments: int
    readable: int
    encrypted: int
    heard: tuple[Heard, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The different things that were heard, in the order of their first time, without addresses and sizes."""
        return tuple(dict.fromkeys(word for heard in self.heard for word in heard.words))

    @property
    def verdict(self) -> str:
        """What it means, in a line."""
        plain = "plain HTTP" if any(" HTTP/1." in word for word in self.words) else "plain text"
        match bool(self.segments), bool(self.readable), bool(self.encrypted):
            case False, _, _:
                return f"nothing was sent in {self.seconds:g} s"
            case _, True, False:
                return f"{plain}: anyone on the node reads it"
            case _, True, True:
                return f"both: {plain}, which anyone on the node reads, and TLS"
            case _, False, True:
                return "TLS: anyone on the node sees that something is said, and not what"
        return "neither text nor TLS: bytes that say nothing without their protocol"

    def __str__(self) -> str:
        """Say the verdict, and the first of what was heard."""
        return "\n".join([self.verdict, *(f"  {word}" for word in self.words[:_LINES_TOLD])])

    __repr__ = __str__


def listen(kube: Kube, namespace: str, target: str, port: int = 8080, seconds: float = 5.0) -> Wire:
    """Listen for some ``seconds`` to what is sent to ``port`` of the pod ``target``, or of one of that Deployment.

    Raises `InputError` for a time that is too short or too long, `NotFoundError` when there is no such pod, `KubeError`
    when the cluster lets nobody listen or the listener ends with an error, `WaitTimeoutError` when it does not end.
    """
    if not 0 < seconds <= MOST_SECONDS:
        raise InputError("seconds is wrong", observed=f"{seconds:g}", expected=f"more than 0, up to {MOST_SECONDS:g}")
    pod = _find(kube, namespace, target)
    image = application_container(pod, kube.list("Service", namespace))["image"]
    tap = wiretap_pod(pod, image, port, seconds)
    name = tap["metadata"]["name"]
    try:
        _create(kube, tap)
        ended = kube.wait_for(
            "Pod",
            name,
            namespace,
            lambda tap: tap is None or tap["status"]["phase"] in ("Succeeded", "Failed"),
            timeout=_START_WITHIN + seconds,
            waiting_for=f"the pod {name} to start and to listen",
        )
        lines = kube.logs(name, namespace).splitlines() if ended else []
    finally:
        kube.delete_object("Pod", name, namespace, grace=0)
    try:
        return Wire(pod["metadata"]["name"], pod["spec"]["nodeName"], port, seconds, *overheard(lines))
    except ValueError as error:
        raise KubeError(
            f"nobody could listen on the node {pod['spec']['nodeName']}",
            observed=_how_it_ended(ended),
            expected="a line of JSON for what is heard",
            logs=[line[:_MOST_TOLD] for line in lines[-10:]],
            hint=f"see its last words; and the image {image} has to have a python3",
        ) from error


def wiretap_pod(pod: Obj, image: str, port: int, seconds: float) -> Obj:
    """Return the pod that listens for what is sent to ``pod``, on its node, with an ``image`` that has Python."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    script = files("wavetank.observe").joinpath("wiretap.py").read_text(encoding="utf-8")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"wiretap-{name[:45].rstrip('-.')}-{uuid.uuid4().hex[:5]}",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "wavetank", "sidecar.istio.io/inject": "false"},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": math.ceil(_START_WITHIN + seconds),
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostNetwork": True,
            "nodeName": pod["spec"]["nodeName"],
            "tolerations": [{"operator": "Exists"}],  # wherever the pod is
            "containers": [
                {
                    "name": "wiretap",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python3", "-c", script, pod["status"]["podIP"], f"{port}", f"{seconds:g}"],
                    "resources": {"requests": {"cpu": "25m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
                    "securityContext": {
                        "runAsUser": 0,
                        "runAsNonRoot": False,
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }


def _find(kube: Kube, namespace: str, target: str) -> Obj:
    """Return the pod called ``target``, or the first that is ready of the Deployment called so."""
    if (pod := kube.find("Pod", target, namespace)) and pod.get("status", {}).get("podIP"):
        return pod
    pods = [pod for pod in _of_deployment(kube, namespace, target) if is_ready(pod)]
    if not pods:
        raise NotFoundError(
            f"there is no pod to listen to: {target}",
            status=404,
            expected="a pod with an address, or a Deployment with a pod that is ready",
            command=kube.connection.kubectl("-n", namespace, "get", "deployments,pods"),
        )
    return min(pods, key=lambda pod: str(pod["metadata"]["name"]))


def _of_deployment(kube: Kube, namespace: str, name: str) -> Iterator[Obj]:
    deployment = kube.find("Deployment", name, namespace)
    if labels := (deployment or {}).get("spec", {}).get("selector", {}).get("matchLabels"):
        yield from kube.list("Pod", namespace, selector=",".join(f"{key}={value}" for key, value in labels.items()))


def _create(kube: Kube, tap: Obj) -> None:
    try:
        kube.create(tap)
    except KubeError as error:
        if error.status != 403:
            raise
        if in_the_way := refused_by(error):
            raise KubeError(
                f"a {in_the_way} in the namespace refuses the pod that would listen",
                status=403,
                observed=error.summary,
                command=kube.connection.kubectl(
                    "-n", tap["metadata"]["namespace"], "describe", "resourcequotas,limitranges"
                ),
                hint="take it away, or let goto do it",
            ) from error
        raise KubeError(
            "the cluster lets nobody listen here",
            status=403,
            observed=error.summary,
            expected="that a pod may use the node's network, as user 0 with NET_RAW",
            command=kube.connection.kubectl("get", "namespace", tap["metadata"]["namespace"], "--show-labels"),
            hint="listen in a namespace with the level privileged, as that of a lab with a mesh is",
        ) from error


def overheard(lines: Sequence[str]) -> tuple[int, int, int, tuple[Heard, ...]]:
    """Read what `wiretap` has printed: how many segments, of them readable and encrypted, and what was heard.

    Raises `ValueError` for anything else.
    """
    if not lines:
        raise ValueError("nothing was printed")
    *heard, counts = map(read_json, lines)
    segments, readable, encrypted = (_whole(counts, name) for name in _COUNTS)
    return segments, readable, encrypted, tuple(map(_heard, heard))


def _heard(line: Any) -> Heard:
    size = _whole(line, "bytes")
    words = line.get("text") or line.get("tls") or [f"bytes {line.get('hex')} ..."]
    sender = line.get("from")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in [sender, *words]):
        raise ValueError("what was heard is not text")
    return Heard(sender, size, tuple(words), "tls" in line)


def _whole(line: Any, name: str) -> int:
    """Return a count out of a line. Raises `ValueError` when it is none."""
    value = line.get(name) if isinstance(line, dict) else None
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is no count")
    return value


def _how_it_ended(tap: Obj) -> str:
    if not tap:
        return "the pod that listened is gone"
    status = tap["status"]
    states = [container["state"] for container in status.get("containerStatuses") or []]
    ends = [state["terminated"] for state in states if "terminated" in state]
    words = [
        f"{end.get('reason', '')}, exit code {end.get('exitCode')} {end.get('message', '')}".strip() for end in ends
    ]
    return "; ".join([f"phase {status['phase']}", *words, *filter(None, [status.get("message")])])
