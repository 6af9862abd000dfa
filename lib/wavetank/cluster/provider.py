"""The few verbs every way of making a cluster has, and what it says about itself.

Nothing above `wavetank.cluster` asks which provider it is on: where providers differ, `Info.capabilities` says so, with
the reason, and the lab shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from wavetank.cluster.spec import ClusterSpec
from wavetank.errors import NotSupportedError
from wavetank.steps import Step

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = [
    "CAPABILITIES",
    "PROVIDERS",
    "Capability",
    "Info",
    "Neighbour",
    "Node",
    "Provider",
    "info_of",
    "provider_for",
]

PROVIDERS: Mapping[str, str] = {"kind": "KindProvider"}
"""The providers there are: by the name of their module in `wavetank.cluster.providers`, the class in it. A module also
has an ``INFO``, what the provider says of itself."""

CAPABILITIES: Mapping[str, str] = {
    "kubernetes": "Kubernetes itself",
    "multi-node": "Several nodes",
    "node-stop": "A node that stops",
    "pod-network": "A network between pods",
    "resource-limits": "Limits of CPU and memory",
    "traffic": "Requests, latencies and errors",
    "service-mesh": "A service mesh",
    "node-capacity": "Nodes with a size of their own",
    "separate-machines": "Nodes that fail on their own",
    "distance": "Distance between nodes",
    "high-availability": "A control plane that may fail",
    "network-policy": "Network policies",
    "lasting-storage": "Storage that outlives a node",
    "load-balancer": "Load balancers",
    "node-autoscaling": "More nodes on demand",
}
"""What may be asked of a cluster, in a learner's words. Every provider says of each whether, and why (not)."""


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether something can be done on this cluster, and why (not)."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Info:
    """What a provider says of itself; it cannot be changed.

    Where a capability is another on a kind of engine (`wavetank.engine.kinds.KINDS`), ``engines`` has it by that kind.
    """

    name: str
    capabilities: Mapping[str, Capability]
    engines: Mapping[str, Mapping[str, Capability]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """A node as its provider sees it. ``state`` is the provider's word, "running" when all is well."""

    name: str
    role: str
    state: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A cluster of another owner's on the same engine: its name and its ports there, and ``who`` has made it.

    ``owner`` is the owner's id; empty when an older Wavetank has made it.
    """

    name: str
    who: str
    ports: tuple[int, ...] = ()
    owner: str = ""

    def __str__(self) -> str:
        return f"cluster {self.name} of {self.who}"


class Provider(Protocol):
    """A way to make clusters. A cluster is named as its owner calls it, and another owner's is never touched.

    Every verb is idempotent, and works from another process than the one that created.
    """

    def info(self) -> Info:
        """Return the provider's name and what it can do."""
        ...

    def claim(self, spec: ClusterSpec, bundle: Bundle) -> tuple[ClusterSpec, str]:
        """Make a name and ports the cluster's own, before anything else is made.

        Returns the spec with them, and a note. Those it asks for are its own unless others have them; a cluster that
        is there keeps its own. Raises `ClusterError` for a port that is taken and may be no other.
        """
        ...

    def beside_steps(self, spec: ClusterSpec, bundle: Bundle) -> Sequence[Step]:
        """Return the steps that need no node: what images are built on and pushed to. They are among all steps, too."""
        ...

    def create_steps(self, spec: ClusterSpec, bundle: Bundle) -> Sequence[Step]:
        """Return the steps after which all nodes of a claimed spec are Ready; the last one is called "nodes ready".

        One of them writes the cluster's mark (`wavetank.cluster.marking`). A cluster that is there already is started
        again and put right, never made anew.
        """
        ...

    def delete(self, name: str, *, keep_images: bool = False) -> str:
        """Remove everything ``name`` consists of, whatever state it is in, and return a note. A missing one is fine.

        With ``keep_images``, what was built and pushed in a lab is there again for the next cluster of that name.
        """
        ...

    def list(self) -> Sequence[str]:
        """Return the names of this owner's clusters, those half made included."""
        ...

    def neighbours(self) -> Sequence[Neighbour]:
        """Return the clusters that other owners have made in the same place."""
        ...

    def holder(self, spec: ClusterSpec) -> Callable[[int], str | None]:
        """Return what tells who but the cluster itself has a port of 127.0.0.1, None for one that is free."""
        ...

    def kubeconfig(self, name: str) -> Path:
        """Return the cluster's own kubeconfig file, 0600."""
        ...

    def nodes(self, name: str) -> tuple[Node, ...]:
        """Return the nodes, the control plane's first; none when there is no such cluster."""
        ...

    def load_images(self, name: str, bundle: Bundle, refs: Sequence[str], nodes: Sequence[str] = ()) -> str:
        """Put images of the bundle on ``nodes`` (all of them by default), ready for pods; return a note.

        Images that are there already are not moved again.
        """
        ...

    def stop_node(self, name: str, node: str) -> None:
        """Make a worker fall silent as if its power were cut; what runs on it is frozen."""
        ...

    def start_node(self, name: str, node: str) -> None:
        """Bring a stopped node back."""
        ...

    def collect_logs(self, name: str, folder: Path) -> None:
        """Write what helps to understand a broken cluster into ``folder``."""
        ...


def provider_for(spec: ClusterSpec) -> Provider:
    """Return the provider ``spec`` names; raises `EngineError` when what it needs does not answer."""
    if spec.provider not in PROVIDERS:
        raise NotSupportedError(
            f"no provider is called {spec.provider!r}",
            observed=spec.where("provider"),
            expected=f"provider: {' or '.join(PROVIDERS)}",
        )
    provider: Provider = getattr(_module(spec.provider), PROVIDERS[spec.provider])()
    return provider


def info_of(provider: str) -> Info:
    """Return what the provider of this name says of itself; asks no engine."""
    info: Info = _module(provider).INFO
    return info


def _module(provider: str) -> ModuleType:
    return import_module(f"wavetank.cluster.providers.{provider}")
