"""Gather what explains an object that is not as it should be: its pods, their events, the last words in their logs."""

from __future__ import annotations

from wavetank.errors import KubeError
from wavetank.kube.client import Client, name_of, namespace_of
from wavetank.kube.connection import Obj
from wavetank.kube.logs import logs
from wavetank.kube.pods import PodTrouble, explain_pod, is_ready, troubled_container

__all__ = ["events", "explain", "status_words", "trouble_of"]

LAST_WORDS = 10
"""How many log lines an error shows."""


def events(client: Client, namespace: str, about: str | None = None) -> list[Obj]:
    """Return the Events of a namespace, or those about the object named ``about``, oldest first."""
    fields = f"involvedObject.name={about}" if about else ""
    return sorted(client.list(("v1", "Event"), namespace, fields=fields), key=_when)


def explain(client: Client, pod: Obj) -> PodTrouble:
    """Return why ``pod`` is not ready, with its last warnings and the last log lines of the container to blame."""
    name, namespace = name_of(pod), namespace_of(pod)
    # A pod that was deleted and made again under its name has left Events behind.
    about = [
        e
        for e in events(client, namespace, name)
        if e["involvedObject"].get("uid") in (None, pod["metadata"].get("uid"))
    ]
    container = troubled_container(pod)
    last_words = _last_words(client, pod, *container) if container else []
    return explain_pod(pod, about, last_words)


def _last_words(client: Client, pod: Obj, container: str, previous: bool) -> list[str]:
    """Return the last lines of a container's log, those of its other run where this one has said nothing."""
    for which in (previous, not previous):  # a container that was restarted since ``pod`` was read has a new, empty log
        try:
            text = logs(client, name_of(pod), namespace_of(pod), container, tail=LAST_WORDS, previous=which)
        except KubeError:  # its node is gone, or the runtime has dropped them: the reason is told without
            continue
        if text:
            return text.splitlines()
    return []


def trouble_of(client: Client, obj: Obj) -> PodTrouble | None:
    """Return what is wrong with a pod, or with the newest unready pod that a workload selects.

    Returns None when nothing is, or nobody can tell: this explains another error and must not become one.
    """
    try:
        troubles = (explain(client, pod) for pod in _pods_of(client, obj) if not is_ready(pod))
        return next((trouble for trouble in troubles if trouble.reason), None)
    except KubeError:
        return None


def _pods_of(client: Client, obj: Obj) -> list[Obj]:
    """Return the pods of a workload, newest first, those that are about to go only when there are no others."""
    if obj["kind"] == "Pod":
        return [obj]
    labels = obj.get("spec", {}).get("selector", {}).get("matchLabels") or {}
    if not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = client.list("Pod", namespace_of(obj), selector)
    pods.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]] or pods


def status_words(obj: Obj) -> str:
    """Return what the status of any object says, as one line."""
    status = obj.get("status") or {}
    words = f": {status['message']}" if status.get("message") else ""
    told = [f"phase {status['phase']}{words}"] if "phase" in status else []
    for condition in status.get("conditions") or []:
        why = ": ".join(condition[part] for part in ("reason", "message") if condition.get(part))
        told.append(f"{condition['type']}={condition['status']}" + (f" ({why})" if why else ""))
    return "; ".join(told) or "it has no status yet"


def _when(event: Obj) -> str:
    series = event.get("series") or {}
    when = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(when or event["metadata"].get("creationTimestamp") or "")
