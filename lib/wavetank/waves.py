"""What a Load and a Fault have in common: each is a resource that is asked for, goes on, and ends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube, Obj
from wavetank.kube.bringing import bring

__all__ = [
    "API_VERSION",
    "BINDING",
    "ENDED",
    "FINALIZER",
    "MAX_DURATION",
    "OPERATOR",
    "STOP_WITHIN",
    "begin",
    "binding",
    "bring_operator_back",
    "is_held",
    "is_over",
    "let_operator_in",
    "letting_in",
    "manifest",
    "operator_away",
    "require",
]

API_VERSION = "wavetank.dev/v1alpha1"
FINALIZER = "wavetank.dev/operator"
"""Keeps a load or fault that is deleted until the operator has ended its effect."""
MAX_DURATION = 3600.0
"""Seconds; nothing lasts longer than an hour."""
OPERATOR = ("wavetank-operator", "wavetank-system")
"""The operator's Deployment, and where it is."""
BINDING, _RIGHTS = OPERATOR[0], "wavetank-operator-in-lab"
"""The RoleBinding in a namespace that lets the operator in, and the ClusterRole that it is let in with."""
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


def is_held(resource: Obj) -> bool:
    """Tell whether a Load or Fault that is deleted stays until the operator lets it go."""
    return FINALIZER in (resource["metadata"].get("finalizers") or ())


def let_operator_in(kube: Kube, namespace: str) -> None:
    """Let the operator do in ``namespace`` what loads and faults take: it may in no other.

    Raises `KubeError` for whoever may not give that right.
    """
    if kube.find("RoleBinding", BINDING, namespace) is None:
        kube.create(binding(namespace))


def binding(namespace: str) -> Obj:
    """Return what lets the operator into ``namespace``."""
    rights = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _RIGHTS}
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": BINDING, "namespace": namespace, "labels": labels},
        "roleRef": rights,
        "subjects": [{"kind": "ServiceAccount", "name": OPERATOR[0], "namespace": OPERATOR[1]}],
    }


def letting_in(namespace: str) -> str:
    """Return the command that does what `let_operator_in` does."""
    account = f"--serviceaccount={OPERATOR[1]}:{OPERATOR[0]}"
    return f"kubectl -n {namespace} create rolebinding {BINDING} --clusterrole={_RIGHTS} {account}"


def operator_away(kube: Kube) -> str:
    """Return why nobody ends loads and faults now; empty while the operator runs, or for whom may not know."""
    name, namespace = OPERATOR
    try:
        deployment = kube.find("Deployment", name, namespace)
    except KubeError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return ""
    if deployment is None:
        return f"there is no Deployment {name} in {namespace}"
    ready = deployment.get("status", {}).get("readyReplicas", 0)
    return "" if ready else f"the Deployment {name} in {namespace} has no pod that is ready"


def bring_operator_back(kube: Kube) -> str:
    """Return what to try while nobody ends loads and faults."""
    return f"{bring(kube.connection, 'the operator')}; the operator ends them, and then lets them go"


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
