"""Where a rollout stands: pure reading of a Deployment and its ReplicaSets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wavetank.kube.connection import Obj

__all__ = ["Revision", "Rollout", "asked_to_wait", "history", "rollout_state", "undo_patch"]

REVISION = "deployment.kubernetes.io/revision"
LONGEST_WAIT = 300.0
"""Seconds that a manifest's own waits may add up to: a learner is not kept longer."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A Deployment on its way from one template to the next; counts are pods."""

    name: str
    revision: int
    desired: int
    updated: int
    """of the newest template"""
    old: int
    """of older templates, still there"""
    ready: int
    available: int
    taken_up: bool
    """whether what was asked for last has been seen, and its ReplicaSet made"""
    done: bool
    failed: bool
    """no progress within the Deployment's progress deadline"""
    words: str

    def __str__(self) -> str:
        return f"deployment {self.name}: {self.words}"


@dataclass(frozen=True, slots=True)
class Revision:
    """One template that a Deployment has had."""

    number: int
    replica_set: str
    images: tuple[str, ...]
    replicas: int
    ready: int
    template: Obj


def rollout_state(deployment: Obj) -> Rollout:
    """Return where the rollout of ``deployment`` stands.

    It is ``done`` when ``kubectl rollout status`` says so and, when it was scaled down, no pod is left over.
    """
    spec, status, metadata = deployment["spec"], deployment.get("status", {}), deployment["metadata"]
    desired = spec.get("replicas", 1)
    total, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    seen = status.get("observedGeneration", 0) >= metadata.get("generation", 1)
    failed = seen and any(
        condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions") or []
    )
    done = False
    if not seen:
        words = "the change has not been taken up yet"
    elif failed:
        words = f"no progress for {spec.get('progressDeadlineSeconds', 600)} s"
    elif updated < desired:
        words = f"{updated} of {desired} pods are of the new template"
    elif total > updated:
        words = f"{total - updated} pods of an old template are still there"
    elif total > desired:
        words = f"{total - desired} pods too many are still there"
    elif available < updated:
        words = f"{available} of {updated} new pods are available"
    else:
        done, words = True, f"all pods ({desired}) are of the newest template and available"
    if not done and (refusal := _refusal(status)):
        words = f"{words}; {refusal}"
    return Rollout(
        name=metadata["name"],
        revision=int((metadata.get("annotations") or {}).get(REVISION, 0)),
        desired=desired,
        updated=updated,
        old=max(total - updated, 0),
        ready=status.get("readyReplicas", 0),
        available=available,
        taken_up=seen,
        done=done,
        failed=failed,
        words=words,
    )


def _refusal(status: Obj) -> str:
    """Return in the API server's words why a pod cannot even be made, empty when each could be."""
    for condition in status.get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return str(condition.get("message", ""))
    return ""


def history(deployment: Obj, replica_sets: Iterable[Obj]) -> list[Revision]:
    """Return the templates ``deployment`` has had and still keeps, oldest first."""
    uid = deployment["metadata"]["uid"]
    owned = [
        replica_set
        for replica_set in replica_sets
        if any(owner["uid"] == uid for owner in replica_set["metadata"].get("ownerReferences") or [])
    ]
    return sorted((_revision(replica_set) for replica_set in owned), key=lambda revision: revision.number)


def undo_patch(revisions: list[Revision], to: int | None = None) -> list[Obj] | None:
    """Return the JSON patch that puts the template of revision ``to`` back (default: the one before the newest).

    Returns None when there is no such revision.
    """
    candidates = revisions[:-1] if to is None else [revision for revision in revisions if revision.number == to]
    if not candidates:
        return None
    return [{"op": "replace", "path": "/spec/template", "value": candidates[-1].template}]


def _revision(replica_set: Obj) -> Revision:
    metadata, spec, status = replica_set["metadata"], replica_set["spec"], replica_set.get("status", {})
    annotations = metadata.get("annotations") or {}
    template = spec["template"]
    labels = {key: value for key, value in template["metadata"].get("labels", {}).items() if key != "pod-template-hash"}
    return Revision(
        number=int(annotations.get(REVISION, 0)),
        replica_set=metadata["name"],
        images=tuple(container["image"] for container in template["spec"]["containers"]),
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        template={**template, "metadata": {**template["metadata"], "labels": labels}},
    )


def asked_to_wait(deployment: Obj) -> float:
    """Return the seconds a rollout of ``deployment`` waits because its manifest asks to, `LONGEST_WAIT` at most.

    Each pod waits until its probes begin, and then for ``minReadySeconds``; so does the next step of it.
    """
    spec = deployment["spec"]
    containers = spec.get("template", {}).get("spec", {}).get("containers") or []
    delays = [
        sum((container.get(probe) or {}).get("initialDelaySeconds", 0) for probe in ("startupProbe", "readinessProbe"))
        for container in containers
    ]
    each = float(spec.get("minReadySeconds", 0) + max(delays, default=0))
    replicas: int = spec.get("replicas", 1)
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return min(each, LONGEST_WAIT)
    rolling = strategy.get("rollingUpdate") or {}
    step = _pods(rolling.get("maxSurge", "25%"), replicas, up=True)
    step += _pods(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return min(each * math.ceil(replicas / max(1, step)), LONGEST_WAIT)


def _pods(bound: int | str, replicas: int, *, up: bool) -> int:
    """Return how many of ``replicas`` a number or a percentage is, rounded as Kubernetes does."""
    if isinstance(bound, int):
        return bound
    share = replicas * float(bound.removesuffix("%")) / 100
    return math.ceil(share) if up else math.floor(share)
