"""Wait until an object is as it should be: on a watch, with a bound, and with an error that tells what was seen."""

from __future__ import annotations

from collections.abc import Callable

from wavetank.errors import WaitTimeoutError
from wavetank.kube.client import DEFAULT_NAMESPACE, Client, name_of
from wavetank.kube.connection import Obj
from wavetank.kube.diagnose import status_words, trouble_of
from wavetank.kube.kinds import Kind
from wavetank.kube.watch import SYNCED, changes

__all__ = ["Condition", "has_condition", "wait_for"]

Condition = Callable[[Obj | None], bool]
"""Whether an object is as it should be; None stands for its not being there."""


def wait_for(
    client: Client,
    kind: Kind,
    name: str,
    namespace: str | None,
    condition: Condition | str,
    *,
    timeout: float = 60.0,
    waiting_for: str = "",
) -> Obj:
    """Return the object ``name``, or the first of those a selector (``app=web``) finds, that meets ``condition``.

    ``condition`` is a function, or the type of a status condition to be True ("Ready"). It is asked with None when no
    object is there; if that is what is waited for, ``{}`` is returned. Raises `WaitTimeoutError` after ``timeout``
    seconds, telling what was last observed; `UnreachableError` when the API server stays away for 10 s.
    """
    met = condition if callable(condition) else has_condition(condition)
    by_selector = "=" in name
    kind_name = kind if isinstance(kind, str) else kind[1]
    waiting_for = waiting_for or f"{kind_name} {name}" + ("" if callable(condition) else f" to be {condition}")
    there: dict[str, Obj] = {}
    synced = False
    for type_, obj in changes(
        client,
        kind,
        namespace if by_selector else namespace or DEFAULT_NAMESPACE,
        selector=name if by_selector else "",
        fields="" if by_selector else f"metadata.name={name}",
        timeout=timeout,
    ):
        if type_ == SYNCED:
            synced = True
        elif type_ == "DELETED":
            there.pop(obj["metadata"]["uid"], None)
        else:
            there[obj["metadata"]["uid"]] = obj
            if met(obj):
                return obj
        if synced and not there and met(None):
            return {}
    last = next(reversed(there.values()), None)
    raise _timed_out(client, kind_name, name, namespace or DEFAULT_NAMESPACE, waiting_for, timeout, last)


def has_condition(type_: str) -> Condition:
    """Return the test for a status condition being True and not of an older generation than the object."""

    def met(obj: Obj | None) -> bool:
        if obj is None:
            return False
        status, generation = obj.get("status") or {}, obj["metadata"].get("generation", 0)
        for condition in status.get("conditions") or []:
            if condition["type"] == type_:
                seen = condition.get("observedGeneration") or status.get("observedGeneration") or generation
                return condition["status"] == "True" and bool(seen >= generation)
        return False

    return met


def _timed_out(
    client: Client, kind: str, name: str, namespace: str, waiting_for: str, timeout: float, last: Obj | None
) -> WaitTimeoutError:
    summary = f"waited {timeout:g} s for {waiting_for}"
    if last is None:
        return WaitTimeoutError(
            summary,
            observed=f"there is no {kind} {name} in {namespace}",
            command=client.connection.kubectl("-n", namespace, "get", kind),
        )
    trouble = trouble_of(client, last)
    command = client.connection.kubectl("-n", namespace, "describe", kind, name_of(last))
    if trouble is None:
        return WaitTimeoutError(summary, observed=status_words(last), command=command)
    return WaitTimeoutError(
        summary,
        observed="; ".join([f"pod {trouble.pod} {trouble.reason}", *trouble.events]),
        logs=trouble.logs,
        command=client.connection.kubectl("-n", namespace, "describe", "pod", trouble.pod),
    )
