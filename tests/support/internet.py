"""A private internet: the public registries and release pages under their own names, with TLS, on this machine.

    with Internet(folder) as internet:
        pinned = internet.publish("docker.io/library/python:3.11", {"amd64": {"etc/hi": "hi"}})
        internet.has("https://github.com/o/p/releases/download/v1/tool", b"...")
        internet.trouble(busy(429, wait=1), "/blobs/", times=1)

In this process names lead there by `reach` (any user may do that); another program is put there by `command`, which
needs root. It serves as they do: tokens, indexes of several architectures, blobs and release files on other hosts, and
ranges. What it was asked for is in ``asked``. What goes wrong on the way is added as a trouble.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import socket
import struct
import tarfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.authority import server_context

HUB, TOKENS, HUB_BLOBS = "registry-1.docker.io", "auth.docker.io", "production.cloudfront.docker.com"
KUBERNETES, KUBERNETES_MIRROR = "registry.k8s.io", "us-west1-docker.pkg.dev"
GITHUB, GITHUB_FILES, RAW = "github.com", "release-assets.githubusercontent.com", "raw.githubusercontent.com"
GOOGLE, GITHUB_IMAGES = "gcr.io", "ghcr.io"
HOSTS = [
    *(HUB, TOKENS, HUB_BLOBS, KUBERNETES, KUBERNETES_MIRROR),
    *(GITHUB, GITHUB_FILES, RAW, GOOGLE, GITHUB_IMAGES),
]
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

Content = bytes | Path


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]

    @property
    def begins(self) -> int:
        """The first byte that was asked for."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])


@dataclass
class Answer:
    """What is answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: Content = b""
    begins: int = 0

    @property
    def size(self) -> int:
        """Its bytes."""
        whole = len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size
        return whole - self.begins

    def read(self, size: int = -1) -> bytes:
        """Return its first bytes, or all."""
        with io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb") as source:
            source.seek(self.begins)
            return source.read(size)


Act = Callable[["Handler", Answer], None]
"""What a trouble does with an answer that would have been good."""


@dataclass
class Trouble:
    """Something that goes wrong for the next ``times`` requests of which the address has ``where`` in it."""

    act: Act
    where: str
    times: float


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Internet:
    """A context manager; without an ``address`` it is reached by any port of loopback that is free."""

    def __init__(self, folder: Path, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._address = address
        self._tls = server_context(HOSTS, folder)
        self._troubles: list[Trouble] = []
        self.blobs: dict[str, Content] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.files: dict[str, bytes] = {}
        self.logins: set[str] = set()
        self.asked: list[Asked] = []
        self.over = threading.Event()

    @property
    def authority(self) -> Path:
        """The certificate of whom to trust."""
        return self._folder / "ca.pem"

    def __enter__(self) -> Self:
        internet = self

        class Bound(Handler):
            pass

        Bound.internet = internet
        self._server = _Server(self._address, Bound)
        self._server.socket = self._tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def reach(self, monkeypatch: pytest.MonkeyPatch, *, trusted: bool = True, known: bool = True) -> None:
        """Have names lead here in this process, and no name elsewhere; ``trusted``, its authority is, too."""
        real, port = socket.getaddrinfo, self._server.server_address[1]

        def look_up(host: Any, service: Any, *more: Any, **named: Any) -> Any:
            if host in HOSTS and known:
                return real("127.0.0.1", port, *more, **named)
            if host in ("127.0.0.1", "localhost", "::1", None):
                return real(host, service, *more, **named)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        for name in (*PROXIES, *AUTHORITIES):
            monkeypatch.delenv(name, raising=False)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(self.authority))
        monkeypatch.setenv("DOCKER_CONFIG", str(self._folder / "docker"))

    def command(self, words: list[str]) -> list[str]:
        """Return a command that runs ``words`` where these names lead here (at ``address``, port 443); as root."""
        hosts = self._folder / "hosts"
        lines = [f"{self._address[0]} {name}\n" for name in HOSTS]
        hosts.write_text("127.0.0.1 localhost\n" + "".join(lines))
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(hosts), *words]

    def trouble(self, act: Act, where: str = "", times: float = float("inf")) -> None:
        """Have something go wrong."""
        self._troubles.append(Trouble(act, where, times))

    def next_trouble(self, address: str) -> Act | None:
        """Return what goes wrong with this request, if anything, and count it."""
        for trouble in self._troubles:
            if trouble.where in address and trouble.times > 0:
                trouble.times -= 1
                return trouble.act
        return None

    def has(self, url: str, content: bytes) -> str:
        """Serve a file of a release, and return its digest."""
        self.files[url] = content
        return digest(content)

    def publish(self, name: str, images: Mapping[str, Mapping[str, str]], *, packed: bool = True) -> str:
        """Serve an image of one layer of these files for each architecture, as a tag, and return ``name@digest``."""
        made = {}
        for architecture, files in images.items():
            layer = tar_of(files)
            blob = gzip.compress(layer, mtime=0) if packed else layer
            config = {
                "architecture": architecture,
                "os": "linux",
                "config": {"Env": ["PATH=/usr/local/bin:/bin"]},
                "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
            }
            made[architecture] = self.manifest(name, config, [blob], packed=packed)
        return self.index(name, made)

    def manifest(
        self, name: str, config: Mapping[str, Any] | bytes, blobs: list[Content], *, packed: bool = True
    ) -> bytes:
        """Serve a manifest of these layers and this configuration, and return it."""
        described = config if isinstance(config, bytes) else json.dumps(config).encode()
        self.blobs[digest(described)] = described
        layers = []
        for blob in blobs:
            named, size = _measured(blob)
            self.blobs[named] = blob
            kind = "tar+gzip" if packed else "tar"
            layers.append({"mediaType": f"application/vnd.oci.image.layer.v1.{kind}", "digest": named, "size": size})
        about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(described)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {**about, "size": len(described)},
            "layers": layers,
        }
        content = json.dumps(manifest).encode()
        self.manifests[_repository(name), digest(content)] = (MANIFEST, content)
        return content

    def index(self, name: str, manifests: Mapping[str, bytes]) -> str:
        """Serve an index of these manifests as the tag in ``name``, and return ``name@digest``."""
        entries = [
            {
                "mediaType": MANIFEST,
                "digest": digest(content),
                "size": len(content),
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture, content in manifests.items()
        ]
        # As buildx adds it to what it pushes.
        entries.append({**entries[0], "platform": {"os": "unknown", "architecture": "unknown"}})
        content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        repository, tag = _repository(name), name.rpartition(":")[2]
        for reference in (tag, digest(content)):
            self.manifests[repository, reference] = (INDEX, content)
        return f"{name.rpartition(':')[0]}@{digest(content)}"


def tar_of(files: Mapping[str, str | bytes]) -> bytes:
    """Return a tar of these files."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def _repository(name: str) -> str:
    """Return host and path by which the registry of ``registry/repository:tag`` serves it."""
    registry, _, path = name.rpartition(":")[0].partition("/")
    return f"{HUB if registry == 'docker.io' else registry}/{path}"


