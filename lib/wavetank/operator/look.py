"""What a look at a resource comes to: what to tell about it, and when to look again.

Loads and faults are tended level-triggered: whoever looks does what is to be done now, from nothing but the resource
and the cluster as they are. So it makes no difference why one looks, how often, or whether the operator was restarted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FINALIZER", "FINISHED", "Look", "News"]

FINALIZER = "wavetank.dev/operator"
"""Keeps a load or fault that is deleted until its effect has ended."""


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
