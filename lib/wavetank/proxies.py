"""Which way a connection goes: never by a proxy to this machine, and to a cluster elsewhere as kubectl would go.

Proxies are set for the internet, in the environment or in the system's settings, and hardly anybody remembers to except
loopback in the form that each program reads. Programs written in Go leave it out by themselves; the libraries used here
do not, and two of them read ``NO_PROXY`` each in its own way. So nothing here leaves it to them:

- HTTP to this machine: `open_here`, or a `Session`, which goes elsewhere as ``requests`` does;
- an API server, an engine: `proxy_for` decides as Go does, and the library is told;
- a program that must not hand on what it finds set: `without_proxies`;
- a learner's own ``curl`` in a terminal or a cell of ours: `except_loopback`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import ProxyHandler, build_opener

import requests

__all__ = ["Proxy", "Session", "except_loopback", "is_here", "open_here", "proxy_for", "without_proxies"]

_VARIABLE = re.compile(r"(http|https|all|ftp|no)_proxy", re.IGNORECASE)
_ROUTES = Path("/proc/net/route")
_DEVICES = Path("/sys/class/net")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""In the forms that everybody reads."""
_PORTS = {"http": 80, "https": 443}

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way, and who says that it is: a variable with its dollar, or a kubeconfig's ``proxy-url``."""

    url: str
    said_by: str

    @property
    def parts(self) -> SplitResult:
        """Its address, taken apart."""
        return urlsplit(self.url)

    def __str__(self) -> str:
        """Tell of it without its password."""
        address = self.parts._replace(netloc=self.parts.netloc.rpartition("@")[2]).geturl()
        return f"{address}, which {self.said_by} names"


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy by which kubectl and docker would go to ``url``; None where they, or we, go straight.

    The rules are those of Go (golang.org/x/net/http/httpproxy): the variable of the scheme and no other, loopback
    never, and ``NO_PROXY`` with names, suffixes, ports, addresses and networks. To them comes one: containers on this
    machine are left out, too.
    """
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    variable = next((each for each in (name.upper(), name) if environment.get(each)), None)
    if parts.scheme not in _PORTS or variable is None or is_here(url) or _is_container(_ip(parts.hostname or "")):
        return None
    if _is_left_out(parts, environment.get("NO_PROXY") or environment.get("no_proxy") or ""):
        return None
    value = environment[variable]
    return Proxy(value if "://" in value else f"http://{value}", f"${variable}")


def is_here(url: str) -> bool:
    """Tell whether ``url`` leads to this machine: loopback in any form, or every address of this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = _ip(host)
    return ip is not None and (ip.is_loopback or ip.is_unspecified)


def open_here(url: str, timeout: float) -> HTTPResponse:
    """Ask something on this machine by GET, without a proxy; a silence of ``timeout`` seconds ends it.

    Raises as `urllib.request.urlopen` does: `urllib.error.HTTPError` for an answer that is none, `OSError` without one.
    """
    answer: HTTPResponse = build_opener(ProxyHandler({})).open(url, timeout=timeout)
    return answer


def without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``environment`` without the variables that name proxies, or what is excepted from them."""
    return {name: value for name, value in environment.items() if not _VARIABLE.fullmatch(name)}


def except_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return how ``NO_PROXY`` has to be set beside the proxies in ``environment``; nothing where there is none."""
    proxies = [name for name in environment if _VARIABLE.fullmatch(name) and name.lower() != "no_proxy"]
    excepted = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not proxies or excepted.strip() == "*":
        return {}
    names = [*filter(None, (name.strip() for name in excepted.split(","))), *_LOOPBACK]
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(dict.fromkeys(names)))


class Session(requests.Session):
    """A session that asks this machine without a proxy, and everybody else as ``requests`` does."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return the settings of a request: no proxy to this machine, whatever is set."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {**settings, "proxies": {}} if is_here(str(url)) else settings

    def rebuild_proxies(self, prepared_request: Any, proxies: Any) -> Any:
        """Return the proxies for what a server has redirected to."""
        found = super().rebuild_proxies(prepared_request, proxies)  # type: ignore[no-untyped-call]
        return {} if is_here(str(prepared_request.url)) else found


def _ip(host: str) -> Ip | None:
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return getattr(ip, "ipv4_mapped", None) or ip
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # the resolver takes 127.1 for an address, too
    except (OSError, ValueError):
        return None


def _is_left_out(parts: SplitResult, no_proxy: str) -> bool:
    """Tell whether ``NO_PROXY`` excepts an address, in any form that Go reads."""
    host, port = (parts.hostname or "").rstrip("."), str(parts.port or _PORTS[parts.scheme])
    ip = _ip(host)
    for entry in (each.strip().lower() for each in no_proxy.split(",")):
        if entry == "*":
            return True
        try:
            if ip is not None and "/" in entry and ip in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:  # not a network
            pass
        name, only = _host_and_port(entry)
        if not name or only not in ("", port):
            continue
        if ip is not None:
            if _ip(name) == ip:
                return True
            continue
        suffix = name.removeprefix("*")
        if host == suffix or host.endswith(suffix if suffix.startswith(".") else f".{suffix}"):
            return True
    return False


def _host_and_port(entry: str) -> tuple[str, str]:
    """Take ``host:port``, ``[::1]:443``, ``::1`` or ``host`` apart."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and ":" not in name else (entry, "")


def _is_container(ip: Ip | None, routes: Path = _ROUTES, devices: Path = _DEVICES) -> bool:
    """Tell whether an address is in a network that hangs on a bridge of this machine, as an engine's containers do."""
    if not isinstance(ip, ipaddress.IPv4Address):
        return False
    try:
        lines = routes.read_text().splitlines()[1:]
    except OSError:  # no Linux: containers are in a virtual machine, and not to be reached by their addresses
        return False
    wanted = int.from_bytes(ip.packed, "little")  # as the kernel prints it: the first byte last
    narrowest, device = -1, ""
    for line in lines:
        name, target, gateway, _, _, _, _, mask, *_ = line.split()
        bits = int(mask, 16).bit_count()
        if bits > narrowest and wanted & int(mask, 16) == int(target, 16):
            narrowest, device = bits, name if int(gateway, 16) == 0 else ""
    return bool(device) and (devices / device / "bridge").is_dir()
