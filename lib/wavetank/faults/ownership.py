"""Who has set the http routes of a VirtualService, and how a fault's changes leave that as it was; pure functions.

The API server notes who has set which field, and whoever changes a value becomes its owner: after a fault that has come
and gone, the learner's next ``kubectl apply --server-side`` would be in conflict with it. But an update may name owners
itself, and is taken at its word as far as it changes no value (kubernetes, apimachinery's
pkg/util/managedfields/internal/fieldmanager.go). So a second update hands back what the first has taken.

Istio's lists are atomic: all http routes of a VirtualService are one field.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from wavetank.kube import Obj

__all__ = ["MANAGER", "handed_back", "is_taken", "owners_of"]

MANAGER = "wavetank-faults"
"""As whom faults write. It owns routes between the two updates, and at no other time."""

_SPEC, _HTTP = "f:spec", "f:http"


def owners_of(obj: Obj) -> list[Obj]:
    """Return the entries of ``metadata.managedFields`` that own the http routes, each reduced to these; without us."""
    return [
        {**entry, "fieldsV1": {_SPEC: {_HTTP: {}}}}
        for entry in obj["metadata"].get("managedFields") or ()
        if _owns(entry) and entry["manager"] != MANAGER
    ]


def is_taken(obj: Obj) -> bool:
    """Tell whether the http routes are ours at the moment: they were changed, and not handed back yet."""
    return any(_owns(entry) and entry["manager"] == MANAGER for entry in obj["metadata"].get("managedFields") or ())


def handed_back(obj: Obj, owners: Sequence[Obj]) -> Obj | None:
    """Return ``obj`` with ``owners`` as those who have set the http routes, in our place; None if they are not ours."""
    if not is_taken(obj):
        return None
    given: Obj = copy.deepcopy(obj)
    entries = [entry for entry in given["metadata"]["managedFields"] if entry["manager"] != MANAGER]
    for owner in owners:
        entry = next((entry for entry in entries if _who(entry) == _who(owner)), None)
        if entry is None:
            entries.append(copy.deepcopy(owner))
        else:
            entry["fieldsV1"].setdefault(_SPEC, {})[_HTTP] = {}
    given["metadata"]["managedFields"] = entries or [{}]  # which is how Kubernetes wants to be told: none
    return given


def _owns(entry: Obj) -> bool:
    return _HTTP in (entry.get("fieldsV1") or {}).get(_SPEC, {})


def _who(entry: Obj) -> tuple[object, ...]:
    """Return what an entry is known by: the server keeps one for each."""
    version = None if entry["operation"] == "Apply" else entry["apiVersion"]
    return entry["manager"], entry["operation"], entry.get("subresource"), version
