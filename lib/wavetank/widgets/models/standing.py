"""Whether a cluster is what was asked for, in words that are the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from wavetank.cluster import ClusterSpec, Status
from wavetank.cluster.addons import ADDONS

__all__ = ["Up", "standing"]


@dataclass(frozen=True, slots=True, repr=False)
class Up:
    """A cluster that is up with what was asked for: the same words on every machine."""

    name: str
    nodes: int
    addons: tuple[str, ...]

    @classmethod
    def of(cls, spec: ClusterSpec) -> Self:
        """Return what ``spec`` is when it is up."""
        return cls(spec.name, len(spec.node_names), tuple(sorted(spec.addons)))

    def __str__(self) -> str:
        return f"cluster {self.name} is up: {self.nodes} nodes, addons {', '.join(self.addons) or 'none'}"

    __repr__ = __str__


def standing(spec: ClusterSpec, seen: Status) -> str:
    """Return in words whether the cluster that was ``seen`` is what ``spec`` asks for, and what it lacks."""
    if seen.state == "absent":
        return f"there is no cluster {spec.name} yet"
    if seen.state == "down":
        return f"cluster {spec.name} is there, but its API server does not answer"
    lacking = _lacking(spec, seen)
    return f"cluster {spec.name} is there, but not yet ready: {', '.join(lacking)}" if lacking else str(Up.of(spec))


def _lacking(spec: ClusterSpec, seen: Status) -> Sequence[str]:
    ready = {node.name for node in seen.nodes if node.ready}
    nodes = [f"node {name}" for name in spec.node_names if name not in ready]
    return nodes + [f"addon {name}" for name in spec.addons if name in ADDONS and seen.addons.get(name) != "ready"]
