"""What a look at a resource comes to: what to tell about it, and when to look again.

Loads and faults are tended level-triggered: whoever looks does what is to be done now, from nothing but the resource
and the cluster as they are. So it makes no difference why one looks, how often, or whether the operator was restarted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from wavetank.errors import InputError
from wavetank.faults.resource import from_rfc3339
from wavetank.kube import Obj

__all__ = ["FINISHED", "Look", "News", "age_of", "latest_end", "refuse_stale"]


@dataclass(frozen=True, slots=True)
class News:
    """Something worth an Event on the resource. ``reason`` is one word in CamelCase, as Kubernetes has it."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


@dataclass(frozen=True, slots=True)
class Look:
    """``again`` is in how many seconds to look again if nothing happens until then; None: never, it is finished."""

    again: float | None
    news: tuple[News, ...] = ()


FINISHED = Look(again=None)

_BEGIN_WITHIN = timedelta(seconds=10)


def age_of(obj: Obj) -> timedelta:
    """Return how long ago ``obj`` was created, to the second."""
    now = datetime.now(UTC)
    return now - (from_rfc3339(obj["metadata"]["creationTimestamp"]) or now)


def latest_end(resource: Obj, duration: float) -> datetime:
    """Return when a load or fault of ``duration`` seconds is over, however late it began, whatever its status says."""
    lasts = timedelta(seconds=duration)
    created = from_rfc3339(resource["metadata"]["creationTimestamp"]) or datetime.now(UTC)
    return created + max(lasts, _BEGIN_WITHIN) + lasts + _BEGIN_WITHIN


def refuse_stale(resource: Obj, duration: float) -> None:
    """Raise `InputError` when a load or fault of ``duration`` seconds has waited so long that nobody expects it now."""
    if age_of(resource) > max(timedelta(seconds=duration), _BEGIN_WITHIN):
        raise InputError("it could not begin in its time", hint="make it again")
