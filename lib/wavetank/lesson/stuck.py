"""Pods that do not start however long one waits, because what they name is not there: no wait has to go on for them.

Left out is what may still come by itself: an image in a registry on loopback, which learners push to, and a pod that
has found no setting, when that has been made since.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.kube.pods import container_statuses
from wavetank.kube.rollout import history, rollout_state

__all__ = ["given_up_when_stuck"]

_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff"}
_NEVER = {"InvalidImageName", "ErrImageNeverPull"}
_JOIN_WITHIN = 10.0


@contextmanager
def given_up_when_stuck(kube: Kube, namespace: str, deployment: str, within: float) -> Iterator[threading.Event]:
    """Look on for ``within`` seconds; give an event that is set once a pod of the newest template cannot start."""
    stuck, over = threading.Event(), threading.Event()

    def look() -> None:
        with suppress(KubeError):  # then the wait takes its time
            for change, pod in kube.watch("Pod", namespace, timeout=within, stop=over):
                if change != "DELETED" and _never_starts(kube, pod) and _is_newest(kube, pod, deployment):
                    stuck.set()
                    return

    thread = threading.Thread(target=look, name="stuck", daemon=True)
    thread.start()
    try:
        yield stuck
    finally:
        over.set()
        thread.join(_JOIN_WITHIN)


def _is_newest(kube: Kube, pod: Obj, deployment: str) -> bool:
    """Tell whether a pod is of the newest template that a Deployment was given."""
    namespace = pod["metadata"]["namespace"]
    found = kube.find("Deployment", deployment, namespace)
    if found is None or not rollout_state(found).taken_up:
        return False
    newest = history(found, kube.list("ReplicaSet", namespace))[-1:]
    owners = {owner["name"] for owner in pod["metadata"].get("ownerReferences") or []}
    return any(revision.replica_set in owners for revision in newest)


def _never_starts(kube: Kube, pod: Obj) -> bool:
    for container in container_statuses(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in _NEVER:
            return True
        if reason in _NO_IMAGE and "not found" in message and not container["image"].startswith("localhost:"):
            return True
        if reason == "CreateContainerConfigError" and _lacks(kube, pod, container["name"]):
            return True
    return False


def _lacks(kube: Kube, pod: Obj, name: str) -> bool:
    """Tell whether a ConfigMap or a Secret that a container takes settings from is not there, or has not the key."""
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    container = next(one for one in containers if one["name"] == name)
    wanted = [entry.get("valueFrom") or {} for entry in container.get("env") or ()]
    wanted += [
        {"configMapKeyRef": entry.get("configMapRef"), "secretKeyRef": entry.get("secretRef")}
        for entry in container.get("envFrom") or ()
    ]
    for source in wanted:
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if (asked := source.get(field)) and not asked.get("optional"):
                found = kube.find(kind, asked["name"], pod["metadata"]["namespace"])
                if found is None or ("key" in asked and asked["key"] not in _keys(found)):
                    return True
    return False


def _keys(settings: Obj) -> set[str]:
    return {key for part in ("data", "binaryData") for key in settings.get(part) or {}}
