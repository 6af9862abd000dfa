"""The faults of a namespace, and what there is to aim one at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wavetank.faults import CATALOGUE, Fault, FaultStatus, Target
from wavetank.faults.catalogue import TargetKind
from wavetank.kube import Obj
from wavetank.widgets.models.change import Change, merged

__all__ = ["FaultBoard", "after", "fault_for"]

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_AIMS: Mapping[str, TargetKind] = {"Deployment": "deployment", "Service": "service", "Node": "node"}
"""What stands in the catalogue for a kind that is watched."""


@dataclass(frozen=True, slots=True)
class FaultBoard:
    """Faults by name, on or over, and what a fault can be aimed at: by what it is, once it was listed, and by name."""

    faults: Mapping[str, FaultStatus] = field(default_factory=dict)
    there: Mapping[TargetKind, Mapping[str, Target | None]] = field(default_factory=dict)

    @property
    def active(self) -> list[FaultStatus]:
        """The faults that are not over."""
        return [fault for fault in self.faults.values() if not fault.ended]

    def targets(self, kind: str) -> list[Target]:
        """Return what a fault of ``kind`` can be aimed at here; nothing until all of it is known.

        The first of them is where a form begins: that must not depend on which list was the first to come.
        """
        fitting = [what for what in CATALOGUE[kind].targets if what in _AIMS.values()]
        if any(what not in self.there for what in fitting):
            return []
        return [target for what in fitting for target in self.there[what].values() if target]

    def text(self, now: datetime | None = None) -> str:
        """Return the active faults in words."""
        lines = [
            f"  {fault.kind} at {fault.target}: {fault.phase.lower()}, {fault.time_left(now):.0f} s left"
            for fault in self.active
        ]
        return "\n".join(["active faults:", *lines]) if lines else "no active fault"


def after(board: FaultBoard, change: Change) -> FaultBoard:
    """Return the board after ``change``; kinds it does not know leave it as it is."""
    match change.kind:
        case "Fault":
            return replace(board, faults=merged(board.faults, change, FaultStatus.from_resource))
        case "Deployment" | "Service" | "Node":
            what = _AIMS[change.kind]
            known = merged(board.there.get(what, {}), change, lambda obj: _target(what, obj))
            return replace(board, there={**board.there, what: known})
        case _:
            return board


def fault_for(kind: str, target: Target, seconds: float, parameters: Mapping[str, float]) -> Fault:
    """Return the fault a form describes, named after what it is; raises `InputError` naming the field that is wrong."""
    return Fault(f"{kind}-{target.name}", kind, target, seconds, parameters)


def _target(what: TargetKind, obj: Obj) -> Target | None:
    """Return an object as a target; None for a control plane, which is never stopped."""
    metadata = obj["metadata"]
    return None if _CONTROL_PLANE in metadata.get("labels", {}) else Target(what, metadata["name"])