def _measured(content: Content) -> tuple[str, int]:
    if isinstance(content, bytes):
        return digest(content), len(content)
    with content.open("rb") as source:
        return f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}", content.stat().st_size


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that do not trust it, and connections that were broken on purpose, are no news."""


class Handler(BaseHTTPRequestHandler):
    """Every server there is; which one is meant, the request's Host says."""

    internet: Internet
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer on a kept connection takes 40 ms
    timeout = 60

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.host = self.headers["Host"]
        asked = Asked(self.command, self.host, self.path, dict(self.headers))
        self.internet.asked.append(asked)
        act = self.internet.next_trouble(f"{self.host}{self.path}")
        answer = self._answer(urlsplit(self.path).path, asked)
        if act:
            act(self, answer)
        else:
            self.send(answer)

    def _answer(self, path: str, asked: Asked) -> Answer:
        match self.host:
            case "github.com":
                known = f"https://{self.host}{path}" in self.internet.files
                return _redirect(f"https://{GITHUB_FILES}{path}") if known else Answer(404)
            case "release-assets.githubusercontent.com":
                return _part(Answer(200, {}, self.internet.files[f"https://{GITHUB}{path}"]), asked)
            case "raw.githubusercontent.com":
                found = self.internet.files.get(f"https://{self.host}{path}")
                return Answer(404) if found is None else _part(Answer(200, {}, found), asked)
            case "auth.docker.io":
                return self._token(asked)
            case "production.cloudfront.docker.com":
                if "Authorization" in asked.headers:  # its address says it all, and more is refused
                    return Answer(400)
                return _part(Answer(200, {}, self.internet.blobs[path.rpartition("/")[2]]), asked)
            case "registry.k8s.io" if path != "/v2/":
                return _redirect(f"https://{KUBERNETES_MIRROR}{path}")
        return self._registry(path, asked)

    def _token(self, asked: Asked) -> Answer:
        query = parse_qs(urlsplit(asked.path).query)
        login = asked.headers.get("Authorization")
        if login and login not in self.internet.logins:
            return Answer(401)
        return Answer(200, {"Content-Type": "application/json"}, json.dumps({"token": query["scope"][0]}).encode())

    def _registry(self, path: str, asked: Asked) -> Answer:
        if path == "/v2/":
            return Answer(200, {"Content-Type": "application/json"}, b"{}")
        repository, kind, reference = path.removeprefix("/v2/").rsplit("/", 2)
        scope = f"repository:{repository}:pull"
        if self.host != KUBERNETES_MIRROR and asked.headers.get("Authorization") != f"Bearer {scope}":
            return self.challenge(scope)
        if kind == "blobs":
            if reference not in self.internet.blobs:
                return Answer(404)
            if self.host == HUB:
                return _redirect(f"https://{HUB_BLOBS}/blobs/{reference}")
            return _part(Answer(200, {}, self.internet.blobs[reference]), asked)
        host = KUBERNETES if self.host == KUBERNETES_MIRROR else self.host
        if found := self.internet.manifests.get((f"{host}/{repository}", reference)):
            return Answer(200, {"Content-Type": found[0], "Docker-Content-Digest": digest(found[1])}, found[1])
        unknown = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
        return Answer(404, {"Content-Type": "application/json"}, json.dumps(unknown).encode())

    def challenge(self, scope: str) -> Answer:
        """Return what a registry says to who has no token."""
        told = f'Bearer realm="https://{TOKENS}/token",service="{self.host}",scope="{scope}"'
        return Answer(401, {"WWW-Authenticate": told, "Content-Type": "application/json"}, b"{}")

    def begin(self, answer: Answer) -> None:
        """Send all but the content."""
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(answer.size), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, answer: Answer) -> None:
        """Send all of an answer."""
        self.begin(answer)
        if self.command == "HEAD":
            return
        if isinstance(answer.content, bytes):
            self.wfile.write(answer.read())
        else:
            with answer.content.open("rb") as source:
                source.seek(answer.begins)
                shutil.copyfileobj(source, self.wfile, 1 << 20)


