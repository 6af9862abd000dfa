"""A small Docker Engine of the tests' own: its HTTP API over loopback, containers that are rows in a table.

    with Engine() as engine:
        client = docker.DockerClient(base_url=engine.host, version="auto")

It knows containers, networks, volumes, images (``docker load`` of a real archive) and exec, whose commands a test
answers with `on_exec`. Trouble is ordered in advance (`refuse`) or made at once (`stop`).
"""

from __future__ import annotations

import base64
import io
import json
import struct
import tarfile
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

Exec = Callable[[dict[str, Any], list[str], bytes], tuple[int, str]]


@dataclass
class Engine:
    """The engine; a context manager. ``containers`` and ``networks`` are as the API shows them, by name.

    ``files`` are by path and in every container; ``archives`` are what a container was given. ``says`` are messages for
    requests whose path ends so; ``image_labels`` and ``digests`` (those in registries) are by an image's id.
    """

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    image_labels: dict[str, dict[str, str]] = field(default_factory=dict)
    networks_created: str = "2026-01-02"
    volumes: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    archives: dict[str, list[bytes]] = field(default_factory=dict)
    info: dict[str, Any] = field(
        default_factory=lambda: {
            "ServerVersion": "28.0.0",
            "CgroupVersion": "2",
            "MemTotal": 16 << 30,
            "DockerRootDir": "/",
        }
    )
    version: dict[str, Any] = field(
        default_factory=lambda: {"ApiVersion": "1.41", "Arch": "amd64", "Components": [{"Name": "Engine"}]}
    )
    on_exec: Exec = lambda container, command, given: (0, "")
    on_start: Callable[[dict[str, Any]], None] = lambda container: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    says: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    digests: dict[str, list[str]] = field(default_factory=dict)
    running: bool = True
    _refusals: list[tuple[str, str, int, str]] = field(default_factory=list)
    _execs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        engine = self

        class Handler(_Handler):
            pass

        Handler.engine = engine
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """What to set DOCKER_HOST to."""
        return f"tcp://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Die: nobody listens any more, and open connections end. Dying twice is fine."""
        self.running = False
        self._server.shutdown()
        self._server.server_close()

    def refuse(self, method: str, path: str, status: int, message: str) -> None:
        """Answer requests whose path contains ``path`` with an error from now on."""
        self._refusals.append((method, path, status, message))

    def refusal(self, method: str, path: str) -> tuple[int, str] | None:
        """Return the error that was ordered for a request."""
        fitting = (each for each in self._refusals if each[0] == method and each[1] in path)
        found = next(fitting, None)
        return (found[2], found[3]) if found else None

    def add_container(self, name: str, image: str = "", labels: dict[str, str] | None = None, **more: Any) -> None:
        """Have a container running that nobody asked for."""
        self.containers[name] = {
            "Id": uuid.uuid4().hex,
            "Name": f"/{name}",
            "Config": {"Labels": labels or {}, "Image": image, "Tty": False},
            "Image": self.images.get(image, ""),
            "State": {"Status": "running"},
            "RestartCount": 0,
            "NetworkSettings": {"Ports": {}},
            **more,
        }

    def find(self, name_or_id: str) -> dict[str, Any] | None:
        """Return a container by name or id."""
        return next((each for name, each in self.containers.items() if name_or_id in (name, each["Id"])), None)

    def load(self, archive: bytes) -> list[str]:
        """Take in the images of an archive in the format of ``docker save``; return their names."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        for image in manifest:
            self.images[image["RepoTags"][0]] = "sha256:" + image["Config"].rpartition("/")[2].removesuffix(".json")
        return [image["RepoTags"][0] for image in manifest]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer on a kept connection takes 40 ms
    engine: Engine

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def _serve(self) -> None:
        if not self.engine.running:
            self.close_connection = True
            return None
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        if path.startswith("/v1."):
            path = "/" + path.split("/", 2)[2]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        body = self._body()
        self.engine.requests.append((self.command, path))
        if refusal := self.engine.refusal(self.command, path):
            return self._answer({"message": refusal[1]}, refusal[0])
        self.engine.queries.append(query)
        if said := next((lines for end, lines in self.engine.says.items() if path.endswith(end)), None):
            return self._answer(said, lines=True)
        words = path.strip("/").split("/")
        filters = json.loads(query.get("filters", "{}"))
        match self.command, words:
            case _, ["_ping"]:
                return self._answer({})
            case "GET", ["version"]:
                return self._answer(self.engine.version | {"Version": self.engine.info["ServerVersion"]})
            case "GET", ["info"]:
                return self._answer(self.engine.info)
            case _, ["containers", *rest]:
                return self._containers(rest, query, filters, body)
            case _, ["exec", id_, what]:
                return self._exec(id_, what)
            case _, ["networks", *rest]:
                return self._networks(rest, filters, body)
            case _, ["volumes", *rest]:
                return self._volumes(rest, filters, body)
            case "GET", ["images", "json"]:
                told = [
                    {"Id": id_, "RepoTags": [tag], "Labels": self.engine.image_labels.get(id_)}
                    for tag, id_ in self.engine.images.items()
                    if _labelled(self.engine.image_labels.get(id_, {}), filters)
                ]
                return self._answer(told)
            case "DELETE", ["images", *name]:
                ref = "/".join(name)
                removed = [tag for tag, id_ in self.engine.images.items() if ref in (tag, id_)]
                for tag in removed:
                    del self.engine.images[tag]
                return self._answer([]) if removed else self._missing(f"image: {'/'.join(name)}")
            case "POST", ["images", "load"]:
                names = self.engine.load(body)
                return self._answer([{"stream": f"Loaded image: {name}\n"} for name in names], lines=True)
            case "GET", ["images", *name, "json"]:
                ref = "/".join(name)
                known = self.engine.images
                id_ = known.get(ref) or (ref if ref in known.values() else None)
                tags = [tag for tag, known_id in known.items() if known_id == id_]
                digests = self.engine.digests.get(id_ or "", [])
                own = {"Labels": self.engine.image_labels.get(id_ or "")}
                found = {"Id": id_, "RepoTags": tags, "RepoDigests": digests, "Config": own}
                return self._answer(found) if id_ else self._missing(f"image: {ref}")
        return self._missing(path)

    def _containers(self, words: list[str], query: dict[str, str], filters: dict[str, list[str]], body: bytes) -> None:
        engine = self.engine
        if words == ["json"]:
            found = [each for each in engine.containers.values() if _labelled(each["Config"]["Labels"], filters)]
            return self._answer(
                [{"Id": each["Id"], "Names": [each["Name"]], "Labels": each["Config"]["Labels"]} for each in found]
            )
        if words == ["create"]:
            asked = json.loads(body)
            if query["name"] in engine.containers:
                return self._answer({"message": f"the name {query['name']} is already in use"}, 409)
            bindings = asked["HostConfig"].get("PortBindings") or {}
            engine.add_container(query["name"], asked["Image"], asked.get("Labels"))
            made = engine.containers[query["name"]]
            made["State"]["Status"] = "created"
            made["NetworkSettings"]["Ports"] = bindings
            made["Asked"] = asked
            return self._answer({"Id": made["Id"], "Warnings": []}, 201)
        container = engine.find(words[0])
        if container is None:
            return self._missing(f"container: {words[0]}")
        match self.command, words[1:]:
            case "GET", ["json"]:
                return self._answer(container)
            case "GET", ["logs"]:
                return self._raw(_frame(b"started\nserving\n"))
            case "POST", ["start" | "unpause"]:
                container["State"]["Status"] = "running"
                engine.on_start(container)
                return self._answer(None, 204)
            case "POST", ["pause"]:
                container["State"]["Status"] = "paused"
                return self._answer(None, 204)
            case "DELETE", []:
                del engine.containers[container["Name"][1:]]
                return self._answer(None, 204)
            case "PUT", ["archive"]:
                engine.archives.setdefault(container["Name"][1:], []).append(body)
                return self._answer({})
            case "GET", ["archive"] if (path := query["path"]) in engine.files:
                about = base64.b64encode(json.dumps({"name": path}).encode()).decode()
                return self._raw(_archive(path, engine.files[path]), {"X-Docker-Container-Path-Stat": about})
            case "GET", ["archive"]:
                return self._missing(f"file: {query['path']}")
            case "POST", ["exec"]:
                id_ = uuid.uuid4().hex
                engine._execs[id_] = {"ExitCode": None, "container": container, "asked": json.loads(body)}
                return self._answer({"Id": id_}, 201)
        return self._missing(self.path)

    def _exec(self, id_: str, what: str) -> None:
        run = self.engine._execs[id_]
        if what == "json":
            return self._answer({"ExitCode": run["ExitCode"]})
        taken_over = b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n"
        given = b""
        if run["asked"]["AttachStdin"]:
            self.wfile.write(taken_over)
            given, taken_over = self.rfile.read(), b""
        run["ExitCode"], output = self.engine.on_exec(run["container"], run["asked"]["Cmd"], given)
        # In one piece, as an engine's answer arrives where the client is slower than the command.
        self.wfile.write(taken_over + _frame(output.encode()))
        self.close_connection = True
        return None

    def _networks(self, words: list[str], filters: dict[str, list[str]], body: bytes) -> None:
        networks = self.engine.networks
        if words == ["create"]:
            asked = json.loads(body)
            if asked["Name"] in networks:
                return self._answer({"message": f"network with name {asked['Name']} already exists"}, 409)
            networks[asked["Name"]] = {
                "Id": uuid.uuid4().hex,
                "Name": asked["Name"],
                "Labels": asked.get("Labels") or {},
                "Created": self.engine.networks_created,
            }
            return self._answer({"Id": networks[asked["Name"]]["Id"]}, 201)
        if not words:
            names = [name.strip("^$") for name in filters.get("name", [])]
            found = [each for each in networks.values() if not names or each["Name"] in names]
            return self._answer([each for each in found if _labelled(each["Labels"], filters)])
        network = next((each for each in networks.values() if words[0] in (each["Id"], each["Name"])), None)
        if network is None:
            return self._missing(f"network: {words[0]}")
        if self.command == "DELETE":
            del networks[network["Name"]]
            return self._answer(None, 204)
        return self._answer(network)

    def _volumes(self, words: list[str], filters: dict[str, list[str]], body: bytes) -> None:
        volumes = self.engine.volumes
        if words == ["create"]:
            asked = json.loads(body)
            volumes.setdefault(asked["Name"], asked.get("Labels") or {})
            return self._answer({"Name": asked["Name"], "Labels": volumes[asked["Name"]]}, 201)
        if not words:
            found = [{"Name": name, "Labels": own} for name, own in volumes.items() if _labelled(own, filters)]
            return self._answer({"Volumes": found})
        if self.command == "DELETE" and volumes.pop(words[0], None) is not None:
            return self._answer(None, 204)
        return self._missing(f"volume: {words[0]}")

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, data: Any, status: int = 200, *, lines: bool = False) -> None:
        if lines:
            self._stream(data)
            return
        content = b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, messages: list[Any]) -> None:
        """Answer message by message, in chunks: that is how the client knows that there may be many."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for message in messages:
            line = json.dumps(message).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _raw(self, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/vnd.docker.raw-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _missing(self, what: str) -> None:
        self._answer({"message": f"No such {what}"}, 404)


def _frame(content: bytes) -> bytes:
    return struct.pack(">BxxxL", 1, len(content)) + content


def _archive(path: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo(path.rpartition("/")[2])
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


def _labelled(labels: dict[str, str], filters: dict[str, list[str]]) -> bool:
    for wanted in filters.get("label", []):
        key, _, value = wanted.partition("=")
        if key not in labels or (value and labels[key] != value):
            return False
    return True
