"""Which stage something needs, and which stages of a cluster stand."""

from __future__ import annotations

from collections.abc import Iterable

from wavetank.bootstrap.journal import read_progress
from wavetank.bootstrap.process import running
from wavetank.bundle import STAGES, Stage
from wavetank.cluster import ClusterSpec, Status, status
from wavetank.cluster.addons import ADDONS
from wavetank.errors import WavetankError

__all__ = ["stage_of", "standing"]


def stage_of(addons: Iterable[str]) -> Stage:
    """Return the stage that has to be ready for a cluster with these addons: at least Kubernetes itself."""
    needed: list[Stage] = ["kubernetes", *(ADDONS[name].stage for name in addons if name in ADDONS)]
    return max(needed, key=STAGES.index)


def standing(spec: ClusterSpec) -> tuple[Stage, ...]:
    """Return the stages that can be used: as the process behind a lab says while there is one, else as they are seen.

    Seen is what ``spec``'s addons look like in the cluster; whoever has no engine has none.
    """
    if running() and (progress := read_progress()):
        return progress.ready
    try:
        return _seen(spec, status(spec))
    except WavetankError:
        return ()


def _seen(spec: ClusterSpec, seen: Status) -> tuple[Stage, ...]:
    """Return the stages of which every addon that ``spec`` asks for is ready. Nodes that run stand on containers."""
    if seen.state in ("absent", "down") or not all(node.ready for node in seen.nodes):
        return ("containers",) if seen.nodes else ()
    lacking = {ADDONS[name].stage for name in spec.addons if name in ADDONS and seen.addons.get(name) != "ready"}
    ready: list[Stage] = []
    for stage in STAGES:
        if stage in lacking:
            break
        ready.append(stage)
    return tuple(ready)
