"""Where the engine answers: found as the ``docker`` command finds it, and where that finds none, by well-known sockets.

In this order: ``DOCKER_HOST`` (with ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``), the context that
``DOCKER_CONTEXT`` or else ``config.json`` names (with its own certificates), the default socket, ``CONTAINER_HOST``
(which is Podman's own variable), and the sockets at which the usual products listen for their user.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from wavetank.errors import EngineError

__all__ = ["DEFAULT_SOCKET", "Address", "find_engine", "known_sockets"]

DEFAULT_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine answers. ``said_by`` tells who says so; ``environment`` says the same to the docker command."""

    host: str
    said_by: str = "the caller"
    environment: Mapping[str, str] = field(default_factory=dict)
    tls: TLSConfig | None = None

    @property
    def socket(self) -> str | None:
        """The path of its Unix socket on this machine; None for one that is reached by TCP."""
        scheme, _, path = self.host.partition("://")
        return path if scheme in ("unix", "http+unix") else None

    @property
    def elsewhere(self) -> bool:
        """Whether it is another machine's."""
        name = urlsplit(self.host).hostname or ""
        return self.socket is None and name not in ("localhost", "::1") and not name.startswith("127.")

    def __str__(self) -> str:
        return f"{self.host} (from {self.said_by})"


def find_engine(environment: Mapping[str, str] = os.environ, default: Path = Path(DEFAULT_SOCKET)) -> Address:
    """Return where the engine is; asks nobody there.

    Raises `EngineError` for a context that does not exist or cannot be read, for certificates that are not there, and
    for an engine behind SSH.
    """
    if environment.get("DOCKER_HOST"):
        return _of_variables(environment)
    if (name := _context_name(environment)) != "default":
        return _of_context(name)
    if not default.exists():
        if host := environment.get("CONTAINER_HOST"):
            return _checked(Address(host, "CONTAINER_HOST", {"DOCKER_HOST": host}))
        for product, path in known_sockets(environment):
            return Address(f"unix://{path}", f"the socket of {product}", {"DOCKER_HOST": f"unix://{path}"})
    host = f"unix://{default}"
    return Address(host, "the default", {"DOCKER_HOST": host})


def known_sockets(environment: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Path]]:
    """Yield those sockets of well-known products that are there and may be used by this user, with their names."""
    home = Path(environment.get("HOME") or Path.home())
    own = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    places = (
        ("rootless Docker", own / "docker.sock"),
        ("Docker Desktop", home / ".docker/run/docker.sock"),
        ("Docker Desktop", home / ".docker/desktop/docker.sock"),
        ("Colima", home / ".colima/default/docker.sock"),
        ("Rancher Desktop", home / ".rd/docker.sock"),
        ("OrbStack", home / ".orbstack/run/docker.sock"),
        ("rootless Podman", own / "podman/podman.sock"),
        ("Podman", Path("/run/podman/podman.sock")),
    )
    for product, path in places:
        if os.access(path, os.W_OK) and path.is_socket():
            yield product, path


def _of_variables(environment: Mapping[str, str]) -> Address:
    said = {name: value for name in _VARIABLES if (value := environment.get(name))}
    try:
        found = kwargs_from_env(environment=dict(environment))
    except docker.errors.DockerException as error:
        raise EngineError(
            f"the certificates for {environment['DOCKER_HOST']} cannot be used",
            observed=str(error).strip(),
            expected="ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH, or in ~/.docker",
            command="ls -l ${DOCKER_CERT_PATH:-~/.docker}",
            hint="correct DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY where the engine asks for no certificate",
        ) from error
    host = environment["DOCKER_HOST"]
    return _checked(Address(found.get("base_url") or host, "DOCKER_HOST", said, found.get("tls") or None))


_VARIABLES = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def _context_name(environment: Mapping[str, str]) -> str:
    return str(environment.get("DOCKER_CONTEXT") or get_current_context_name() or "default")


def _of_context(name: str) -> Address:
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # what the library raises for a file that it cannot read has no type of its own
        raise _unusable(name, str(error)) from error
    if context is None:
        raise _unusable(name, "there is no context of that name")
    if not context.Host:
        raise _unusable(name, "it names no address")
    return _checked(Address(context.Host, f"the context {name!r}", {"DOCKER_CONTEXT": name}, context.TLSConfig))


def _unusable(name: str, observed: str) -> EngineError:
    return EngineError(
        f"the docker context {name!r} cannot be used",
        observed=observed,
        expected="a context that `docker context ls` shows",
        command="docker context ls",
        hint="`docker context use default`, or another that is listed; DOCKER_CONTEXT comes before that, if it is set",
    )


def _checked(address: Address) -> Address:
    """Refuse what cannot work: everything in a lab is on 127.0.0.1, and that would be another machine's."""
    if address.host.startswith("ssh://"):
        raise EngineError(
            "an engine behind SSH cannot be used",
            observed=str(address),
            expected="an engine on this machine: its ports on 127.0.0.1 are where a cluster is reached",
            command="docker context use default",
            hint="run Wavetank on that machine, and forward JupyterLab's port to here: `ssh -L 8888:127.0.0.1:8888`",
        )
    return address
