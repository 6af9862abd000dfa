"""The distribution API that image registries speak: names, tokens, manifests and blobs.

Written down in the OCI distribution specification (spec.md) and, for tokens, in distribution's docs/spec/auth/token.md.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import parse_http_list, parse_keqv_list

import requests
from docker.auth import load_config
from docker.errors import DockerException

from wavetank.bundle import troubles
from wavetank.bundle.https import Web
from wavetank.bundle.progress import Progress
from wavetank.document import read_json
from wavetank.errors import BundleError
from wavetank.pasted import pasted

__all__ = ["ImageName", "Registries", "docker_login"]

HUB = "docker.io"
HUB_SERVER = "registry-1.docker.io"
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)

Credentials = Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class ImageName:
    """A name as people write it, taken apart; ``reference`` is a tag or a digest."""

    registry: str
    repository: str
    reference: str

    @classmethod
    def parse(cls, name: str) -> ImageName:
        """Take apart ``[registry/]repository(:tag|@digest)``; without a registry it is one of Docker Hub's."""
        path, _, digest = name.partition("@")
        first, slash, rest = path.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            registry, repository = first, rest
        else:
            registry, repository = HUB, path
        if not digest:
            repository, _, digest = repository.partition(":")
        if registry == HUB and "/" not in repository:
            repository = f"library/{repository}"
        return cls(registry, repository, digest)

    @property
    def address(self) -> str:
        """Return where the API of its registry serves its repository."""
        return f"https://{HUB_SERVER if self.registry == HUB else self.registry}/v2/{self.repository}"


def docker_login(registry: str) -> tuple[str, str] | None:
    """Return user and password that `docker login` keeps for a registry, its credential helpers asked, if any."""
    try:
        found: Mapping[str, Any] = load_config().resolve_authconfig(None if registry == HUB else registry) or {}
    except DockerException:
        return None  # a helper that is not installed: everything here is public
    user, password = found.get("username") or found.get("Username"), found.get("password") or found.get("Password")
    return (str(user), str(password)) if user and password else None


class Registries:
    """All registries, over one ``web``; tokens are kept until they end. Usable by several threads."""

    def __init__(self, web: Web, credentials: Credentials = docker_login) -> None:
        self._web = web
        self._credentials = credentials
        self._tokens: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def digest(self, name: ImageName, progress: Progress) -> str:
        """Return the digest of what a tag names now."""
        # HEAD, since Docker Hub does not count it as a pull.
        answer = self._ask(name, f"manifests/{name.reference}", _told(name), progress, accept=MANIFESTS, method="HEAD")
        if digest := answer.headers.get("Docker-Content-Digest"):
            return digest
        return f"sha256:{hashlib.sha256(self._document(name, name.reference, progress)).hexdigest()}"

    def manifest(self, name: ImageName, digest: str, progress: Progress) -> dict[str, Any]:
        """Return the index or manifest with that digest; raises `BundleError` when another one comes."""
        return self._checked(name, digest, self._document(name, digest, progress), f"manifests/{digest}")

    def config(self, name: ImageName, digest: str, progress: Progress) -> tuple[dict[str, Any], bytes]:
        """Return an image's configuration, parsed and as it came; raises `BundleError` when another one comes."""
        content = self._read(name, f"blobs/{digest}", progress, "*/*")
        return self._checked(name, digest, content, f"blobs/{digest}"), content

    def fetch_blob(self, name: ImageName, digest: str, target: Path, size: int, progress: Progress) -> None:
        """Fetch a blob into ``target``, going on behind what is there; its digest is for the caller to check."""
        path, what = f"blobs/{digest}", f"a layer of {_told(name)}"
        self._web.fetch(
            lambda headers: self._ask(name, path, what, progress, headers=headers),
            f"{name.address}/{path}",
            what,
            target,
            size,
            progress,
        )

    def _document(self, name: ImageName, reference: str, progress: Progress) -> bytes:
        return self._read(name, f"manifests/{reference}", progress, MANIFESTS)

    def _read(self, name: ImageName, path: str, progress: Progress, accept: str) -> bytes:
        what = _told(name)
        return self._web.read(
            lambda headers: self._ask(name, path, what, progress, accept=accept),
            f"{name.address}/{path}",
            what,
            progress,
        )

    def _checked(self, name: ImageName, digest: str, content: bytes, path: str) -> dict[str, Any]:
        if (observed := f"sha256:{hashlib.sha256(content).hexdigest()}") != digest:
            raise troubles.wrong_digest(_told(name), f"{name.address}/{path}", observed, digest)
        try:
            document = read_json(content)
        except ValueError as error:
            document, said = None, str(error)
        else:
            said = f"{type(document).__name__}, not an object"
        if not isinstance(document, dict):
            raise BundleError(
                f"{name.registry} gives no manifest for {_told(name)}",
                observed=f"{said}, at {name.address}/{path}",
                expected="a manifest as JSON",
                command=pasted("curl", "-sSL", "-H", f"Accept: {MANIFESTS}", f"{name.address}/{path}"),
            )
        return document

    def _ask(
        self,
        name: ImageName,
        path: str,
        what: str,
        progress: Progress,
        *,
        accept: str = "*/*",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url, key = f"{name.address}/{path}", (name.registry, name.repository)
        for first in (True, False):
            asked = {"Accept": accept, **(headers or {})}
            if token := self._tokens.get(key):
                asked["Authorization"] = token
            answer = self._web.ask(url, what, progress, method=method, headers=asked, let_pass=(401,))
            if answer.status_code != requests.codes.unauthorized:
                return answer
            answer.close()
            if first:
                with self._lock:
                    if self._tokens.get(key) == token:
                        self._tokens[key] = self._token(answer.headers.get("WWW-Authenticate", ""), name, progress)
        raise troubles.refused(what, url, requests.codes.unauthorized)

    def _token(self, challenge: str, name: ImageName, progress: Progress) -> str:
        """Return what to say as ``Authorization``: the token that the server of the challenge gives for reading."""
        parts = parse_keqv_list(parse_http_list(challenge.partition(" ")[2]))
        login = self._credentials(name.registry)
        if challenge.lower().startswith("basic ") and login:
            return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"
        if "realm" not in parts:
            raise troubles.refused(_told(name), name.address, requests.codes.unauthorized)
        query = urlencode({"service": parts.get("service", ""), "scope": f"repository:{name.repository}:pull"})
        url, what = f"{parts['realm']}?{query}", f"a token for {_told(name)}"
        content = self._web.read(
            lambda headers: self._web.ask(url, what, progress, credentials=login), url, what, progress
        )
        try:
            given = read_json(content)
            return f"Bearer {given.get('token') or given['access_token']}"
        except (ValueError, KeyError, AttributeError) as error:
            raise BundleError(
                f"{parts['realm']} gives no token for {_told(name)}", observed=str(error), expected="a token as JSON"
            ) from error


def _told(name: ImageName) -> str:
    return f"{name.registry}/{name.repository}"
