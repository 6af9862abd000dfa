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


@dataclass(frozen=True, slots=True)
class FaultBoard:
    """Faults by name, on or over, and the names of what a fault can be aimed at."""

    faults: Mapping[str, FaultStatus] = field(default_factory=dict)
    deployments: Mapping[str, Target] = field(default_factory=dict)
    services: Mapping[str, Target] = field(default_factory=dict)
    workers: Mapping[str, Target | None] = field(default_factory=dict)

    @property
    def active(self) -> list[FaultStatus]:
        """The faults that are not over."""
        return [fault for fault in self.faults.values() if not fault.ended]

    def targets(self, kind: str) -> list[Target]:
        """Return what a fault of ``kind`` can be aimed at here."""
        there = {"deployment": self.deployments, "service": self.services, "node": self.workers}
        fitting = (there.get(what, {}) for what in CATALOGUE[kind].targets)
        return [target for targets in fitting for target in targets.values() if target]

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
        case "Deployment":
            return replace(board, deployments=merged(board.deployments, change, lambda obj: _named("deployment", obj)))
        case "Service":
            return replace(board, services=merged(board.services, change, lambda obj: _named("service", obj)))
        case "Node":
            return replace(board, workers=merged(board.workers, change, _worker))
        case _:
            return board


def fault_for(kind: str, target: Target, seconds: float, parameters: Mapping[str, float]) -> Fault:
    """Return the fault a form describes, named after what it is; raises `InputError` naming the field that is wrong."""
    return Fault(f"{kind}-{target.name}", kind, target, seconds, parameters)


def _named(what: TargetKind, obj: Obj) -> Target:
    return Target(what, obj["metadata"]["name"])


def _worker(node: Obj) -> Target | None:
    """Return a node as a target; None for a control plane, which is never stopped."""
    return None if _CONTROL_PLANE in node["metadata"].get("labels", {}) else _named("node", node)
