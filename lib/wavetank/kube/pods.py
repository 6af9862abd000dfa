"""Why a pod is not ready, in words: pure reading of a Pod and its Events.

The order is that in which a pod comes to life: scheduled, images pulled, containers created, started, kept running,
probed ready. The first of these that failed is the reason; all that comes after it only follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wavetank.kube.connection import Obj

__all__ = [
    "PodTrouble",
    "container_statuses",
    "event_words",
    "explain_pod",
    "is_over",
    "is_ready",
    "troubled_container",
]


@dataclass(frozen=True, slots=True)
class PodTrouble:
    """What keeps a pod from being ready. ``reason`` is empty when nothing does."""

    pod: str
    reason: str
    container: str = ""
    events: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"pod {self.pod}: {self.reason or 'nothing is wrong'}"]
        lines += [f"  event: {event}" for event in self.events]
        lines += [f"  {self.container} | {line}" for line in self.logs]
        return "\n".join(lines)


def explain_pod(pod: Obj, events: Sequence[Obj] = (), logs: Sequence[str] = ()) -> PodTrouble:
    """Return why ``pod`` is not ready; ``events`` are those about it, ``logs`` its troubled container's last lines."""
    name = pod["metadata"]["name"]
    reason = next(_reasons(pod, events), "")
    if not reason:
        return PodTrouble(name, "")
    container = troubled_container(pod)
    warnings = [event_words(event) for event in events if event.get("type") == "Warning"]
    return PodTrouble(name, reason, container[0] if container else "", tuple(warnings[-3:]), tuple(logs))


def is_ready(pod: Obj) -> bool:
    """Tell whether the pod takes traffic."""
    return _condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def is_over(pod: Obj) -> bool:
    """Tell whether the pod has done its work: a mesh's sidecar, which is none of its containers, may outlive them."""
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return True
    containers = pod["status"].get("containerStatuses") or []
    ended = all("terminated" in container.get("state", {}) for container in containers)
    return pod["spec"].get("restartPolicy") == "Never" and bool(containers) and ended


def troubled_container(pod: Obj) -> tuple[str, bool] | None:
    """Return the container whose logs tell most and whether those of its previous run do; None if no container ran."""
    for status in container_statuses(pod):
        state, ended_before = status.get("state", {}), "terminated" in status.get("lastState", {})
        if "waiting" in state and ended_before:
            return status["name"], True
        if state.get("terminated", {}).get("exitCode"):
            return status["name"], False
        if "running" in state and not status.get("ready"):
            return status["name"], False
    return None


def event_words(event: Obj) -> str:
    """Return an Event as one line."""
    times = event.get("count") or event.get("series", {}).get("count") or 1
    message = " ".join((event.get("message") or "").split())
    return f"{event.get('reason', '')}: {message}" + (f" ({times} times)" if times > 1 else "")


def _reasons(pod: Obj, events: Sequence[Obj]) -> Iterator[str]:
    """Yield every reason that holds, the deepest first."""
    status = pod.get("status", {})
    if is_ready(pod) or (status.get("phase") == "Succeeded" and "deletionTimestamp" not in pod["metadata"]):
        return
    if "deletionTimestamp" in pod["metadata"]:
        grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
        yield f"is terminating (it has {grace} s to end by itself)"
    if status.get("phase") == "Failed" and status.get("reason"):
        yield f"has failed: {status['reason']}: {status.get('message', '')}".rstrip(": ")
    yield from _scheduling(pod)
    for container in container_statuses(pod):
        yield from _waiting(container, _limit(pod, container["name"]), events)
        yield from _ended(container, _limit(pod, container["name"]))
    for container in status.get("initContainerStatuses") or []:
        if "running" in container.get("state", {}) and not container.get("ready"):
            yield f"its init container {container['name']} is still running"
    for container in status.get("containerStatuses") or []:
        yield from _unready(container, _limit(pod, container["name"]), events)
    # Every container was ready when its node was last heard of.
    lost = _last(events, "NodeNotReady")
    yield f"its node {pod['spec']['nodeName']} " + ("does not answer" if lost else "has not reported it ready")


