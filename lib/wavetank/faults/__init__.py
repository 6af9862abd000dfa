"""Faults: trouble on purpose, and never for longer than asked.

A `Fault` says what goes wrong, where, and for how long. `CATALOGUE` says which kinds there are. As the custom resource
Fault it is injected and reverted by the operator in the cluster; `inject` creates one and the `FaultRun` it returns
watches and stops it. `emergency_stop` ends every load and every fault there is.

Read in this order: `catalogue` (the kinds), `schema` (the catalogue in a CRD's words), `resource` (Fault as a value and
as a Kubernetes object); then, all pure, `breakers` (faults that break a manifest), `switch` (faults inside the
application) and `mesh` (faults in the mesh) with `virtualservice` and `ownership`, on which it stands, and `remembered`
(what of a status is believed); and `run` (the notebook's side).

It never makes a fault without an end, never puts back what somebody else has changed since, and never touches the
cluster except through the Kubernetes API.
"""

from __future__ import annotations

from wavetank.faults.catalogue import CATALOGUE, TARGETS, Kind, Parameter
from wavetank.faults.resource import Fault, FaultStatus, Target
from wavetank.faults.run import Ended, FaultRun, active_faults, emergency_stop, inject

__all__ = [
    "CATALOGUE",
    "TARGETS",
    "Ended",
    "Fault",
    "FaultRun",
    "FaultStatus",
    "Kind",
    "Parameter",
    "Target",
    "active_faults",
    "emergency_stop",
    "inject",
]
