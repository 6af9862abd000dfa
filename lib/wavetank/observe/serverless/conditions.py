"""What Knative says of its own objects: conditions, each true, false or not known yet, with a reason and a message.

Format: knative.dev/pkg apis, Condition and the duck type Status. The condition ``Ready`` sums the others up.
"""

from __future__ import annotations

from dataclasses import dataclass

from wavetank.kube import Obj

__all__ = ["NOT_LOOKED", "READY", "Condition", "condition", "in_words", "readiness"]

READY = "Ready"
NOT_LOOKED = "Knative has not looked at its latest change yet"


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether something ``holds`` (None: not known yet), and why; reason and message are empty where nobody said."""

    holds: bool | None
    reason: str = ""
    message: str = ""


def condition(obj: Obj | None, type_: str) -> Condition | None:
    """Return the condition of that type; None where there is no such object, or nobody has said anything of it."""
    told = ((obj or {}).get("status") or {}).get("conditions") or ()
    found = next((one for one in told if one["type"] == type_), None)
    if found is None:
        return None
    holds = {"True": True, "False": False}.get(found["status"])
    return Condition(holds, found.get("reason") or "", " ".join((found.get("message") or "").split()))


def readiness(obj: Obj) -> Condition:
    """Return whether ``obj`` as it is now is ready: what was said of an earlier generation does not count."""
    generation = obj["metadata"].get("generation", 0)
    seen = (obj.get("status") or {}).get("observedGeneration", 0)
    said = condition(obj, READY) if seen >= generation else None
    return said or Condition(None, message=NOT_LOOKED)


def in_words(said: Condition) -> str:
    """Return what Knative gives as the reason, in its own words."""
    return ": ".join(filter(None, (said.reason, said.message))) or "no reason given"
