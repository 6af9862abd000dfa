"""The steps that make a kind cluster, or put right one that is there already."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.models.containers import Container

from wavetank.cluster import beside, commands
from wavetank.cluster.account import power_kubeconfig
from wavetank.cluster.marking import mark_as_made
from wavetank.cluster.ports import is_taken, listener
from wavetank.cluster.providers.kind_config import kind_config
from wavetank.cluster.providers.kind_network import lift_cpu_limit
from wavetank.cluster.providers.kind_parts import Parts, is_ours, wake
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder
from wavetank.engine import about, find_engine, run_in, settings_without_proxies, telling
from wavetank.errors import BundleError, ClusterError, InputError, WavetankError
from wavetank.kube import Kube
from wavetank.kube.controllers import await_controllers
from wavetank.steps import Step

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = ["Creation"]

CREATE = ("create", "cluster", "--config", "-", "--retain")
CREATE_SECONDS = 300
RUNTIME_SECONDS = 60
API_SECONDS = 90
READY_SECONDS = 120


class Creation:
    """Makes the cluster of one spec from one bundle; every step may be run again."""

    def __init__(self, client: docker.DockerClient, spec: ClusterSpec, bundle: Bundle) -> None:
        self.client = client
        self.spec = spec
        self.bundle = bundle
        self.parts = Parts(client, spec.name)
        self.folder = Folder(spec.name)
        self.making: Future[str] = Future()

    def beside(self) -> Sequence[Step]:
        """Return the steps that need no node."""
        steps = [
            Step("name and ports", self.claim),
            Step("base image", self.load_base, ("name and ports",)),
        ]
        if "registry" in self.spec.addons:
            steps.append(Step("registry", self.run_registry, ("name and ports",)))
        return steps

    def steps(self) -> Sequence[Step]:
        """Return all steps, those of what stands beside the nodes first."""
        steps = [
            *self.beside(),
            Step("node image", self.load_node_image, ("name and ports",)),
            Step("nodes", self.make_nodes, ("node image",)),
            Step("node runtimes", self.wait_runtimes, ("node image",)),
            Step("api server", self.reach_api, ("nodes",)),
            Step("mark", self.write_mark, ("api server",)),
            Step("pod network", self.lift_limits, ("mark",)),
            Step("nodes ready", self.wait_ready, ("mark",)),
        ]
        if "registry" in self.spec.addons:
            steps.append(Step("registry on nodes", self.trust_registry, ("registry", "node runtimes")))
        if "operator" in self.spec.addons:
            steps.append(Step("power agent", self.run_power_agent, ("mark",)))
        return steps

    def claim(self) -> str:
        """Make the name ours, after everything was checked that would be in the way later."""
        _check_version(self.spec, self.bundle)
        with telling("asking the engine for its architecture"):
            _check_architecture(self.bundle, str(self.client.version()["Arch"]))
        self.parts.refuse_strangers()
        if self.folder.being_made.exists():  # an `up` before this one was interrupted while it made them
            self.parts.remove_nodes()
        if self.parts.nodes():
            return "there already"
        _check_port(self.spec, "ingress", self.spec.ports.ingress)
        _check_port(self.spec, "gateway", self.spec.ports.gateway)
        if "registry" in self.spec.addons and not self.parts.others():
            _check_port(self.spec, "registry", self.spec.ports.registry)
        network = self.parts.network()
        if network and not is_ours(network):
            raise ClusterError(
                f"a Docker network called {self.spec.name!r} is there already, and it is not Wavetank's",
                command=f"docker network inspect {self.spec.name}",
                hint="choose another `name` in the cluster's file",
            )
        if not network:
            with telling("creating the cluster's network"):
                labels = {beside.OWNER: self.spec.name}
                self.client.networks.create(self.spec.name, driver="bridge", labels=labels)
        return ""

    def load_node_image(self) -> str:
        """Have the node image in the engine, where it stays for the next cluster."""
        if self.parts.nodes():
            return "not needed"  # what nodes are made of does not change under them
        return beside.ensure_images(self.client, self.bundle, [self.bundle.node_image])

    def make_nodes(self) -> str:
        """Let kind make the nodes; those that are there are only started again."""
        try:
            note = self._made_or_woken()
        except BaseException as error:
            self.making.set_exception(error)
            raise
        self.making.set_result(note)
        return note

    def _made_or_woken(self) -> str:
        if nodes := self.parts.nodes():
            _check_shape(self.spec, nodes)
            woken = [str(node.name) for node in nodes if wake(node)]
            return f"started again: {', '.join(woken)}" if woken else "there already"
        self.folder.create()
        self.folder.being_made.touch()
        commands.run(
            [str(_kind_program(self.bundle)), *CREATE, "--kubeconfig", str(self.folder.kubeconfig)],
            doing="kind create cluster",
            log=self.folder.log,
            env={
                **settings_without_proxies(self.folder.docker),
                **about(self.client).environment_of_kind(find_engine(), self.spec.name),
            },
            given=json.dumps(kind_config(self.spec, self.bundle.node_image)),
            timeout=CREATE_SECONDS,
        )
        self.folder.being_made.unlink()
        return ""

    def wait_runtimes(self) -> None:
        """Wait until every node's container runtime answers: images can be moved there while kubeadm is at work."""

        def silent() -> list[str]:
            names = [name for name in self.spec.node_names if not self._runtime_answers(name)]
            if names and self.making.done():
                self.making.result()  # without nodes there is nothing to wait for
            return names

        _await_answers(silent, "containerd", "containerd", RUNTIME_SECONDS, made=self.making.done)

    def _runtime_answers(self, name: str) -> bool:
        node = next((node for node in self.parts.nodes() if node.name == name), None)
        try:
            if node:
                run_in(node, ["ctr", "--connect-timeout", "2s", "version"])
            return node is not None
        except WavetankError:  # it starts just now
            return False

    def reach_api(self) -> None:
        """Write the kubeconfig and wait until the API server answers."""
        self.folder.write_kubeconfig(self.parts.kubeconfig(inside=False))
        kube = Kube.connect(self.folder.kubeconfig)
        node = self.spec.control_plane
        server = f"the API server of {self.spec.name!r}"
        _await_answers(lambda: [] if kube.alive() else [node], server, "kubelet", API_SECONDS)

    def write_mark(self) -> str:
        """Have the cluster and its nodes say that Wavetank has made them: before that, nothing is written to it."""
        return mark_as_made(Kube.connect(self.folder.kubeconfig), self.spec)

    def lift_limits(self) -> str:
        """Let the pod network of kind's own node images use the CPU that it needs."""
        return lift_cpu_limit(Kube.connect(self.folder.kubeconfig))

    def wait_ready(self) -> None:
        """Wait until Kubernetes calls every node Ready, and those who can say so are there after a restart."""
        kube = Kube.connect(self.folder.kubeconfig)
        await_controllers(kube, READY_SECONDS)
        for node in self.spec.node_names:
            kube.wait_for("Node", node, None, "Ready", timeout=READY_SECONDS, waiting_for=f"node {node} to be Ready")

    def run_registry(self) -> str:
        """Have the registry running beside the nodes."""
        return beside.run_registry(self.client, self.spec, self.bundle)

    def trust_registry(self) -> None:
        """Tell every node's container runtime what the registry's name means there, and that it speaks plain HTTP."""
        folder = f"/etc/containerd/certs.d/{self.spec.registry}"
        address = beside.registry_address(self.spec)
        hosts = f'server = "http://{address}"\n[host."http://{address}"]\n'
        script = f"mkdir -p {folder} && printf %s '{hosts}' > {folder}/hosts.toml"
        for node in self.parts.nodes():
            run_in(node, ["sh", "-c", script])

    def load_base(self) -> str:
        """Have in the engine what the labs' own recipes stand on."""
        return beside.ensure_base(self.client, self.bundle)

    def run_power_agent(self) -> str:
        """Have the power agent running beside the nodes."""
        kubeconfig = power_kubeconfig(Kube.connect(self.folder.kubeconfig), self.parts.kubeconfig(inside=True))
        return beside.run_power_agent(self.client, self.spec, self.bundle, kubeconfig)


