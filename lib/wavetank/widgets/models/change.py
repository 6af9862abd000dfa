"""One thing the API server said: the input of every picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from wavetank.kube import Obj

__all__ = ["LISTED", "Change", "merged", "moment"]

LISTED = "LISTED"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Change:
    """``objects`` of ``kind`` as of ``at``.

    ``type`` is `LISTED` for all there are, else ``ADDED``, ``MODIFIED`` or ``DELETED`` for exactly one.
    """

    type: str
    kind: str
    objects: tuple[Obj, ...]
    at: datetime

    @property
    def object(self) -> Obj:
        """The one object of a change that is not a list."""
        return self.objects[0]


def merged(before: Mapping[str, _T], change: Change, read: Callable[[Obj], _T]) -> dict[str, _T]:
    """Return what there is after ``change``, by name: ``before`` with the objects of the change, read by ``read``."""
    names = {obj["metadata"]["name"]: obj for obj in change.objects}
    kept = {} if change.type == LISTED else {name: thing for name, thing in before.items() if name not in names}
    if change.type != "DELETED":
        kept |= {name: read(obj) for name, obj in names.items()}
    return dict(sorted(kept.items()))


def moment(text: str | None, otherwise: datetime) -> datetime:
    """Read a time of the API (RFC 3339, ``Z`` or an offset, micro seconds or none)."""
    return datetime.fromisoformat(text) if text else otherwise
