"""A mesh in the tests' own API server, whose proxies say what recorded ones have said.

with Sea(tmp_path) as sea:
    sea.show("before")
    mesh = watch(sea.kube, NAMESPACE)
    sea.show("after")               # time has gone on: pods have come and gone, and everybody has counted more
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.apiserver import ApiServer
from tests.support.apistore import Answer, Request
from tests.support.definitions import definition
from tests.support.recorded import NAMESPACE, objects, statistics

from wavetank.kube import Kube, Obj

ISTIO = {"DestinationRule": "destinationrules", "VirtualService": "virtualservices"}
GATEWAYS = "istio-system"
API_VERSION = "networking.istio.io/v1"


class Sea:
    """The API server and a client of it; a context manager. Without ``istio`` the cluster has none of its kinds."""

    def __init__(self, folder: Path, *, istio: bool = True) -> None:
        self.api = ApiServer()
        self._folder = folder
        self._over = threading.Event()
        for kind, plural in ISTIO.items() if istio else ():
            self.api.put(definition(API_VERSION, kind, plural))

    def __enter__(self) -> Self:
        self.api.start()
        self.kube = Kube.connect(self.api.kubeconfig(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.api.stop()

    def show(self, moment: str) -> None:
        """Have the cluster as it was recorded at that moment."""
        there = objects(moment)
        for kind, found in there.items():
            for obj in found:
                api_version = API_VERSION if kind in ISTIO else "v1"
                self.api.put({"apiVersion": api_version, "kind": kind, **obj})
        present = {pod["metadata"]["name"] for pod in there["Pod"]}
        for pod in self.api.objects("Pod", NAMESPACE):
            if pod["metadata"]["name"] not in present:
                self.api.delete("Pod", pod["metadata"]["name"], NAMESPACE)
        for name, text in statistics(moment).items():
            self.say(name, text)

    def say(self, pod: str, text: str, status: int = 200) -> None:
        """Have a pod's proxy answer with ``text``."""
        self._answer(pod, lambda _: (status, {"Content-Type": "text/plain"}, text.encode()))

    def silence(self, pod: str) -> None:
        """Have a pod's proxy take requests and say nothing."""

        def wait(_: Request) -> Answer:
            self._over.wait(10)
            return 200, {}, b""

        self._answer(pod, wait)

    def change(self, pod: str, **parts: Obj) -> None:
        """Have other ``parts`` in a pod of the namespace, its status say."""
        found = self.api.get("Pod", pod, NAMESPACE)
        assert found
        self.api.put({**found, **parts})

    def _answer(self, pod: str, answer: Callable[[Request], Answer]) -> None:
        namespace = GATEWAYS if pod.startswith("istio-") else NAMESPACE
        self.api.answer(f"pod:{pod}:15090", answer, namespace)
