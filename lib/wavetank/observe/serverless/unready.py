"""How a revision is, in words: ready, asleep, waking up - or why it cannot get ready. Pure.

The reasons are those that Knative Serving 0.50 gives (pkg/apis/serving/v1/revision_lifecycle.go,
pkg/reconciler/revision, pkg/reconciler/autoscaling/kpa), and those it passes on from a pod's containers. What the pod
itself says comes behind, since it says more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wavetank.kube import Obj, explain_pod
from wavetank.observe.serverless.conditions import Condition, condition, in_words, readiness

__all__ = ["ASLEEP", "state_in_words"]

ASLEEP = "scaled to zero: nobody asks it"
_ACTIVITY = {
    "NoTraffic": ASLEEP,
    "Queued": "waking up: its requests wait in the activator until a pod is ready",
    "TimedOut": "could not be woken: no pod got ready in time",
}
_REASONS = {
    "ContainerMissing": "its image is not found",
    "CrashLoopBackOff": "its container keeps ending",
    "Deploying": "it is being deployed",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image has no valid name",
    "NotOwned": "something else has taken the name of what it needs",
    "ProgressDeadlineExceeded": "no pod of it got ready in time",
    "ResolvingDigests": "the digest of its image is being looked up",
    "Unschedulable": "no node takes its pod",
}
_OWN_WORDS = re.compile("^(Container failed with|Initial scale was never achieved)(: )?")
"""What Knative puts before, or in the place of, what happened."""


def state_in_words(revision: Obj, autoscaler: Obj | None, pods: Sequence[Obj]) -> str:
    """Return how ``revision`` is; ``pods`` are its own, without those that are being ended."""
    ready = readiness(revision)
    if ready.holds:
        active = condition(autoscaler, "Active") or condition(revision, "Active")
        if active is None or active.holds:
            return "ready"
        words = _ACTIVITY.get(active.reason, in_words(active))
        return words if words == ASLEEP else words + _of_a_pod(pods)
    said = _deepest(revision)
    return (_why(said) if said else in_words(ready)) + _of_a_pod(pods)


def _deepest(revision: Obj) -> Condition | None:
    """Return the condition that keeps a revision from being ready: one that fails, else one that is not known yet."""
    told = [condition(revision, type_) for type_ in ("ContainerHealthy", "ResourcesAvailable")]
    unmet = [said for said in told if said and not said.holds and said.reason]
    return next((said for said in unmet if said.holds is False), next(iter(unmet), None))


def _why(said: Condition) -> str:
    message = _OWN_WORDS.sub("", said.message)
    if code := re.fullmatch(r"ExitCode(\d+)", said.reason):
        words = f"its container ended with exit code {code[1]}"
    elif said.reason in _REASONS:
        words = _REASONS[said.reason]
    else:
        return in_words(said)
    return f"{words}: {message}" if message else words


def _of_a_pod(pods: Sequence[Obj]) -> str:
    """Return what keeps the first pod that is not ready from being so."""
    troubles = (explain_pod(pod) for pod in pods)
    trouble = next((trouble for trouble in troubles if trouble.reason), None)
    return f" (pod {trouble.pod}: {trouble.reason})" if trouble else ""
