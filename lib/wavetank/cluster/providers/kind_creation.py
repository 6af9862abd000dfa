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
from wavetank.cluster.berth import SHIPPED
from wavetank.cluster.marking import mark_as_made
from wavetank.cluster.providers.kind_config import kind_config
from wavetank.cluster.providers.kind_network import lift_cpu_limit
from wavetank.cluster.providers.kind_parts import Parts, wake
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder
from wavetank.engine import about, find_engine, run_in, settings_without_proxies
from wavetank.errors import ClusterError, WavetankError
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
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two questions whether a node answers; nothing tells that it does."""


class Creation:
    """Makes the cluster of one spec, whose berth is claimed, from one bundle; every step may be run again."""

    def __init__(self, client: docker.DockerClient, spec: ClusterSpec, bundle: Bundle) -> None:
        self.client = client
        self.spec = spec
        self.bundle = bundle
        self.parts = Parts(client, spec.name)
        self.folder = Folder(spec.name)
        self.making: Future[str] = Future()

    def beside(self) -> Sequence[Step]:
        """Return the steps that need no node."""
        steps = [Step("base image", self.load_base)]
        if "registry" in self.spec.addons:
            steps.append(Step("registry", self.run_registry))
        return steps

    def steps(self) -> Sequence[Step]:
        """Return all steps, those of what stands beside the nodes first."""
        steps = [
            *self.beside(),
            Step("node image", self.load_node_image),
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
                **about(self.client).environment_of_kind(find_engine(), self.spec.on_engine),
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
        """Tell every node's container runtime what the registry's name means there, and that it speaks plain HTTP.

        So that a manifest can be applied as it is shipped, the name in it means the same registry, whatever its port.
        """
        address = beside.registry_address(self.spec)
        hosts = f'server = "http://{address}"\n[host."http://{address}"]\n'
        for name in dict.fromkeys((self.spec.registry, SHIPPED.registry)):
            folder = f"/etc/containerd/certs.d/{name}"
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
    pause = FIRST_PAUSE
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
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _kind_program(bundle: Bundle) -> Path:
    if found := shutil.which("kind") or bundle.binary("kind"):
        return Path(found)
    raise ClusterError(
        "the kind program is missing",
        expected="`kind` on the PATH or in the bundle",
        command="wavetank bundle ls",
        hint="`wavetank bundle build`",
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
