"""Start a lab's load, fault or pipeline; a load or fault of its name that is still on is ended first."""

from __future__ import annotations

from collections.abc import Callable

from wavetank.errors import InputError, KubeError
from wavetank.faults import Fault, FaultRun, inject
from wavetank.images.pipeline import Pipeline, RunRecord, load_pipeline, run_pipeline
from wavetank.kube import Kube
from wavetank.lesson.lab import Lab
from wavetank.lesson.workshop import Workshop
from wavetank.traffic import Load, LoadRun, start_load

__all__ = ["fault_anew", "lab_pipeline", "load_anew", "ship"]


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


def ship(
    kube: Kube, images: Workshop, lab: Lab, file: str, version: str, watch: Callable[[RunRecord], None]
) -> RunRecord:
    """Ship ``version`` through the pipeline in one of the exercises' files, and return the record of it."""
    pipeline = lab_pipeline(images, lab, file)
    return run_pipeline(pipeline, version, engine=images.engine, kube=kube, namespace=lab.namespace, watch=watch)


def lab_pipeline(images: Workshop, lab: Lab, file: str) -> Pipeline:
    """Return the pipeline in one of the exercises' files; paths in it begin where the learner's own file is."""
    known = {each.name: each.learner for exercise in lab.exercises for each in exercise.files}
    if file not in known:
        raise InputError(f"no exercise of this lab has a file {file!r}", expected=f"one of: {', '.join(sorted(known))}")
    return load_pipeline(images.file(known[file]), known[file].parent)
