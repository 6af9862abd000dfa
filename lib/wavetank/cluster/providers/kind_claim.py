"""Claiming a place on the engine for a kind cluster: a name and ports that nobody else has, written on its network.

Engines give a name of a network to one who asks; ports, nobody keeps before a container has them. So the network says
which ports its cluster has, and of two that are claimed at the same moment the older one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import docker
from docker.models.networks import Network

from wavetank.cluster import owner
from wavetank.cluster.berth import PORTS, Berth, choose, label_of, needed, ports_from, refuse_port, words_of
from wavetank.cluster.beside import PREFIX
from wavetank.cluster.ports import taken_by
from wavetank.cluster.provider import Neighbour
from wavetank.cluster.providers.kind_parts import CLUSTER, Parts
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder
from wavetank.engine import telling
from wavetank.errors import BundleError, ClusterError, InputError

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = ["claim", "holder", "neighbours"]

TRIES = 20
"""How often a berth is chosen anew when somebody else was quicker."""

BESIDE = ("registry", "power")


def claim(client: docker.DockerClient, spec: ClusterSpec, bundle: Bundle) -> tuple[ClusterSpec, str]:
    """Make a name and ports the cluster's own, after all was checked that would be in the way later.

    Returns the spec with those, and a note. A cluster that is there keeps what it has.
    """
    _check_version(spec, bundle)
    with telling("asking the engine for its architecture"):
        _check_architecture(bundle, str(client.version()["Arch"]))
    parts = Parts(client, spec.name)
    if Folder(spec.name).being_made.exists():  # an `up` before this one was interrupted while it made them
        parts.remove_nodes()
    network, beside = parts.network(), parts.others()
    if network and not parts.nodes() and not beside:  # nothing is on it yet: what it claims may be taken by now
        with telling(f"removing the network {network.name}"):
            network.remove()
        network = None
    network = network or _made(client, spec)
    ports = ports_from(network.attrs["Labels"].get(PORTS)) or spec.ports
    here = replace(spec, ports=ports, engine_name=str(network.name))
    Berth(spec.name, here.on_engine, ports, network.attrs["Labels"].get(owner.OWNER, "")).write()
    note = words_of(spec, here.on_engine, ports)
    if parts.nodes():
        return here, note or "there already"
    for key, port in asdict(ports).items():
        needed_now = key != "registry" or ("registry" in spec.addons and not beside)
        if needed_now and (who := taken_by(port)) is not None:
            raise refuse_port(spec, key, port, who)
    return here, note


def neighbours(client: docker.DockerClient) -> list[Neighbour]:
    """Return the clusters on the engine that other owners have made with Wavetank."""
    with telling("looking for the clusters of other owners"):
        networks = client.networks.list(filters={"label": owner.CLUSTER})
    others = [network for network in networks if not owner.is_mine(network.attrs["Labels"])]
    return sorted(map(_neighbour, others), key=lambda each: each.name)


def holder(client: docker.DockerClient, *, but: str = "") -> Callable[[int], str | None]:
    """Return what tells who has a port of 127.0.0.1: a cluster on the engine ``but`` one, or whoever listens there."""
    claimed = dict(_claimed(client, but))

    def who_has(port: int) -> str | None:
        if port in claimed:
            return claimed[port]
        return taken_by(port)

    return who_has


def _made(client: docker.DockerClient, spec: ClusterSpec) -> Network:
    """Choose name and ports, and make the network that claims them; who was quicker keeps what both have chosen."""
    for _ in range(TRIES):
        name, ports = choose(spec, _names(client, spec), holder(client))
        labels = {**owner.labels(spec.name), owner.WHO: owner.who(), PORTS: label_of(ports)}
        with telling("creating the cluster's network"):
            try:
                made = client.networks.create(name, driver="bridge", labels=labels, check_duplicate=True)
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise
                continue  # the name was free a moment ago
            if not _older(client, made, {port for key, port in asdict(ports).items() if key in needed(spec)}):
                return made
            made.remove()
    raise ClusterError(
        f"there is no place on the engine for {spec.name!r}",
        observed=f"each of {TRIES} times somebody else was quicker",
        command="docker network ls --filter label=dev.wavetank.cluster",
        hint="`wavetank up` again",
    )


def _older(client: docker.DockerClient, made: Network, ports: set[int]) -> bool:
    """Tell whether a network that was made before has the same name, or says that one of the ports is its own."""
    for other in client.networks.list():
        if other.id == made.id or _age(other) > _age(made):
            continue
        theirs = ports_from((other.attrs.get("Labels") or {}).get(PORTS))
        if other.name == made.name or (theirs and ports & set(asdict(theirs).values())):
            return True
    return False


def _age(network: Network) -> tuple[str, str]:
    return str(network.attrs.get("Created", "")), str(network.id)


def _names(client: docker.DockerClient, spec: ClusterSpec) -> set[str]:
    """Return the names of clusters that are somebody's: a network's, kind's, or what a container or volume goes by."""
    with telling("looking for names that are taken"):
        networks = {str(network.name) for network in client.networks.list()}
        containers = client.api.containers(all=True)
        volumes = [v for v in client.volumes.list() if not _is_kept(v.attrs.get("Labels"), spec)]
    kinds = {labels[CLUSTER] for each in containers if CLUSTER in (labels := each.get("Labels") or {})}
    used = {name.lstrip("/") for each in containers for name in each.get("Names") or ()}
    used |= {str(volume.name) for volume in volumes}
    stands = {name.removesuffix(f"-{what}") for what in BESIDE for name in used if name.endswith(f"-{what}")}
    return networks | kinds | stands


