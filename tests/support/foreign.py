"""A cluster that is somebody else's, with everything in it that Wavetank could take for its own.

with Foreign(tmp_path) as foreign:
    ...                       # whatever is to be refused
    foreign.assert_untouched()
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from tests.support.apiserver import ApiServer
from tests.support.definitions import definition
from tests.support.harbour import MANAGED, NAMESPACE, SERVICE, pod

from wavetank.errors import ClusterError
from wavetank.kube import Kube
from wavetank.waves import FINALIZER

REFUSED = "is not marked as Wavetank's: nothing is written to it"
API_VERSION = "wavetank.dev/v1alpha1"
LOAD = {"target": {"service": "web"}, "rate": 5, "duration": "60s"}
FAULT = {"kind": "latency", "target": {"selector": {"app": "web"}}, "duration": "30s", "parameters": {"ms": 300}}
FUTURE = "2099-01-01T00:00:00Z"


class Foreign:
    """The server, and its kubeconfig. Nodes are tainted and cordoned; a Load and a Fault are going on."""

    def __init__(self, folder: Path) -> None:
        self.api = ApiServer(marked=False)
        self._folder = folder

    def __enter__(self) -> Self:
        self.api.start()
        self.kubeconfig = self.api.kubeconfig(self._folder)
        self._fill()
        self.remember()
        return self

    def __exit__(self, *_: object) -> None:
        self.api.stop()

    @property
    def kube(self) -> Kube:
        """A new connection to it."""
        return Kube.connect(self.kubeconfig)

    def remember(self) -> None:
        """Take it as it is now for what it has to be later."""
        self._before = self._everything()
        self.api.requests.clear()

    def assert_untouched(self) -> None:
        """Nothing that could write was sent, and everything is as it was."""
        sent = [(method, path) for method, path in self.api.requests if method != "GET"]
        opened = [path for _, path in self.api.requests if path.partition("?")[0].endswith(("/exec", "/portforward"))]
        assert (sent, opened) == ([], [])
        assert self._everything() == self._before

    def assert_refused(self, error: BaseException | None) -> None:
        """It was refused in words that name the server and where its address came from, and nothing was touched."""
        assert isinstance(error, ClusterError), error
        server = self.kube.connection.server
        assert error.summary == f"the cluster at {server} {REFUSED}"
        assert f"from the context 'test' in {self.kubeconfig}" in error.help.observed
        assert "wavetank up" in error.help.hint
        assert "wavetank adopt --context test" in error.help.hint
        self.assert_untouched()

    def _fill(self) -> None:
        put = self.api.put
        for kind, plural in (("Load", "loads"), ("Fault", "faults")):
            put(definition(API_VERSION, kind, plural, status=True))
        put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": MANAGED}})
        ready: dict[str, Any] = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        taint = {"key": "team", "value": "gpu", "effect": "NoSchedule"}
        for name, spec in (("gpu", {"taints": [taint]}), ("closed", {"unschedulable": True})):
            put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec, **ready})
        put(SERVICE)
        put(pod("web-1"))
        web = {"name": "web", "namespace": NAMESPACE}
        template = {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:v1"}]},
        }
        put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": web, "spec": {"template": template}})
        put(self._wave("Load", "steady", LOAD, {"phase": "Running", "pod": "load-steady"}))
        active = {"phase": "Active", "affected": [], "endsAt": FUTURE, "original": {"selector": "app=web"}}
        put(self._wave("Fault", "slow", FAULT, active))

    def _wave(self, kind: str, name: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": NAMESPACE, "finalizers": [FINALIZER]}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec, "status": status}

    def _everything(self) -> list[dict[str, Any]]:
        return [obj for resource in self.api.resources for obj in self.api.select(resource, "")]
