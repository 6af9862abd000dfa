"""A small Kubernetes API server of the tests' own: in memory, over HTTP on loopback, so that a test needs no cluster.

    with ApiServer() as api:
        kube = Kube.connect(api.kubeconfig(tmp_path))
        api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "status": {...}})

It speaks discovery, create/get/list/replace/patch/delete, the four patch types, the subresources status, scale and
eviction, watches with bookmarks and 410, pod logs, exec, port-forward, and the proxy. Nothing happens in it
by itself: no scheduler, no kubelet. A test plays them with `put`, `log`, `program`, `answer`, or a hook:

    api.on_write(lambda change, obj: ...)     # called after each write, before its writer is answered; may write

and outages with `stop` and `start` (same port, same objects). Who brings none of ``tokens`` is let in nowhere, unless
that is None. `requests` lists what was asked, for tests of how much.
The cluster says that it is Wavetank's, unless it is `ApiServer(marked=False)`.

The behaviour tests of `wavetank.kube` run against this and against a real cluster, so that the two agree. It leaves out
schemas, defaults, admission, RBAC and grace periods (a deleted pod goes at once, unless it has finalizers).
"""

from __future__ import annotations

import json
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.support.apihandler import Handler
from tests.support.apistore import Answer, Request, Store
from tests.support.merging import Obj

__all__ = ["Answer", "ApiServer", "Request"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that may wait to be taken: each forwarded port is a new one, and one too many waits for a second."""


class ApiServer(Store):
    """The server; a context manager that starts and stops it. Every method may be called from any thread."""

    def __init__(self, *, marked: bool = True) -> None:
        super().__init__(marked=marked)
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str] | None = None
        self.connections: set[Handler] = set()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen: the first time on a free port, later on the same again."""
        handler = type("BoundHandler", (Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        self.running = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go away: stop listening and cut every connection. What is stored stays."""
        if self._server is None:
            return
        with self.changed:
            self.running = False
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self.connections):
            connection.cut()

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig for this server into ``folder`` and return its path."""
        path = folder / "kubeconfig"
        here = {"name": "test", "cluster": {"server": f"http://127.0.0.1:{self._port}"}}
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        config: Obj = {"apiVersion": "v1", "kind": "Config", "current-context": "test"}
        config |= {"clusters": [here], "contexts": [context], "users": [{"name": "test", "user": {}}]}
        path.write_text(json.dumps(config))
        return path
