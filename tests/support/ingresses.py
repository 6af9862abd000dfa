"""Knative's Ingresses in the tests' own API server, and pods of a gateway that route as Istio's objects there say."""

from __future__ import annotations

import copy
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.apiserver import ApiServer
from tests.support.definitions import definition

from wavetank.kube import Kube, Obj
from wavetank.netlayer.doors import LOCAL, NAMESPACE, PUBLIC
from wavetank.netlayer.main import run
from wavetank.netlayer.spec import CLASS, INGRESS
from wavetank.operator.certificates import make_certificate

TIDEWATER = "tidewater"
HASH = "K-Network-Hash"
VIRTUAL_SERVICE = ("networking.istio.io/v1", "VirtualService")
GATEWAY = ("networking.istio.io/v1", "Gateway")


def split(service: str = "tides-00001", percent: int | None = None, **more: Any) -> Obj:
    """Return a share of the traffic, as Knative's route controller writes it."""
    share = {} if percent is None else {"percent": percent}
    return {"serviceName": service, "serviceNamespace": TIDEWATER, "servicePort": 80, **share, **more}


def path(*splits: Obj, **more: Any) -> Obj:
    """Return a path that leads to ``splits``."""
    return {**more, "splits": list(splits or [split(percent=100)])}


def rule(*hosts: str, paths: list[Obj] | None = None, local: bool = False) -> Obj:
    """Return a rule for ``hosts``."""
    visibility = "ClusterLocal" if local else "ExternalIP"
    return {"hosts": list(hosts), "visibility": visibility, "http": {"paths": paths or [path()]}}


def ingress(*rules: Obj, name: str = "tides", cls: str = CLASS, **spec: Any) -> Obj:
    """Return an Ingress as it is created."""
    return {
        "apiVersion": INGRESS[0],
        "kind": INGRESS[1],
        "metadata": {
            "name": name,
            "namespace": TIDEWATER,
            "annotations": {"networking.knative.dev/ingress.class": cls},
        },
        "spec": {"httpOption": "Enabled", "rules": list(rules or [rule("tides.example.com")]), **spec},
    }


def stored(ingress: Obj, created: str = "2026-06-01T12:00:00Z", **status: Any) -> Obj:
    """Return an Ingress as the API server would have it."""
    name = ingress["metadata"]["name"]
    given = {"uid": f"uid-of-{name}", "creationTimestamp": created, "generation": 1, "resourceVersion": "7"}
    return {**ingress, "metadata": {**ingress["metadata"], **given}, **({"status": status} if status else {})}


class GatewayPod:
    """A pod of the gateway: a port for each door. ``deaf`` makes it go on as it is, whatever becomes of the routes."""

    def __init__(self, api: ApiServer, name: str, folder: Path) -> None:
        self._api, self.name = api, name
        self._frozen: list[Obj] | None = None
        self.asked: list[tuple[str, str, str]] = []
        """What was asked: scheme, host and path."""
        self.sni: list[str] = []
        self._servers = {door: self._server(door) for door in ("http", "https", "local")}
        https = self._servers["https"]
        https.socket = self._tls(folder).wrap_socket(https.socket, server_side=True)

    def __enter__(self) -> Self:
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self._slice(PUBLIC.service, {"http2": "http", "https": "https"})
        self._slice(LOCAL.service, {"http2": "local"})
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        self._frozen = self._routes()
        try:
            yield
        finally:
            self._frozen = None

    def route(self, door: str, host: str, path: str, headers: Any) -> Obj | None:
        """Return the route that takes a request, or None."""
        for virtual_service in self._routes() if self._frozen is None else self._frozen:
            spec = virtual_service["spec"]
            if host in spec["hosts"] and self._opens(door, spec["gateways"], host):
                for route in spec["http"]:
                    if all(_fits(match, path, headers) for match in route.get("match", [{}])):
                        return dict(route)
        return None

    def _opens(self, door: str, gateways: list[str], host: str) -> bool:
        if door == "https":
            own = [f"{g['metadata']['namespace']}/{g['metadata']['name']}" for g in self._gateways(host)]
            return bool(set(own) & set(gateways))
        return (LOCAL.gateway if door == "local" else PUBLIC.gateway) in gateways

    def redirected(self) -> set[str]:
        """Return the hosts that are told to come back over TLS."""
        servers = [server for gateway in self._api.objects("Gateway") for server in gateway["spec"]["servers"]]
        return {host for server in servers if server["tls"].get("httpsRedirect") for host in server["hosts"]}

    def _gateways(self, host: str) -> list[Obj]:
        found = []
        for gateway in self._api.objects("Gateway"):
            secure = [server for server in gateway["spec"]["servers"] if server["port"]["number"] == 443]
            if any(host in server["hosts"] for server in secure):
                found.append(gateway)
        return found

    def _routes(self) -> list[Obj]:
        return copy.deepcopy(self._api.objects("VirtualService"))

    def _server(self, door: str) -> ThreadingHTTPServer:
        pod = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                host = self.headers["Host"]
                pod.asked.append((door, host, self.path))
                route = pod.route(door, host, self.path, self.headers)
                redirected = door == "http" and host in pod.redirected()
                self.send_response(301 if redirected else 200 if route else 404)
                if route and self.headers.get("K-Network-Probe") == "probe":
                    told = route.get("headers", {}).get("request", {}).get("set", {})
                    self.send_header(HASH, told.get(HASH, self.headers[HASH]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        server.daemon_threads = True
        return server

    def _tls(self, folder: Path) -> ssl.SSLContext:
        files = [folder / f"{self.name}.{part}" for part in ("crt", "key")]
        for file, content in zip(files, make_certificate("anybody.example"), strict=True):
            file.write_bytes(content)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        context.sni_callback = lambda _socket, name, _context: self.sni.append(name)
        return context

    def _slice(self, service: str, ports: dict[str, str]) -> None:
        self._api.put(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{service}-{self.name}",
                    "namespace": NAMESPACE,
                    "labels": {"kubernetes.io/service-name": service},
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
                "ports": [{"name": name, "port": self._servers[door].server_port} for name, door in ports.items()],
            }
        )


def _fits(match: Obj, path: str, headers: Any) -> bool:
    prefix = match.get("uri", {}).get("prefix", "")
    return path.startswith(prefix) and all(
        headers.get(name) == value["exact"] for name, value in match.get("headers", {}).items()
    )


def with_knative(api: ApiServer) -> None:
    """Give the API server Knative's and Istio's kinds, and the namespaces."""
    api.put(definition(*INGRESS, "ingresses", status=True))
    api.put(definition(*VIRTUAL_SERVICE, "virtualservices", status=True))
    api.put(definition(*GATEWAY, "gateways", status=True))
    for name in (TIDEWATER, NAMESPACE, "knative-serving"):
        api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


@contextmanager
def networking(kube: Kube, identity: str = "pod-1") -> Iterator[threading.Thread]:
    """Run the whole networking layer in a thread; leaving the block ends it as SIGTERM does."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=run, args=(kube, stop, identity, ready), name=identity, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "the networking layer did not end"
