"""Reaching the engine: a client that exists is one whose engine has answered."""

from __future__ import annotations

import io
import socket
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import docker
import requests
from docker.utils.proxy import ProxyConfig

from wavetank.engine.finding import Address, find_engine, known_sockets
from wavetank.engine.kinds import About, about_from
from wavetank.engine.refusals import telling
from wavetank.errors import EngineError
from wavetank.proxies import proxy_for

__all__ = ["WORK_SECONDS", "about", "connect"]

ANSWER_SECONDS = 10
"""How long an engine may take to say hello."""
WORK_SECONDS = 600
"""How long it may be silent while it works, as when it unpacks a large image."""

_known: WeakKeyDictionary[docker.DockerClient, About] = WeakKeyDictionary()


def connect(address: Address | str | None = None) -> docker.DockerClient:
    """Return a client of the engine at ``address`` (`find_engine` by default) that has just answered.

    Raises `EngineError` when there is none, when it may not be used, or when it does not answer in 10 s.
    """
    if not isinstance(address, Address):
        address = Address(address) if address else find_engine()
    try:
        # The version is asked for at once: a client that exists is one whose engine has answered.
        client = _Client(base_url=address.host, version="auto", timeout=ANSWER_SECONDS, tls=address.tls or False)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise _unreachable(address, error) from error
    client.api.timeout = WORK_SECONDS
    return client


def about(client: docker.DockerClient) -> About:
    """Return what kind of engine it is; it is asked once for each client."""
    if client not in _known:
        with telling("asking the engine about itself"):
            _known[client] = about_from(client.version(), client.info())
    return _known[client]


class _Api(docker.APIClient):
    """The SDK's client, but for proxies: those of the environment and those of ``~/.docker/config.json``.

    To an engine that listens on TCP it goes as the docker command does, straight to one on this machine. And it gives
    no container a proxy: what we run is on this machine, and so is all that it asks.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._proxy_configs = ProxyConfig()

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return the settings of a request: the docker command's way, and the engine's own authority."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        proxy = proxy_for(str(url))
        way = {urlsplit(str(url)).scheme: proxy.url} if proxy else {}
        # REQUESTS_CA_BUNDLE would come before the engine's own authority.
        return {**settings, "proxies": way, "verify": self.verify if verify is None else verify}

    def _get_raw_response_socket(self, response: Any) -> Any:
        """Return what a command in a container is spoken to through, and what has come of it already.

        The SDK reads from the bare socket what comes behind the headers, and so loses what came together with them: the
        output of a command that has ended at once, wherever this process was slower than the engine.
        """
        bare = super()._get_raw_response_socket(response)  # type: ignore[misc]
        early = _read_ahead(getattr(response.raw._fp, "fp", None))
        return _Begun(bare, early) if early else bare


def _read_ahead(reader: Any) -> bytes:
    """Return what the reader of an answer's headers has read beyond them; nothing is waited for, nothing taken out."""
    if not isinstance(reader, io.BufferedReader) or not isinstance(reader.raw, socket.SocketIO):
        return b""  # a pipe of Windows, or ssh
    connection: socket.socket = reader.raw._sock  # type: ignore[attr-defined]
    timeout = connection.gettimeout()
    connection.settimeout(0)
    try:
        with suppress(ssl.SSLWantReadError):
            return reader.peek()
        return b""
    finally:
        connection.settimeout(timeout)


class _Begun:
    """A socket of which some bytes were read before; as much of one as the SDK and `wavetank.engine.inside` use."""

    def __init__(self, bare: Any, early: bytes) -> None:
        self._early, self._sock = early, getattr(bare, "_sock", bare)
        self.fileno, self.close = bare.fileno, bare.close

    def recv(self, most: int) -> bytes:
        """Return the next bytes, those that came early first."""
        if self._early:
            given, self._early = self._early[:most], self._early[most:]
            return given
        received: bytes = self._sock.recv(most)
        return received


class _Client(docker.DockerClient):
    def __init__(self, **options: Any) -> None:
        self.api = _Api(**options)


def _unreachable(address: Address, error: Exception) -> EngineError:
    text = str(error)
    others = [f"{product} (export DOCKER_HOST=unix://{path})" for product, path in known_sockets()]
    instead = f"; or use what else is here: {', '.join(others)}" if others else ""
    if "Permission denied" in text or "PermissionError" in text:
        return EngineError(
            f"the engine at {address.host} may not be used by this user",
            observed=f"permission denied; the address is from {address.said_by}",
            expected="a user in the group docker, or root",
            command="sudo usermod -aG docker $USER",
            hint=f"log out and in again after that, then `wavetank doctor`{instead}",
        )
    return EngineError(
        f"no engine answers at {address.host}",
        observed=f"{text}; the address is from {address.said_by}",
        expected="a running Docker Engine, 20.10 or newer, or Podman, 4.0 or newer",
        command="docker info",
        hint=f"start it ({_start(address)}), then `wavetank doctor`{instead}",
    )


def _start(address: Address) -> str:
    """Return how what belongs at that address is started."""
    path = address.socket or ""
    if path.endswith("podman.sock"):
        return "`systemctl start podman.socket`" if path.startswith("/run/podman") else _PODMAN_USER
    if "/.colima/" in path:
        return "`colima start`"
    return "`sudo systemctl start docker`, or Docker Desktop"


_PODMAN_USER = "`systemctl --user start podman.socket`"
