"""Start a lab's load or fault whatever was before: one of its name that is still on is ended first."""

from __future__ import annotations

from wavetank.errors import KubeError
from wavetank.faults import Fault, FaultRun, inject
from wavetank.kube import Kube
from wavetank.traffic import Load, LoadRun, start_load

__all__ = ["fault_anew", "load_anew"]


def load_anew(kube: Kube, load: Load, namespace: str) -> LoadRun:
    """Start ``load`` and return its run; raises what `wavetank.traffic.start_load` does."""
    if kube.find("Load", load.name, namespace):
        LoadRun(kube, load.name, namespace).stop()
    return start_load(kube, load, namespace)


def fault_anew(kube: Kube, fault: Fault, namespace: str) -> FaultRun:
    """Inject ``fault`` and return its run once it has taken effect; raises `KubeError` when it could not."""
    if kube.find("Fault", fault.name, namespace):
        FaultRun(kube, fault.name, namespace).stop()
    run = inject(kube, fault, namespace)
    status = run.wait_active()
    if status.phase == "Failed":
        raise KubeError(
            f"the fault {fault.name} could not be injected",
            observed=status.message,
            command=f"kubectl -n {namespace} describe fault {fault.name}",
        )
    return run
