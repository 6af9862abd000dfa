"""A whole make-believe machine for the kind provider: an engine, the kind program, an API server, a small bundle.

    with Basin(tmp_path) as basin:
        up(basin.spec, basin.bundle)
        assert set(basin.engine.containers) == {...}

Everything is real up to the edges: the provider talks HTTP to engine and API server, and runs a program for kind.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self
from unittest import mock

import yaml
from tests.support.apiserver import ApiServer
from tests.support.engine import Engine

from wavetank.bundle.bundle import Bundle
from wavetank.bundle.index import BundleImage, Index
from wavetank.bundle.layout import ImageConfig, Layout
from wavetank.cluster.ports import is_taken
from wavetank.cluster.provider import Provider
from wavetank.cluster.spec import ClusterSpec, Ports

NODE_IMAGE = "wavetank.dev/node:v1.36.3"
APPLICATION_IMAGE = "wavetank.dev/tidewater/web:v1"
ADDON_IMAGE = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
WAVETANK_IMAGE = "wavetank.dev/wavetank:0.1.0"
REGISTRY_IMAGE = "docker.io/library/registry:3.1.2"
BASE_IMAGE = "wavetank.dev/python:3.11"
IMAGES = (NODE_IMAGE, APPLICATION_IMAGE, ADDON_IMAGE, WAVETANK_IMAGE, REGISTRY_IMAGE, BASE_IMAGE)

KIND = Path(__file__).with_name("fake_kind.py")


class Basin:
    """The machine; a context manager. ``imported`` is which images were put on which node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = Engine()
        self.api = ApiServer(marked=False)  # `up` does it
        self.spec = ClusterSpec(provider="kind", kubernetes="1.36", name="basin", ports=free_ports())
        self.imported: dict[str, set[str]] = {}
        self._registry: HTTPServer | None = None
        self.bundle = small_bundle(folder / "bundle", IMAGES)

    def keep_bundle(self) -> None:
        """Put the bundle where `up` looks for one."""
        bundles = self.folder / "cache" / "wavetank" / "bundles"
        shutil.copytree(self.bundle.path, bundles / "small")
        (bundles / "current").symlink_to("small")

    def write_spec(self) -> Path:
        """Write the spec to a file, for who reads it from one."""
        ports = ", ".join(f"{name}: {port}" for name, port in asdict(self.spec.ports).items())
        path = self.folder / "basin.yaml"
        path.write_text(f'provider: kind\nname: basin\nkubernetes: "1.36"\nports: {{{ports}}}\n')
        return path

    def __enter__(self) -> Self:
        self.engine.__enter__()
        self.api.__enter__()
        self.engine.on_exec = self._exec
        self.engine.on_start = self._start
        program = self.folder / "bin" / "kind"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{KIND.read_text()}")
        program.chmod(0o755)
        config = json.loads(self.api.kubeconfig(self.folder).read_text())
        port = config["clusters"][0]["cluster"]["server"].rpartition(":")[2]
        self.engine.files["/etc/kubernetes/admin.conf"] = yaml.safe_dump(config).encode()
        self._environment = mock.patch.dict(
            os.environ,
            {
                "DOCKER_HOST": self.engine.host,
                "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
                "XDG_STATE_HOME": str(self.folder / "state"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "FAKE_KIND_API_PORT": port,
            },
        )
        self._environment.start()
        for name in self.spec.node_names:
            self.put_node(name)
        self.api.on_write(self._roll_out)
        self.api.on_write(self._give_token)
        return self

    def __exit__(self, *_: object) -> None:
        self._environment.stop()
        self.api.stop()
        self.engine.stop()
        if self._registry:
            self._registry.shutdown()
            self._registry.server_close()

    @property
    def state(self) -> Path:
        """Where everything that Wavetank keeps on disk is."""
        return self.folder / "state"

    def provider(self) -> Provider:
        """Return a provider as another process would get it."""
        from wavetank.cluster import provider_for

        return provider_for(self.spec)

    def put_node(self, name: str, ready: str = "True") -> None:
        """Have a Node registered, and measured if the metrics server asks."""
        metadata = {"name": name}
        conditions = [{"type": "Ready", "status": ready}]
        self.api.put({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"conditions": conditions}})
        self.api.put({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": metadata})

    def _roll_out(self, change: str, obj: dict[str, Any]) -> None:
        """Play the Deployment controller: what is applied is available at once."""
        if obj["kind"] == "Deployment" and change != "DELETED" and "status" not in obj:
            numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
            generation = obj["metadata"].get("generation", 1)
            self.api.put(obj | {"status": {**numbers, "observedGeneration": generation}})

    def _give_token(self, change: str, obj: dict[str, Any]) -> None:
        """Play the controller that gives accounts their tokens."""
        if obj.get("type") == "kubernetes.io/service-account-token" and change != "DELETED" and "data" not in obj:
            self.api.put(obj | {"data": {"token": "YWdlbnQtdG9rZW4="}})

    def _start(self, container: dict[str, Any]) -> None:
        if container["Name"] == "/basin-registry":
            self._registry = HTTPServer(("127.0.0.1", self.spec.ports.registry), _Registry)
            threading.Thread(target=self._registry.serve_forever, args=(0.02,), daemon=True).start()

    def _exec(self, container: dict[str, Any], command: list[str], given: bytes) -> tuple[int, str]:
        node = container["Name"][1:]
        if command[-2:] == ["images", "ls"]:
            there = [f"{ref} type {self.bundle.image(ref).digest}" for ref in self.imported.get(node, ())]
            # While images come in, ctr complains of what is not whole yet, and an exec tells both channels as one.
            return 0, "\n".join(["REF TYPE DIGEST", "unfinished", *there])
        if "import" in command:
            self.imported.setdefault(node, set()).update(Engine().load(given))
        return 0, ""


def free_ports() -> Ports:
    """Return free ports below those that the system gives away; each test process looks in a hundred of its own."""
    first = 20000 + os.getpid() % 100 * 100
    ingress, gateway, registry, *_ = (port for port in range(first, first + 100) if not is_taken(port))
    return Ports(ingress, gateway, registry)


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def small_bundle(folder: Path, refs: Sequence[str]) -> Bundle:
    """Write a real bundle of images of a few bytes."""
    folder.mkdir()
    layout = Layout(folder)
    layout.start()
    images = []
    for ref in refs:
        layer = layout.add_bytes(ref.encode(), "application/vnd.oci.image.layer.v1.tar")
        made = layout.add_image([layer], [layer.digest], ImageConfig(), "amd64")
        config = layout.blobs_of(made.digest)[1]
        images.append(BundleImage(ref, made.digest, config, len(ref)))
    index = Index("0.1.0", "amd64", "source", refs[0], tuple(images), ())
    index.write(folder)
    return Bundle(folder, index)