def _is_kept(labels: dict[str, str] | None, spec: ClusterSpec) -> bool:
    """Tell whether a volume is what an earlier cluster of this one's name has left on purpose."""
    return owner.is_mine(labels) and (labels or {}).get(owner.CLUSTER) == spec.name


def _claimed(client: docker.DockerClient, but: str) -> Iterator[tuple[int, str]]:
    """Yield the ports of all clusters, and those after whose registry another owner's images are still called."""
    with telling("looking for ports that are taken"):
        networks = client.networks.list(filters={"label": owner.CLUSTER})
        volumes = client.volumes.list(filters={"label": PREFIX})
    for volume in volumes:
        labels = volume.attrs["Labels"]
        port = labels[PREFIX].rpartition(":")[2]
        if not owner.is_mine(labels) and port.isdigit():
            yield int(port), f"the images of another owner's cluster {labels.get(owner.CLUSTER)}"
    for network in networks:
        ports = ports_from(network.attrs["Labels"].get(PORTS))
        for port in asdict(ports).values() if ports and network.name != but else ():
            mine = owner.is_mine(network.attrs["Labels"])
            yield port, f"your own cluster {network.name}" if mine else str(_neighbour(network))


def _neighbour(network: Network) -> Neighbour:
    labels: dict[str, Any] = network.attrs["Labels"]
    ports = ports_from(labels.get(PORTS))
    return Neighbour(
        str(network.name),
        labels.get(owner.WHO) or "somebody with an older Wavetank",
        tuple(asdict(ports).values()) if ports else (),
        labels.get(owner.OWNER, ""),
    )


def _check_version(spec: ClusterSpec, bundle: Bundle) -> None:
    offered = bundle.node_image.rpartition(":v")[2].partition("@")[0]
    if offered.rpartition(".")[0] != spec.kubernetes:
        raise InputError(
            f"kubernetes: the bundle has no {spec.kubernetes}",
            where=spec.where("kubernetes"),
            observed=f"the bundle has {bundle.node_image}",
            expected=f'kubernetes: "{offered.rpartition(".")[0]}", or a bundle with {spec.kubernetes}',
        )


def _check_architecture(bundle: Bundle, engine: str) -> None:
    if bundle.index.architecture != engine:
        raise BundleError(
            f"the bundle {bundle.name} is for another architecture than the engine",
            observed=f"the bundle is for {bundle.index.architecture}, the engine for {engine}",
            expected=f"a bundle for {engine}",
            command="wavetank bundle build",
            hint=f"or `wavetank bundle load FILE` one that was made for {engine}",
        )
