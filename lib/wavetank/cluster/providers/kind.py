"""A real Kubernetes in containers: nodes made by the kind program, everything else through the Docker Engine.

A cluster is ours when its network carries our label; it carries it before the first node exists, so a cluster that was
interrupted half-way is still known as ours. Whatever else belongs to it is found by label or by kind's own label.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import docker
import yaml
from docker.models.containers import Container
from docker.models.networks import Network

from wavetank.cluster import beside, commands, engine, logs
from wavetank.cluster.engine import run_in, telling
from wavetank.cluster.ports import is_taken, listener
from wavetank.cluster.provider import Capability, Info, Node
from wavetank.cluster.providers.kind_config import kind_config
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder
from wavetank.cluster.steps import Step
from wavetank.errors import ClusterError, InputError, NotSupportedError
from wavetank.kube import Kube

if TYPE_CHECKING:
    from wavetank.cluster.bundle import Bundle

__all__ = ["KindProvider"]

KIND_CLUSTER = "io.x-k8s.kind.cluster"
KIND_ROLE = "io.x-k8s.kind.role"
CTR = ("ctr", "--namespace", "k8s.io")

CREATE = ("create", "cluster", "--config", "-", "--retain")
CREATE_SECONDS = 300
API_SECONDS = 90
READY_SECONDS = 120

_CAPABILITIES = MappingProxyType(
    {
        "node-stop": Capability(True, "a worker's container is frozen, as if its power were cut"),
        "multi-node": Capability(True, "every node is a container of its own"),
        "resource-limits": Capability(True, "the kernel's cgroups enforce CPU and memory limits"),
        "load-balancer": Capability(False, "no cloud is there to give one; the ingress is on a port of 127.0.0.1"),
    }
)


class KindProvider:
    """Clusters of kind on one Docker Engine."""

    def __init__(self, client: docker.DockerClient | None = None) -> None:
        self._engine = client or engine.connect()

    def info(self) -> Info:
        """Return the provider's name and what it can do."""
        return Info("kind", _CAPABILITIES)

    def create_steps(self, spec: ClusterSpec, bundle: Bundle) -> Sequence[Step]:
        """Return the steps after which all nodes are Ready, and what stands beside them runs."""
        steps = [
            Step("name and ports", lambda: self._claim(spec, bundle)),
            Step("node image", lambda: self._load_node_image(spec, bundle), ("name and ports",)),
            Step("nodes", lambda: self._make_nodes(spec, bundle), ("node image",)),
            Step("api server", lambda: self._reach_api(spec.name), ("nodes",)),
            Step("nodes ready", lambda: self._wait_ready(spec), ("api server",)),
        ]
        if "registry" in spec.addons:
            steps.append(Step("registry", lambda: beside.run_registry(self._engine, spec, bundle), ("name and ports",)))
            steps.append(Step("registry on nodes", lambda: self._trust_registry(spec.name), ("registry", "nodes")))
        if "operator" in spec.addons:
            steps.append(Step("power agent", lambda: self._run_power_agent(spec, bundle), ("api server",)))
        return steps

    def delete(self, name: str) -> None:
        """Remove containers, their volumes, the network and the folder of ``name``."""
        folder = Folder(name)
        nodes = self._node_containers(name)
        network = self._network(name)
        if nodes and not self._is_ours(network):
            raise self._not_ours(name)
        with telling(f"removing cluster {name!r}"):
            for container in [*nodes, *beside.containers(self._engine, name)]:
                beside.remove(container)
            if network and self._is_ours(network):
                network.remove()
        folder.remove()

    def list(self) -> Sequence[str]:
        """Return the names of Wavetank's clusters on this engine, those half made included."""
        with telling("listing clusters"):
            networks = self._engine.networks.list(filters={"label": beside.OWNER})
        return sorted(network.attrs["Labels"][beside.OWNER] for network in networks)

    def kubeconfig(self, name: str) -> Path:
        """Return the cluster's own kubeconfig file, written anew from the control plane's."""
        folder = Folder(name)
        folder.write_kubeconfig(yaml.safe_dump(self._admin_config(name, inside=False)))
        return folder.kubeconfig

    def nodes(self, name: str) -> tuple[Node, ...]:
        """Return the nodes, the control plane's first."""
        return tuple(
            Node(str(container.name), container.labels[KIND_ROLE], container.status)
            for container in self._node_containers(name)
        )

    def load_images(self, name: str, bundle: Bundle, refs: Sequence[str], nodes: Sequence[str] = ()) -> str:
        """Import images of the bundle on ``nodes`` at the same time; return a note."""
        targets = [node for node in self._node_containers(name) if not nodes or node.name in nodes]
        with ThreadPoolExecutor(max_workers=max(1, len(targets))) as pool:
            moved = list(pool.map(lambda node: _import_missing(node, bundle, refs), targets))
        return "" if any(moved) else "there already"

    def stop_node(self, name: str, node: str) -> None:
        """Freeze a worker's container: its kubelet falls silent, as when the power is cut."""
        container = self._worker(name, node)
        with telling(f"stopping {node}"):
            if container.status != "paused":
                container.pause()

    def start_node(self, name: str, node: str) -> None:
        """Bring a stopped worker back."""
        with telling(f"starting {node}"):
            _wake(self._worker(name, node))

    def collect_logs(self, name: str, folder: Path) -> None:
        """Write every node's journal and pod logs, and what kind said, into ``folder``."""
        logs.collect(self._node_containers(name), beside.containers(self._engine, name), Folder(name), folder)

    # -- the steps --------------------------------------------------------------------------------------------------

    def _claim(self, spec: ClusterSpec, bundle: Bundle) -> str:
        _check_version(spec, bundle)
        network = self._network(spec.name)
        nodes = self._node_containers(spec.name)
        if (network or nodes) and not self._is_ours(network):
            raise self._not_ours(spec.name)
        if nodes:
            return "there already"
        _check_port(spec, "ingress", spec.ports.ingress)
        if "registry" in spec.addons and not beside.containers(self._engine, spec.name):
            _check_port(spec, "registry", spec.ports.registry)
        Folder(spec.name).create()
        if not network:
            with telling("creating the cluster's network"):
                self._engine.networks.create(spec.name, driver="bridge", labels={beside.OWNER: spec.name})
        return ""

    def _load_node_image(self, spec: ClusterSpec, bundle: Bundle) -> str:
        if self._node_containers(spec.name) and not Folder(spec.name).being_made.exists():
            return "not needed"  # what nodes are made of does not change under them
        return beside.ensure_images(self._engine, bundle, [bundle.node_image])

    def _make_nodes(self, spec: ClusterSpec, bundle: Bundle) -> str:
        folder = Folder(spec.name)
        nodes = self._node_containers(spec.name)
        with telling("clearing what an interrupted `up` left"):
            if folder.being_made.exists():
                for node in nodes:
                    beside.remove(node)
                nodes = ()
        if nodes:
            _check_shape(spec, nodes)
            with telling("starting the nodes again"):
                woken = [str(node.name) for node in nodes if _wake(node)]
            return f"started again: {', '.join(woken)}" if woken else "there already"
        folder.create()
        folder.being_made.touch()
        commands.run(
            [str(_kind_binary(bundle)), *CREATE, "--kubeconfig", str(folder.kubeconfig)],
            doing="kind create cluster",
            log=folder.log,
            env={
                "DOCKER_HOST": engine.engine_host(),
                "KIND_EXPERIMENTAL_PROVIDER": "docker",
                "KIND_EXPERIMENTAL_DOCKER_NETWORK": spec.name,
            },
            given=json.dumps(kind_config(spec, bundle.node_image)),
            timeout=CREATE_SECONDS,
        )
        folder.being_made.unlink()
        return ""

    def _reach_api(self, name: str) -> None:
        kube = Kube.connect(self.kubeconfig(name))
        deadline = time.monotonic() + API_SECONDS
        while not kube.alive():
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"the API server of {name!r} does not answer",
                    observed=f"no answer in {API_SECONDS} s",
                    command=f"docker exec {name}-control-plane journalctl -u kubelet -n 50 --no-pager",
                    hint="`wavetank down`, then `wavetank up`",
                )
            time.sleep(0.5)

    def _wait_ready(self, spec: ClusterSpec) -> None:
        kube = Kube.connect(Folder(spec.name).kubeconfig)
        for node in spec.node_names:
            kube.wait_for("Node", node, None, "Ready", timeout=READY_SECONDS, waiting_for=f"node {node} to be Ready")

    def _trust_registry(self, name: str) -> None:
        folder = f"/etc/containerd/certs.d/{beside.REGISTRY}"
        hosts = f'server = "http://{beside.REGISTRY}"\n[host."http://{beside.REGISTRY}"]\n'
        script = f"mkdir -p {folder} && printf %s '{hosts}' > {folder}/hosts.toml"
        for node in self._node_containers(name):
            run_in(node, ["sh", "-c", script])

    def _run_power_agent(self, spec: ClusterSpec, bundle: Bundle) -> str:
        config = yaml.safe_dump(self._admin_config(spec.name, inside=True))
        return beside.run_power_agent(self._engine, spec, bundle, config)

    # -- what is there ----------------------------------------------------------------------------------------------

    def _node_containers(self, name: str) -> tuple[Container, ...]:
        with telling(f"looking for the nodes of {name!r}"):
            found = self._engine.containers.list(
                all=True, filters={"label": f"{KIND_CLUSTER}={name}"}, ignore_removed=True
            )
        return tuple(sorted(found, key=lambda node: (node.labels[KIND_ROLE] != "control-plane", node.name or "")))

    def _network(self, name: str) -> Network | None:
        with telling(f"looking for the network of {name!r}"):
            found = self._engine.networks.list(names=[f"^{name}$"])
        return found[0] if found else None

    @staticmethod
    def _is_ours(network: Network | None) -> bool:
        return network is not None and beside.OWNER in (network.attrs.get("Labels") or {})

    @staticmethod
    def _not_ours(name: str) -> ClusterError:
        return ClusterError(
            f"a cluster or network called {name!r} is there already, and it is not Wavetank's",
            expected="a free name",
            command=f"docker ps -a --filter label={KIND_CLUSTER}={name}; docker network inspect {name}",
            hint="choose another `name` in the cluster's file; Wavetank touches nothing it has not made",
        )

    def _worker(self, name: str, node: str) -> Container:
        for container in self._node_containers(name):
            if container.name == node and container.labels[KIND_ROLE] == "worker":
                return container
            if container.name == node:
                raise NotSupportedError(
                    f"{node} is the control plane: it is never stopped", expected="the name of a worker"
                )
        raise ClusterError(f"cluster {name!r} has no node {node!r}", command="kubectl get nodes")

    def _admin_config(self, name: str, *, inside: bool) -> dict[str, object]:
        nodes = self._node_containers(name)
        if not nodes:
            raise ClusterError(f"there is no cluster {name!r}", command="wavetank status", hint="`wavetank up`")
        config = yaml.safe_load(run_in(nodes[0], ["cat", "/etc/kubernetes/admin.conf"]))
        cluster, context, user = config["clusters"][0], config["contexts"][0], config["users"][0]
        if not inside:
            published = nodes[0].attrs["NetworkSettings"]["Ports"]["6443/tcp"][0]
            address = urlsplit(cluster["cluster"]["server"])
            cluster["cluster"]["server"] = address._replace(netloc=f"127.0.0.1:{published['HostPort']}").geturl()
        cluster["name"] = context["name"] = user["name"] = config["current-context"] = name
        context["context"] = {"cluster": name, "user": name}
        return dict(config)


