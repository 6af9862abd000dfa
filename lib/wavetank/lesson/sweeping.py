"""Taking objects away at once, with all that comes of them: nobody asks these anything any more.

Left to the cluster, what an object owns follows it in its own time: a pod after its grace, which its manifest may set
to an hour, and whoever waits for its volume or its place on a node after that.
"""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.kube import FIELD_MANAGER, Kube, Obj
from wavetank.waves import is_held

__all__ = ["delete_now", "is_going", "let_go", "sweep"]

_MAKERS = ("CronJob", "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController")
"""Kinds that make pods, each after those that make it: while one is there, it replaces what is taken from it."""


def is_going(obj: Obj) -> bool:
    """Tell whether an object was deleted, and is still there."""
    return "deletionTimestamp" in obj["metadata"]


def sweep(kube: Kube, found: Sequence[Obj], roots: Sequence[Obj]) -> None:
    """Delete ``roots``, and those of ``found`` that make pods for them, then these pods, without any grace."""
    delete_now(kube, roots)
    owned = {obj["metadata"]["uid"] for obj in roots}
    below: dict[str, Obj] = {}
    while more := [obj for obj in found if obj["metadata"]["uid"] not in owned and _owners(obj) & owned]:
        owned |= {obj["metadata"]["uid"] for obj in more}
        below |= {obj["metadata"]["uid"]: obj for obj in more}
    for kind in (*_MAKERS, "Pod"):
        those = [obj for obj in below.values() if obj["kind"] == kind]
        let_go(kube, those)
        delete_now(kube, those)


def delete_now(kube: Kube, objects: Sequence[Obj]) -> None:
    """Delete without any grace.

    A pod is off the list at once, and its node ends it. Else a function's pod that leaves already would be there for
    half a minute: it drains in a hook that no later order makes shorter.
    """
    for obj in objects:
        name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
        kube.delete_object((obj["apiVersion"], obj["kind"]), name, namespace, grace=0)


def let_go(kube: Kube, objects: Sequence[Obj]) -> None:
    """Take away the finalizers of those objects that have theirs from a manifest: nobody else ever would.

    Those that a controller has set stay, and so do a load's and a fault's, which go when its effect has ended.
    """
    for obj in objects:
        if obj["metadata"].get("finalizers") and _set_by_hand(obj) and not is_held(obj):
            name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
            kube.patch((obj["apiVersion"], obj["kind"]), name, namespace, {"metadata": {"finalizers": None}})


def _set_by_hand(obj: Obj) -> bool:
    """Tell whether a manifest or kubectl has set the finalizers, as the API server remembers for each field."""
    return any(
        (entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply") or entry["manager"].startswith("kubectl")
        for entry in obj["metadata"].get("managedFields") or ()
        if "f:finalizers" in (entry.get("fieldsV1") or {}).get("f:metadata", {})
    )


def _owners(obj: Obj) -> set[str]:
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()}
