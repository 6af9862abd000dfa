"""What a Load and a Fault have in common: each is a resource that is asked for, goes on, and ends by itself."""

from __future__ import annotations

from collections.abc import Mapping

from wavetank.errors import InputError
from wavetank.kube import Kube, Obj

__all__ = ["API_VERSION", "ENDED", "MAX_DURATION", "STOP_WITHIN", "begin", "is_over", "manifest", "require"]

API_VERSION = "wavetank.dev/v1alpha1"
MAX_DURATION = 3600.0
"""Seconds; nothing lasts longer than an hour."""
STOP_WITHIN = 10.0
"""Seconds until a stop that has not succeeded is an error; it usually takes less than two."""
ENDED: Mapping[str, frozenset[str]] = {
    "Load": frozenset({"Completed", "Stopped", "Failed"}),
    "Fault": frozenset({"Reverted", "Stopped", "Failed"}),
}
"""The phases in which each kind is over."""


def manifest(kind: str, name: str, namespace: str, spec: Obj) -> Obj:
    """Return the custom resource to create."""
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def is_over(resource: Obj) -> bool:
    """Tell whether a Load or Fault has ended."""
    return resource.get("status", {}).get("phase") in ENDED[resource["kind"]]


def begin(kube: Kube, resource: Obj, going: str) -> None:
    """Create ``resource`` in the place of an ended one of its name.

    Raises `InputError` when that one is still ``going``, and `KubeError` in the cluster's words when the cluster
    refuses the resource.
    """
    kind, name, namespace = resource["kind"].lower(), resource["metadata"]["name"], resource["metadata"]["namespace"]
    old = kube.find(resource["kind"], name, namespace)
    if old is not None:
        if not is_over(old):
            raise InputError(
                f"the {kind} {name} is still {going}",
                observed=f"{resource['kind']} {namespace}/{name}",
                command=kube.connection.kubectl("-n", namespace, "get", kind, name),
                hint="stop it first, or wait until it has ended",
            )
        kube.delete(old, namespace=namespace, wait=STOP_WITHIN)
    kube.create(resource)


def require(holds: bool, name: str, observed: object, expected: str) -> None:
    """Raise `InputError` that the field ``name`` is wrong, unless it ``holds``."""
    if not holds:
        raise InputError(f"{name} is wrong", observed=str(observed), expected=expected)
