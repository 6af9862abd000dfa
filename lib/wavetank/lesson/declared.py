"""What a checkpoint is made of, and what has to happen to a namespace so that it is that and nothing else. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wavetank.errors import InputError
from wavetank.kube import FIELD_MANAGER, Obj
from wavetank.kube.manifest import parse
from wavetank.kube.pods import container_statuses
from wavetank.lesson.lab import Lab
from wavetank.waves import BINDING

__all__ = [
    "MADE_BY_THE_CLUSTER",
    "account",
    "declared",
    "full_name",
    "going",
    "has_a_past",
    "in_the_mesh",
    "is_function",
    "surplus",
    "take_over",
]

MADE_BY_THE_CLUSTER = {
    "ServiceAccount/default",
    "ConfigMap/kube-root-ca.crt",
    "ConfigMap/istio-ca-root-cert",
    "ConfigMap/istio-ca-crl",
    f"RoleBinding/{BINDING}",  # by which the operator is let in
}
_KINDS_OF_KUBERNETES = {"Endpoints", "Event", "PodMetrics"}
"""Kinds that controllers keep in step with other objects; deleting them would do nothing, or harm."""

_STUCK = {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError"}
"""Why a container waits longer and longer for its next try, although what it lacked may be there again."""

_LIMITED = "kubernetes.io/limit-ranger"
"""What a limit range leaves on a pod to which it has given requests or limits of its own."""

_KEEPERS = {"kube-controller-manager", "kube-scheduler", "kubelet"}


def full_name(obj: Obj) -> str:
    """Return ``Kind/name``, by which a lab's file names objects."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


_Identity = tuple[str, str, str]


def _identity(obj: Obj) -> _Identity:
    """Return group, kind and name: Kubernetes has a Service, and Knative another one."""
    group, slash, _ = obj["apiVersion"].partition("/")
    return group if slash else "", obj["kind"], obj["metadata"]["name"]


def declared(lab: Lab, checkpoint: str) -> list[Obj]:
    """Return the objects there are at ``checkpoint``, in the order to apply them.

    Raises `InputError` for a manifest that is not one, for an object outside the lab's namespace, and for one that is
    taken away without having been there.
    """
    objects: dict[_Identity, Obj] = {}
    for index, step in enumerate(lab.up_to(checkpoint)):
        for name in step.without:
            taken = [identity for identity, obj in objects.items() if full_name(obj) == name]
            if not taken:
                raise InputError(
                    f"{name} is not there before the checkpoint {step.id!r}",
                    where=lab.document.where("checkpoints", index, "without") if lab.document else "",
                    expected=f"one of: {', '.join(map(full_name, objects.values())) or 'nothing'}",
                )
            for identity in taken:
                del objects[identity]
        for manifest in step.manifests:
            for obj in parse(manifest, lab.namespace, enforce_namespace=True):
                objects[_identity(obj)] = obj
    return list(objects.values())


def surplus(found: Iterable[Obj], wanted: Sequence[Obj]) -> list[Obj]:
    """Return those of ``found`` that nobody wants: not declared, not the cluster's own, not owned by another."""
    there = {_identity(obj) for obj in wanted}
    return [
        obj
        for obj in found
        if _identity(obj) not in there
        and full_name(obj) not in MADE_BY_THE_CLUSTER
        and obj["kind"] not in _KINDS_OF_KUBERNETES
        and not obj["metadata"].get("ownerReferences")
        and "deletionTimestamp" not in obj["metadata"]
    ]


def going(found: Iterable[Obj], wanted: Sequence[Obj]) -> list[Obj]:
    """Return those of ``found`` that are wanted and on their way out: applied now, they would go all the same."""
    there = {_identity(obj) for obj in wanted}
    return [obj for obj in found if _identity(obj) in there and "deletionTimestamp" in obj["metadata"]]


def account(obj: Obj) -> str:
    """Return the service account that the pods of a workload run as, empty for what has none."""
    template = obj.get("spec", {}).get("template", {})
    return str(template.get("spec", {}).get("serviceAccountName", ""))


def is_function(obj: Obj) -> bool:
    """Tell whether an object is a Knative Service, which keeps as revisions what it was before it was changed."""
    return bool(obj["kind"] == "Service" and obj["apiVersion"].startswith("serving.knative.dev/"))


def take_over(managed_fields: Sequence[Obj]) -> list[Obj] | None:
    """Return managed fields in which Wavetank's apply owns what others have set, None if nobody else has.

    An apply removes the fields its manager owned and no longer names, and only those. So whoever wants *exactly* the
    manifest has to own everything first. What controllers report (``status``) stays theirs.
    This is what ``kubectl apply --server-side`` does once to objects of a client-side apply (client-go, csaupgrade).
    """
    mine = [entry for entry in managed_fields if entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply"]
    foreign = [
        entry
        for entry in managed_fields
        if entry not in mine and entry.get("subresource") != "status" and "fieldsV1" in entry
    ]
    foreign = [entry for entry in foreign if entry["manager"] not in _KEEPERS or entry.get("subresource") == "scale"]
    if not foreign:
        return None
    fields: Obj = {}
    for entry in [*mine, *foreign]:
        fields = _union(fields, entry.get("fieldsV1", {}))
    owner = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": (mine or foreign)[0]["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return [owner, *(entry for entry in managed_fields if entry not in mine and entry not in foreign)]


def has_a_past(pod: Obj) -> bool:
    """Tell whether a pod was restarted, has failed, waits for its next try, or was changed by hand or a limit range."""
    status = pod.get("status", {})
    for container in container_statuses(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if container.get("restartCount") or waiting.get("reason") in _STUCK:
            return True
    if _LIMITED in (pod["metadata"].get("annotations") or {}):
        return True
    managers = {entry["manager"] for entry in pod["metadata"].get("managedFields") or () if "subresource" not in entry}
    return status.get("phase") == "Failed" or not managers <= _KEEPERS


def in_the_mesh(lab: Lab, checkpoint: str) -> bool:
    """Tell whether pods get sidecars at ``checkpoint``: as the last checkpoint says that says anything."""
    said = [step.sidecars for step in lab.up_to(checkpoint) if step.sidecars is not None]
    return bool(said and said[-1])


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the union of two sets of fields: nested mappings whose leaves are empty."""
    union = dict(one)
    for key, value in other.items():
        union[key] = _union(union.get(key, {}), value)
    return union
