"""How a cluster is: one frozen value for the command line, for JSON and for a widget."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from wavetank.cluster.addons import ADDONS
from wavetank.cluster.berth import settled
from wavetank.cluster.provider import Capability, Neighbour, Node, Provider, provider_for
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder, kubeconfig_path
from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj, rollout_state

__all__ = ["NodeStatus", "Status", "status"]


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node: what its provider and what Kubernetes say of it."""

    name: str
    role: str
    state: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Status:
    """How a cluster is.

    ``state`` is "absent", "down" (its API server does not answer), "degraded" (a node or an addon is not ready) or
    "up"; ``addons`` says in words how each one that is there is; ``times`` has the ``seconds`` it took to bring the
    cluster up, and those of each of its ``steps``, in the order they ended. ``on_engine`` is what it is called on its
    engine, and ``neighbours`` are the clusters that other owners have there.
    """

    name: str
    provider: str
    state: str
    nodes: tuple[NodeStatus, ...]
    addons: Mapping[str, str]
    kubeconfig: str
    ingress: str
    capabilities: Mapping[str, Capability]
    times: Mapping[str, Any]
    on_engine: str = ""
    neighbours: tuple[Neighbour, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(replace(self, capabilities=dict(self.capabilities)))  # a read-only mapping cannot be copied

    def __str__(self) -> str:
        called = f", on its engine {self.on_engine}" if self.on_engine not in ("", self.name) else ""
        lines = [f"{self.name} ({self.provider}{called}): {self.state}"]
        lines += [
            f"  node   {node.name:<28} {'Ready' if node.ready else 'NotReady':<9} {node.state}" for node in self.nodes
        ]
        lines += [f"  addon  {name:<28} {words}" for name, words in self.addons.items()]
        if self.nodes:
            lines += [f"  ingress     {self.ingress}", f"  kubeconfig  {self.kubeconfig}"]
        for other in self.neighbours:
            ports = f", with the ports {', '.join(map(str, other.ports))}" if other.ports else ""
            lines.append(f"  not yours   {other}{ports}: it is also on this engine, and nothing here touches it")
        return "\n".join(lines)


def status(spec: ClusterSpec, *, provider: Provider | None = None) -> Status:
    """Look at the cluster and say how it is; never changes it."""
    provider = provider or provider_for(spec)
    spec = settled(spec)
    nodes = provider.nodes(spec.name)
    kubeconfig = kubeconfig_path(spec.name)
    answered: tuple[list[Obj], list[Obj]] | None = None
    if nodes and kubeconfig.is_file():
        kube = Kube.connect(kubeconfig)
        if kube.alive():
            try:
                answered = kube.list("Node"), kube.list("Deployment")
            except KubeError:
                answered = None  # it has gone between the two questions
    times = Folder(spec.name).times
    took = json.loads(times.read_text(encoding="utf-8")) if times.is_file() else {}
    return replace(
        describe(spec, provider, nodes, answered, took),
        on_engine=spec.on_engine if nodes else "",
        neighbours=tuple(provider.neighbours()),
    )


def describe(
    spec: ClusterSpec,
    provider: Provider,
    nodes: tuple[Node, ...],
    answered: tuple[list[Obj], list[Obj]] | None,
    times: Mapping[str, Any],
) -> Status:
    """Put together what the provider and the API (its Nodes and Deployments, None without an answer) said."""
    node_objects, deployments = answered or ([], [])
    ready = {node["metadata"]["name"] for node in node_objects if _is_ready(node)}
    seen = tuple(NodeStatus(node.name, node.role, node.state, node.name in ready) for node in nodes)
    addons = _addons(deployments)
    if not nodes:
        state = "absent"
    elif answered is None:
        state = "down"
    elif all(node.ready for node in seen) and all(words == "ready" for words in addons.values()):
        state = "up"
    else:
        state = "degraded"
    info = provider.info()
    return Status(
        name=spec.name,
        provider=info.name,
        state=state,
        nodes=seen,
        addons=addons,
        kubeconfig=str(kubeconfig_path(spec.name)),
        ingress=f"http://127.0.0.1:{spec.ports.ingress}",
        capabilities=info.capabilities,
        times=times,
    )


def _is_ready(node: Obj) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _addons(deployments: list[Obj]) -> dict[str, str]:
    by_place = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in deployments}
    words = {}
    for name, addon in ADDONS.items():
        there = [found for each in addon.deployments if (found := by_place.get((addon.namespace, each)))]
        if there:
            unfinished = [state.words for state in map(rollout_state, there) if not state.done]
            words[name] = unfinished[0] if unfinished else "ready"
    return words
