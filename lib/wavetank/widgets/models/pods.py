"""How one pod or one node is doing, read off its status: a tone and a few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wavetank.kube import Obj, application_container
from wavetank.widgets.models.tone import Tone

__all__ = ["Node", "Pod", "read_node", "read_pod", "tag"]

_WAITING = {
    "CrashLoopBackOff": (Tone.BAD, "ends again and again, waits before the next start (CrashLoopBackOff)"),
    "ImagePullBackOff": (Tone.BAD, "its image cannot be had (ImagePullBackOff)"),
    "ErrImagePull": (Tone.BAD, "its image cannot be had (ErrImagePull)"),
    "ErrImageNeverPull": (Tone.BAD, "its image is not on the node (ErrImageNeverPull)"),
    "InvalidImageName": (Tone.BAD, "its image name is not valid (InvalidImageName)"),
    "CreateContainerConfigError": (Tone.BAD, "its configuration is missing (CreateContainerConfigError)"),
    "CreateContainerError": (Tone.BAD, "its container cannot be made (CreateContainerError)"),
    "RunContainerError": (Tone.BAD, "its container cannot be started (RunContainerError)"),
}


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as a picture shows it. ``node`` is empty while it is not placed, ``version`` its application's tag."""

    name: str
    app: str
    node: str
    version: str
    tone: Tone
    words: str
    restarts: int
    last_end: str
    """Why a container of it ended last, such as ``OOMKilled``; empty if none did."""

    @property
    def ready(self) -> bool:
        """Whether it gets traffic."""
        return self.tone is Tone.GOOD


@dataclass(frozen=True, slots=True)
class Node:
    """A node as a picture shows it."""

    name: str
    control_plane: bool
    tone: Tone
    words: str

    @property
    def ready(self) -> bool:
        """Whether its kubelet answers and calls it ready."""
        return self.tone is not Tone.BAD


def read_node(node: Mapping[str, Any]) -> Node:
    """Read a Node as the API server has it."""
    name, labels = node["metadata"]["name"], node["metadata"].get("labels", {})
    ready = _condition(node, "Ready").get("status", "Unknown")
    if ready == "Unknown":
        tone, words = Tone.BAD, "does not answer (NotReady)"
    elif ready != "True":
        tone, words = Tone.BAD, "not ready"
    elif node.get("spec", {}).get("unschedulable"):
        tone, words = Tone.WARN, "ready, takes no new pods (cordoned)"
    else:
        tone, words = Tone.GOOD, "ready"
    return Node(name, "node-role.kubernetes.io/control-plane" in labels, tone, words)


def read_pod(pod: Obj) -> Pod:
    """Read a Pod as the API server has it."""
    meta, spec = pod["metadata"], pod.get("spec", {})
    statuses = pod.get("status", {}).get("containerStatuses", [])
    labels = meta.get("labels", {})
    tone, words = _doing(pod, statuses)
    return Pod(
        name=meta["name"],
        app=labels.get("app") or labels.get("app.kubernetes.io/name") or meta["name"],
        node=spec.get("nodeName", ""),
        version=tag(application_container(pod).get("image", "")) if spec.get("containers") else "",
        tone=tone,
        words=words,
        restarts=sum(status.get("restartCount", 0) for status in statuses),
        last_end=next(filter(None, map(_last_end, statuses)), ""),
    )


def tag(image: str) -> str:
    """Return the tag of an image's name: ``v2`` of ``registry:5000/web:v2``; empty when it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _doing(pod: Mapping[str, Any], statuses: list[dict[str, Any]]) -> tuple[Tone, str]:
    status = pod.get("status", {})
    phase = status.get("phase", "Pending")
    if phase == "Succeeded":
        return Tone.GONE, "done"
    if phase == "Failed":
        return Tone.BAD, f"failed ({status['reason']})" if status.get("reason") else "failed"
    if "deletionTimestamp" in pod["metadata"]:
        return Tone.GONE, "is being stopped"
    if not pod.get("spec", {}).get("nodeName"):
        why = _condition(pod, "PodScheduled").get("message", "")
        return Tone.WAIT, f"not placed: {why}" if why else "not placed yet"
    for container in statuses:
        reason = container.get("state", {}).get("waiting", {}).get("reason", "")
        if reason in _WAITING:
            return _WAITING[reason]
        if ended := container.get("state", {}).get("terminated"):
            return Tone.BAD, f"ended ({_why_it_ended(ended)})"
    ready = _condition(pod, "Ready")
    if ready.get("status") == "True":
        return Tone.GOOD, "ready"
    return (Tone.WARN, "not ready") if _was_ready(ready, statuses) else (Tone.BUSY, "starting")


def _was_ready(ready: Mapping[str, Any], statuses: list[dict[str, Any]]) -> bool:
    """Whether it lost its readiness while it ran: the condition changed after the last container had started."""
    starts = [s["state"]["running"].get("startedAt", "") for s in statuses if "running" in s.get("state", {})]
    return bool(starts) and ready.get("lastTransitionTime", "") > max(starts)


def _last_end(container: Mapping[str, Any]) -> str:
    ended = container.get("lastState", {}).get("terminated")
    return _why_it_ended(ended) if ended else ""


def _why_it_ended(ended: Mapping[str, Any]) -> str:
    reason = ended.get("reason", "")
    return reason if reason not in ("", "Error") else f"exit code {ended.get('exitCode', '?')}"


def _condition(thing: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    conditions = thing.get("status", {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == type_), {})
