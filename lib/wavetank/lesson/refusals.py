"""What a quota or a limit range has kept from being made, made once it is gone.

What was deleted may count for a moment more: the API server decides by what it has heard of. So nothing is refused for
good before it was tried for some seconds.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.kube.refused import refused_by

__all__ = ["IN_THE_WAY", "apply_once_free", "have_pods_made_again"]

IN_THE_WAY = ("ResourceQuota", "LimitRange")
"""Kinds by which a namespace refuses objects."""
_WOKEN = "wavetank.dev/woken"
_TRIES = 10
_PAUSE = 0.5


def apply_once_free(kube: Kube, obj: Obj, namespace: str) -> None:
    """Apply ``obj``, again and again for 5 seconds as long as something in its namespace refuses it."""
    for attempt in range(1, _TRIES + 1):
        try:
            kube.apply(obj, namespace=namespace, force=True)
            return
        except KubeError as error:
            if attempt == _TRIES or not refused_by(error):
                raise
        time.sleep(_PAUSE)  # nobody tells when the server has heard that a quota is gone


def have_pods_made_again(kube: Kube, namespace: str) -> None:
    """Wake every ReplicaSet whose pods were refused, for 5 seconds at most.

    It would try again by itself, but after longer and longer, up to a quarter of an hour; a change of its own wakes it.
    """
    for _ in range(_TRIES):
        refused = [one for one in kube.list("ReplicaSet", namespace) if _is_refused(one)]
        if not refused:
            return
        for one in refused:
            woken = {"metadata": {"annotations": {_WOKEN: datetime.now(UTC).isoformat()}}}
            kube.patch("ReplicaSet", one["metadata"]["name"], namespace, woken)
        time.sleep(_PAUSE)  # one that is refused once more tells nothing new


def _is_refused(replica_set: Obj) -> bool:
    conditions = replica_set.get("status", {}).get("conditions") or ()
    return any(one["type"] == "ReplicaFailure" and one["status"] == "True" for one in conditions)