def _scheduling(pod: Obj) -> Iterator[str]:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        message = scheduled.get("message", "").partition(" preemption:")[0].rstrip(". ")
        yield f"no node takes it: {message or scheduled.get('reason', 'no reason given')}"
    elif not pod.get("spec", {}).get("nodeName"):
        yield "the scheduler has not looked at it yet"


def _waiting(container: Obj, limit: str, events: Sequence[Obj]) -> Iterator[str]:
    waiting = container.get("state", {}).get("waiting")
    if waiting is None:
        return
    name, reason, message = container["name"], waiting.get("reason", ""), waiting.get("message", "")
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        failed = _last(events, "Failed", "pull image")
        yield f"container {name}: cannot pull the image {container.get('image')}: {_core(failed or message)}"
    elif reason == "CrashLoopBackOff":
        last = container.get("lastState", {}).get("terminated", {})
        yield f"container {name} keeps ending ({_times(container)}), last time {_ending(last, limit)}"
    elif reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        yield f"container {name} cannot be started: {message}"
    elif mount := _last(events, "FailedMount"):
        yield f"container {name} cannot be started: {mount}"
    elif sandbox := _last(events, "FailedCreatePodSandBox"):
        yield f"container {name} cannot be started: {sandbox}"
    elif reason != "PodInitializing":
        yield f"container {name} is being started ({reason or 'waiting'})"


def _ended(container: Obj, limit: str) -> Iterator[str]:
    ended = container.get("state", {}).get("terminated")
    if ended and ended.get("exitCode"):
        yield f"container {container['name']} {_ending(ended, limit)}"


def _unready(container: Obj, limit: str, events: Sequence[Obj]) -> Iterator[str]:
    if "running" not in container.get("state", {}) or container.get("ready"):
        return
    name = container["name"]
    last = container.get("lastState", {}).get("terminated")
    history = f" (restarted {_times(container)}, last time it {_ending(last, limit)})" if last else ""
    if failure := _last(events, "Unhealthy"):
        probe = failure.partition(" ")[0].lower()
        yield f"container {name}: its {probe} probe fails: {_core(failure)}{history}"
    yield f"container {name} runs, but its readiness probe has not passed yet{history}"


def _ending(ended: Obj, limit: str) -> str:
    """Return how a container ended."""
    if ended.get("reason") == "OOMKilled":
        return f"was killed for using more memory than its limit{f' of {limit}' if limit else ''}"
    code = ended.get("exitCode", "unknown")
    message = " ".join((ended.get("message") or "").split())
    return f"ended with exit code {code}" + (f": {message}" if message else "")


def _times(container: Obj) -> str:
    count = container.get("restartCount", 0)
    return "once" if count == 1 else f"{count} times"


def container_statuses(pod: Obj) -> list[Obj]:
    """Return what is said of a pod's containers, those first that prepare it."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _limit(pod: Obj, name: str) -> str:
    """Return the memory limit of a container as it was written, empty when it has none."""
    spec = pod.get("spec", {})
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if container["name"] == name:
            limit: str = (container.get("resources") or {}).get("limits", {}).get("memory", "")
            return limit
    return ""


def _condition(pod: Obj, type_: str) -> Obj:
    conditions: list[Obj] = pod.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == type_), {})


def _last(events: Sequence[Obj], reason: str, part: str = "") -> str:
    """Return the message of the last event with ``reason`` whose message has ``part`` in it, empty if there is none."""
    for event in reversed(events):
        message = " ".join((event.get("message") or "").split())
        if event.get("reason") == reason and part in message:
            return message
    return ""


def _core(message: str) -> str:
    """Return a message without what its sender puts before it and what the sentence here has said already."""
    message = re.sub(r"^(Back-off|Failed to) pull(ing)? image \"[^\"]*\"(: )?", "", message)
    return re.sub(r"^(Liveness|Startup|Readiness) probe (failed|errored): ", "", message)