def _wake(container: Container) -> bool:
    """Let a node run again; tell whether it had to be woken."""
    if container.status == "running":
        return False
    if container.status == "paused":
        container.unpause()
    else:
        container.start()
    return True


def _import_missing(node: Container, bundle: Bundle, refs: Sequence[str]) -> bool:
    """Import those images a node does not have; tell whether there were any."""
    listed = [line.split() for line in run_in(node, [*CTR, "images", "ls"]).splitlines()]
    there = {(fields[0], fields[2]) for fields in listed}
    missing = [ref for ref in refs if (ref, bundle.image(ref).digest) not in there]
    if missing:
        # --local: read by ctr itself, in half the time that the transfer service takes.
        importing = [*CTR, "images", "import", "--local", "--all-platforms", "--snapshotter", "overlayfs", "-"]
        engine.feed(node, importing, lambda sink: bundle.write_docker_archive(missing, sink))
    return bool(missing)


def _kind_binary(bundle: Bundle) -> Path:
    if found := shutil.which("kind") or bundle.binary("kind"):
        return Path(found)
    raise ClusterError(
        "the kind program is missing",
        expected="`kind` on the PATH or in the bundle",
        command="wavetank bundle ls",
        hint="`wavetank bundle build`",
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


def _check_port(spec: ClusterSpec, key: str, port: int) -> None:
    if is_taken(port):
        who = listener(port)
        raise ClusterError(
            f"port {port} on 127.0.0.1 is taken" + (f" by {who}" if who else ""),
            expected=f"a free port for the {key}",
            command=f"ss -ltnp 'sport = :{port}'",
            hint=f"end what listens there, or change ports/{key} in {spec.where('ports', key) or 'the spec'}",
        )


def _check_shape(spec: ClusterSpec, nodes: Sequence[Container]) -> None:
    names = {str(node.name) for node in nodes}
    if names != set(spec.node_names):
        raise ClusterError(
            f"cluster {spec.name!r} is up with other nodes than its file asks for",
            observed=", ".join(sorted(names)),
            expected=", ".join(sorted(spec.node_names)),
            command="wavetank status",
            hint="`wavetank down`, then `wavetank up`",
        )