def _await_answers(
    silent: Callable[[], Sequence[str]],
    what: str,
    unit: str,
    seconds: float,
    made: Callable[[], bool] = lambda: True,
) -> None:
    """Return when no node is ``silent`` any more; ``unit`` is whose journal there says why ``what`` does not answer.

    Raises `ClusterError` so many ``seconds`` after the nodes were ``made``, which takes `CREATE_SECONDS` at most.
    """
    deadline = time.monotonic() + CREATE_SECONDS + seconds
    while nodes := silent():
        if made():
            deadline = min(deadline, time.monotonic() + seconds)
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{what} does not answer on {', '.join(nodes)}",
                observed=f"no answer {seconds:g} s after the nodes were made",
                command=f"docker exec {nodes[0]} journalctl -u {unit} -n 50 --no-pager",
                hint="`wavetank down`, then `wavetank up`",
            )
        time.sleep(0.5)


def _kind_program(bundle: Bundle) -> Path:
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


def _check_architecture(bundle: Bundle, engine: str) -> None:
    if bundle.index.architecture != engine:
        raise BundleError(
            f"the bundle {bundle.name} is for another architecture than the engine",
            observed=f"the bundle is for {bundle.index.architecture}, the engine for {engine}",
            expected=f"a bundle for {engine}",
            command="wavetank bundle build",
            hint=f"or `wavetank bundle load FILE` one that was made for {engine}",
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
