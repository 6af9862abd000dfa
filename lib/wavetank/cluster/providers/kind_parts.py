"""What one kind cluster consists of on the engine, found by its labels; whose it is, and how to talk to it.

A cluster is its owner's whose labels its network carries; it carries them before the first node exists, so a cluster
that was interrupted half-way is still known. kind calls the nodes' cluster as their network is called, which need not
be what its owner calls it: another owner may have had that name first.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from wavetank.cluster import beside, owner
from wavetank.document import read_documents, write_yaml
from wavetank.engine import about, read_file, telling
from wavetank.errors import ClusterError, NotSupportedError

__all__ = ["AT_ONCE", "CLUSTER", "ROLE", "Parts", "wake"]

AT_ONCE = 4
"""How many containers are worked on at the same time."""

CLUSTER = "io.x-k8s.kind.cluster"
ROLE = "io.x-k8s.kind.role"
"""The labels that kind gives its nodes' containers."""


class Parts:
    """The parts of what this owner calls ``name``, looked up anew with every question.

    What stands in the place of an owner, the power agent, names the cluster ``on_engine``, and so its nodes.
    """

    def __init__(self, client: docker.DockerClient, name: str, on_engine: str = "") -> None:
        self.client = client
        self.name = name
        self._on_engine = on_engine

    def nodes(self) -> tuple[Container, ...]:
        """Return the nodes' containers in whatever state, the control plane's first."""
        on_engine = self._on_engine or self.on_engine()
        if not on_engine:
            return ()
        with telling(f"looking for the nodes of {self.name!r}"):
            found = self.client.containers.list(
                all=True, filters={"label": f"{CLUSTER}={on_engine}"}, ignore_removed=True
            )
        return tuple(sorted(found, key=lambda node: (node.labels[ROLE] != "control-plane", node.name or "")))

    def others(self) -> tuple[Container, ...]:
        """Return the containers beside the nodes."""
        return tuple(beside.containers(self.client, self.name))

    def on_engine(self) -> str:
        """Return what the cluster is called on the engine; empty when there is none."""
        network = self.network()
        return str(network.name) if network else ""

    def remove_nodes(self) -> None:
        """Remove the nodes with their volumes, whatever state they are in; none is fine."""
        on_engine = self.on_engine()
        with telling(f"removing the nodes of {self.name!r}"):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(beside.remove, self.nodes()))
            if about(self.client).named_volumes:
                for volume in self.client.volumes.list():
                    # kind labels each with the name of its node, and with nothing else.
                    if any(_is_node(label, on_engine) for label in volume.attrs.get("Labels") or {}):
                        volume.remove(force=True)

    def network(self) -> Network | None:
        """Return the cluster's network, by which it is this owner's; None when there is none."""
        with telling(f"looking for the network of {self.name!r}"):
            found = self.client.networks.list(filters={"label": f"{owner.CLUSTER}={self.name}"})
        return next((network for network in found if owner.is_mine(network.attrs.get("Labels"))), None)

    def worker(self, node: str) -> Container:
        """Return a worker's container; raises `NotSupportedError` for the control plane's name."""
        for container in self.nodes():
            if container.name == node and container.labels[ROLE] == "worker":
                return container
            if container.name == node:
                raise NotSupportedError(
                    f"{node} is the control plane: it is never stopped", expected="the name of a worker"
                )
        raise ClusterError(f"cluster {self.name!r} has no node {node!r}", command="kubectl get nodes")

    def kubeconfig(self, *, inside: bool) -> str:
        """Return the administrator's kubeconfig, for use on this machine or ``inside`` the cluster's network."""
        nodes = self.nodes()
        if not nodes:
            raise ClusterError(f"there is no cluster {self.name!r}", command="wavetank status", hint="`wavetank up`")
        (document,) = read_documents(read_file(nodes[0], "/etc/kubernetes/admin.conf"), "admin.conf")
        config: dict[str, Any] = document.data
        cluster, context, user = config["clusters"][0], config["contexts"][0], config["users"][0]
        if not inside:
            published = nodes[0].attrs["NetworkSettings"]["Ports"]["6443/tcp"][0]
            address = urlsplit(cluster["cluster"]["server"])
            cluster["cluster"]["server"] = address._replace(netloc=f"127.0.0.1:{published['HostPort']}").geturl()
        cluster["name"] = context["name"] = user["name"] = config["current-context"] = self.name
        context["context"] = {"cluster": self.name, "user": self.name}
        return write_yaml(config)


def _is_node(label: str, on_engine: str) -> bool:
    return bool(on_engine) and re.fullmatch(rf"{re.escape(on_engine)}-(control-plane|worker\d*)", label) is not None


def wake(node: Container) -> bool:
    """Let a stopped or frozen node run again; tell whether it had to be woken."""
    with telling(f"starting {node.name}"):
        if node.status == "running":
            return False
        if node.status == "paused":
            node.unpause()
        else:
            node.start()
    return True
