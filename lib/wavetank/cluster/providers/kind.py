"""A real Kubernetes in containers: nodes made by the kind program, everything else through the Docker Engine.

Nothing is remembered between two calls: what a cluster consists of is asked of the engine every time (`kind_parts`), so
every verb works from any process, whatever happened to the cluster meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.models.containers import Container

from wavetank import engine
from wavetank.cluster import beside, logs, owner
from wavetank.cluster.provider import Info, Neighbour, Node
from wavetank.cluster.providers.kind_claim import claim, holder, neighbours
from wavetank.cluster.providers.kind_creation import Creation
from wavetank.cluster.providers.kind_info import INFO
from wavetank.cluster.providers.kind_parts import AT_ONCE, ROLE, Parts, wake
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder
from wavetank.engine import run_in, telling
from wavetank.steps import Step

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = ["INFO", "KindProvider"]

CTR = ("ctr", "--namespace", "k8s.io")
# --local: read by ctr itself, in half the time that the transfer service takes.
IMPORT = (*CTR, "images", "import", "--local", "--all-platforms", "--snapshotter", "overlayfs", "-")


class KindProvider:
    """Clusters of kind on one Docker Engine."""

    def __init__(self, client: docker.DockerClient | None = None, *, in_place_of_owner: bool = False) -> None:
        """``in_place_of_owner``: names are the engine's own, as for the power agent, which has no owner's state."""
        self._client = client or engine.connect()
        self._in_place_of_owner = in_place_of_owner
        self._lock = threading.Lock()
        self._moving: dict[tuple[str, str], Future[None]] = {}  # by node and image

    def info(self) -> Info:
        """Return the provider's name and what it can do."""
        return INFO

    def claim(self, spec: ClusterSpec, bundle: Bundle) -> tuple[ClusterSpec, str]:
        """Make a name and ports the cluster's own by its network; return the spec with them, and a note."""
        return claim(self._client, spec, bundle)

    def beside_steps(self, spec: ClusterSpec, bundle: Bundle) -> Sequence[Step]:
        """Return the steps that need no node: the registry and the base of images."""
        return Creation(self._client, spec, bundle).beside()

    def create_steps(self, spec: ClusterSpec, bundle: Bundle) -> Sequence[Step]:
        """Return the steps after which all nodes are Ready, and what stands beside them runs."""
        return Creation(self._client, spec, bundle).steps()

    def delete(self, name: str, *, keep_images: bool = False) -> str:
        """Remove containers, their volumes, images of the learner's, the network and the folder of ``name``."""
        parts = self._parts(name)
        network = parts.network()
        with telling(f"removing cluster {name!r}"):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(beside.remove, parts.others()))
            parts.remove_nodes()
            if not keep_images:
                beside.remove_images(self._client, name)
            if network:
                network.remove()
        owner.forget(self._client)
        Folder(name).remove()
        others = [each for each in self.neighbours() if each.name == name]
        return f"left alone: {others[0]}" if others and not network else ""

    def list(self) -> Sequence[str]:
        """Return the names of this owner's clusters on this engine, those half made included."""
        with telling("listing clusters"):
            networks = self._client.networks.list(filters={"label": owner.CLUSTER})
        labels = [network.attrs["Labels"] for network in networks]
        return sorted(each[owner.CLUSTER] for each in labels if owner.is_mine(each))

    def neighbours(self) -> Sequence[Neighbour]:
        """Return the clusters on this engine that other owners have made."""
        return neighbours(self._client)

    def holder(self, spec: ClusterSpec) -> Callable[[int], str | None]:
        """Return what tells who but the cluster itself has a port of 127.0.0.1, None for one that is free."""
        return holder(self._client, but=self._parts(spec.name).on_engine())

    def kubeconfig(self, name: str) -> Path:
        """Return the cluster's own kubeconfig file, written anew from the control plane's."""
        folder = Folder(name)
        folder.write_kubeconfig(self._parts(name).kubeconfig(inside=False))
        return folder.kubeconfig

    def nodes(self, name: str) -> tuple[Node, ...]:
        """Return the nodes, the control plane's first."""
        containers = self._parts(name).nodes()
        return tuple(Node(str(each.name), each.labels[ROLE], each.status) for each in containers)

    def load_images(self, name: str, bundle: Bundle, refs: Sequence[str], nodes: Sequence[str] = ()) -> str:
        """Import images of the bundle on ``nodes`` at the same time; return a note."""
        targets = [node for node in self._parts(name).nodes() if not nodes or node.name in nodes]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            moved = list(pool.map(lambda node: self._import_missing(node, bundle, refs), targets))
        return "" if any(moved) else "there already"

    def _import_missing(self, node: Container, bundle: Bundle, refs: Sequence[str]) -> bool:
        """Import those images a node does not have; tell whether there were any."""
        missing = {(str(node.name), ref) for ref in _missing(node, bundle, refs)}
        with self._lock:  # what another step is moving there is waited for, not moved twice
            others = [self._moving[each] for each in missing if each in self._moving]
            own = sorted(missing - self._moving.keys())
            moved: Future[None] = Future()
            self._moving.update(dict.fromkeys(own, moved))
        try:
            if own:
                engine.feed(node, IMPORT, lambda sink: bundle.write_docker_archive([ref for _, ref in own], sink))
            moved.set_result(None)
        except BaseException as error:
            moved.set_exception(error)
            raise
        finally:
            with self._lock:
                for each in own:
                    del self._moving[each]
        for other in others:
            other.result()
        return bool(missing)

    def _parts(self, name: str) -> Parts:
        return Parts(self._client, name, name if self._in_place_of_owner else "")

    def stop_node(self, name: str, node: str) -> None:
        """Freeze a worker's container: its kubelet falls silent, as when the power is cut."""
        container = self._parts(name).worker(node)
        with telling(f"stopping {node}"):
            if container.status != "paused":
                container.pause()

    def start_node(self, name: str, node: str) -> None:
        """Bring a stopped worker back."""
        wake(self._parts(name).worker(node))

    def collect_logs(self, name: str, folder: Path) -> None:
        """Write every node's journal and pod logs, and what kind said, into ``folder``."""
        parts = self._parts(name)
        logs.collect(parts.nodes(), parts.others(), Folder(name), folder)


def _missing(node: Container, bundle: Bundle, refs: Sequence[str]) -> list[str]:
    # Beside the images of other imports under way there are complaints of what is not whole yet.
    listed = [line.split() for line in run_in(node, [*CTR, "images", "ls"]).splitlines()]
    there = {(fields[0], fields[2]) for fields in listed if len(fields) > 2}
    return [ref for ref in refs if (ref, bundle.image(ref).digest) not in there]