def _redirect(url: str) -> Answer:
    return Answer(307, {"Location": url})


def _part(answer: Answer, asked: Asked) -> Answer:
    """Return the part of an answer that was asked for."""
    answer.headers.setdefault("Content-Type", "application/octet-stream")
    if "Range" not in asked.headers:
        return answer
    whole = answer.size
    if asked.begins >= whole:
        return Answer(416)
    answer.begins = asked.begins
    answer.status = 206
    answer.headers["Content-Range"] = f"bytes {asked.begins}-{whole - 1}/{whole}"
    return answer


def busy(status: int, wait: int | None = None) -> Act:
    """Answer with ``status``, and ask to wait so many seconds."""
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return lambda handler, _: handler.send(Answer(status, headers))


def cut_after(size: int) -> Act:
    """Send ``size`` bytes of the content, then end the connection."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.read(size))
        handler.close_connection = True

    return act


def reset_after(size: int) -> Act:
    """Send ``size`` bytes of the content, then reset the connection."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.read(size))
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()

    return act


def damaged(handler: Handler, answer: Answer) -> None:
    """Send other content than was asked for, of the same size."""
    content = answer.read()
    handler.send(Answer(answer.status, answer.headers, content[:-1] + bytes([content[-1] ^ 1])))


def slow(size: int, pause: float) -> Act:
    """Send the content in pieces of ``size`` bytes with pauses between them."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        content = answer.read()
        for begin in range(0, len(content), size):
            handler.wfile.write(content[begin : begin + size])
            handler.internet.over.wait(pause)

    return act


def silent_after(size: int) -> Act:
    """Send ``size`` bytes of the content, then nothing."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.read(size))
        handler.internet.over.wait(30)
        handler.close_connection = True

    return act


LOGIN = b"<!doctype html><html><head><title>Harbour Cafe: please log in</title></head><body>...</body></html>"


def portal(handler: Handler, _: Answer) -> None:
    """Answer with a login page, as if it were what was asked for."""
    handler.send(Answer(200, {"Content-Type": "text/html; charset=utf-8"}, LOGIN))


def no_longer(handler: Handler, _: Answer) -> None:
    """Take every token for ended."""
    repository = handler.path.removeprefix("/v2/").rsplit("/", 2)[0]
    handler.send(handler.challenge(f"repository:{repository}:pull"))
