"""A small Docker Engine that pulls: images by digest out of a table, handed out as `docker save` does.

    with PullingEngine({"example.dev/web@sha256:...": saved_image(...)}) as engine: ...

It also runs those that have a program, and serves plain files, as a release page does.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import struct
import tarfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class SavedImage:
    """An image as the engine has it: its id and its archive in the format of ``docker save``."""

    id: str
    archive: bytes


@dataclass(frozen=True)
class Ran:
    """How a program ended: its exit code, and what it wrote to its two streams."""

    code: int
    out: str = ""
    err: str = ""


Program = Callable[[Sequence[str], Mapping[str, str]], Ran | None]
"""From its arguments and the files that were put in, by path, to how it ends; None: it goes on for ever."""


@dataclass
class Created:
    """A container: what the engine was asked for, the files that were put in, and how it ended if it has."""

    asked: Mapping[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    ran: Ran | None = None
    over: threading.Event = field(default_factory=threading.Event)


def saved_image(files: Mapping[str, str], *, compressed: bool = False, damaged: bool = False) -> SavedImage:
    """Return an image of one layer with these files; ``damaged``, the layer is not the one its configuration names."""
    layer = _tar({name: text.encode() for name, text in files.items()})
    config = {
        "architecture": "arm64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    described = json.dumps(config).encode()
    name = _digest(described).removeprefix("sha256:")
    stored = layer[:-1] + b"x" if damaged else layer
    manifest = [{"Config": f"{name}.json", "RepoTags": None, "Layers": ["one/layer.tar"]}]
    archive = {
        f"{name}.json": described,
        "one/layer.tar": gzip.compress(stored) if compressed else stored,
        "manifest.json": json.dumps(manifest).encode(),
    }
    return SavedImage(f"sha256:{name}", _tar(archive))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return sink.getvalue()


@dataclass
class PullingEngine:
    """The engine and the release page; a context manager.

    What it was asked to pull is in ``pulled``, what it was asked to run in ``asked``, what was not removed since in
    ``containers``.
    """

    images: Mapping[str, SavedImage]
    files: Mapping[str, bytes] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    architecture: str = "arm64"
    repo_digests: Sequence[str] | None = None
    pulled: list[str] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    containers: dict[str, Created] = field(default_factory=dict)

    def __enter__(self) -> Self:
        engine = self

        class Handler(_Handler):
            pass

        Handler.engine = engine
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def find(self, name: str) -> tuple[str, SavedImage] | None:
        """Return an image by its pinned name or its id."""
        return next(((pinned, image) for pinned, image in self.images.items() if name in (pinned, image.id)), None)

    def start(self, container: Created) -> None:
        """Run the program of a container's image, all at once."""
        found = self.find(container.asked["Image"])
        assert found is not None
        container.ran = self.programs[found[0]](container.asked["Cmd"], container.files)
        if container.ran:
            container.over.set()


class _Handler(BaseHTTPRequestHandler):
    engine: PullingEngine

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path, words = self._asked_for()
        match words:
            case ["version"]:
                self._answer({"ApiVersion": "1.41", "Version": "28.0.0", "Arch": self.engine.architecture})
            case ["images", *name, "json"] if found := self.engine.find("/".join(name)):
                pinned, image = found
                digests = [pinned] if self.engine.repo_digests is None else list(self.engine.repo_digests)
                self._answer({"Id": image.id, "Architecture": "arm64", "RepoDigests": digests})
            case ["images", *name, "get"] if found := self.engine.find("/".join(name)):
                self._send(200, found[1].archive)
            case ["containers", id_, "json"]:
                status = "exited" if self.engine.containers[id_].over.is_set() else "running"
                self._answer({"Id": id_, "State": {"Status": status}, "Config": {"Tty": False}})
            case ["containers", id_, "logs"]:
                self._send(200, self._log(self.engine.containers[id_].ran))
            case ["files", name] if name in self.engine.files:
                self._send(200, self.engine.files[name])
            case _:
                self._answer({"message": f"no such thing: {path}"}, 404)

    def do_POST(self) -> None:
        _, words = self._asked_for()
        match words:
            case ["images", "create"]:
                self._pull()
            case ["containers", "create"]:
                id_ = uuid.uuid4().hex
                self.engine.containers[id_] = Created(json.loads(self._body()))
                self.engine.asked.append(self.engine.containers[id_].asked)
                self._answer({"Id": id_, "Warnings": []}, 201)
            case ["containers", id_, "start"]:
                self.engine.start(self.engine.containers[id_])
                self._send(204, b"")
            case ["containers", id_, "wait"]:
                container = self.engine.containers[id_]
                container.over.wait()
                self._answer({"StatusCode": container.ran.code if container.ran else 137})

    def do_PUT(self) -> None:
        _, words = self._asked_for()
        container = self.engine.containers[words[1]]
        (folder,) = parse_qs(urlsplit(self.path).query)["path"]
        with tarfile.open(fileobj=io.BytesIO(self._body())) as tar:
            for entry in tar:
                content = tar.extractfile(entry).read()  # type: ignore[union-attr]
                container.files[posixpath.join(folder, entry.name)] = content.decode()
        self._answer({})

    def do_DELETE(self) -> None:
        _, words = self._asked_for()
        self.engine.containers.pop(words[1]).over.set()
        self._send(204, b"")

    def _asked_for(self) -> tuple[str, list[str]]:
        """Return the path, and its words after the API's version."""
        path = unquote(urlsplit(self.path).path)
        return path, (path.split("/", 2)[2] if path.startswith("/v1.") else path[1:]).split("/")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _log(self, ran: Ran | None) -> bytes:
        """Return the streams that were asked for, framed as the engine frames them."""
        query = parse_qs(urlsplit(self.path).query)
        streams = ((1, "stdout", ran.out), (2, "stderr", ran.err)) if ran else ()
        return b"".join(
            struct.pack(">BxxxL", number, len(text.encode())) + text.encode()
            for number, name, text in streams
            if query[name] == ["1"]
        )

    def _pull(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        pinned = f"{query['fromImage'][0]}@{query['tag'][0]}"
        self.engine.pulled.append(pinned)
        if self.engine.find(pinned):
            self._answer({"status": f"pulled {pinned} for {query['platform'][0]}"})
        else:
            self._answer({"message": f"manifest for {pinned} not found: manifest unknown"}, 404)

    def _answer(self, data: Any, status: int = 200) -> None:
        self._send(status, json.dumps(data).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
