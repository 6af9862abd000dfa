"""What keeps something that was deleted from going: whose it is to let go, and what to do if nobody does.

A finalizer on an object keeps it, and its namespace, until whoever has set it takes it away. Loads and faults carry the
operator's, so that none goes before its effect has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from wavetank.errors import ClusterError, NotFoundError, WaitTimeoutError
from wavetank.kube import Kube, Obj
from wavetank.lesson.declared import full_name
from wavetank.waves import OPERATOR, bring_operator_back, is_held, operator_away

__all__ = ["held_up", "require_operator"]

_OPERATOR_WITHIN = 10.0
"""Seconds in which an operator that is being restarted is ready again."""
_CLEAR = '{"metadata":{"finalizers":null}}'


def require_operator(kube: Kube, namespace: str) -> None:
    """Return when somebody is there to end the loads and faults of ``namespace``, or nobody is needed.

    Raises `ClusterError`, before anything is changed, naming what would stay.
    """
    held = [one for kind in ("Load", "Fault") for one in _there(kube, kind, namespace) if is_held(one)]
    if not held or not operator_away(kube):
        return
    with suppress(WaitTimeoutError):
        kube.wait_for(
            "Deployment",
            *OPERATOR,
            lambda obj: obj is not None and bool(obj.get("status", {}).get("readyReplicas")),
            timeout=_OPERATOR_WITHIN,
        )
    if away := operator_away(kube):
        raise ClusterError(
            f"nobody is there to end {', '.join(map(full_name, held))} in {namespace}",
            observed=f"{away}; a load or fault stays until the operator has ended it, and its namespace with it",
            expected="a running operator",
            command=kube.connection.kubectl("-n", "wavetank-system", "get", "deployments,pods"),
            hint=bring_operator_back(kube),
        )


def held_up(kube: Kube, namespace: str, objects: Iterable[Obj], error: WaitTimeoutError) -> WaitTimeoutError:
    """Return ``error`` with what holds ``objects`` of ``namespace``, which were deleted: their finalizers.

    Of objects without any it is returned as it is.
    """
    held = [(obj, finalizers) for obj in objects if (finalizers := _finalizers(obj))]
    if not held:
        return error
    (first, _), *_ = held
    place = ("-n", namespace, "patch", f"{first['kind'].lower()}/{first['metadata']['name']}")
    return WaitTimeoutError(
        error.summary,
        observed="held by finalizers: " + "; ".join(f"{full_name(obj)} by {', '.join(names)}" for obj, names in held),
        expected="that whoever has set them takes them away",
        command=kube.connection.kubectl(*place, "--type=merge", "-p", _CLEAR),
        hint="if nobody does, the command above takes those of the first away; then the same again",
    )


def _finalizers(obj: Obj) -> Sequence[str]:
    return obj["metadata"].get("finalizers") or ()


def _there(kube: Kube, kind: str, namespace: str) -> list[Obj]:
    try:
        return kube.list(kind, namespace)
    except NotFoundError:  # a cluster that does not have the kind has none of them
        return []
