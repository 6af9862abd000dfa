"""Environments in which somebody has set a proxy, and a proxy that answers for whatever it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

DEAD = "http://127.0.0.1:9"
ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {
    "upper case": {"HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD},
    "lower case": {"http_proxy": DEAD, "https_proxy": DEAD},
    "for everything, by SOCKS": {"ALL_PROXY": "socks5h://127.0.0.1:9"},
    "SOCKS": {"HTTP_PROXY": "socks5h://127.0.0.1:9", "HTTPS_PROXY": "socks5h://127.0.0.1:9"},
    "loopback left out as a network": {"http_proxy": DEAD, "https_proxy": DEAD, "NO_PROXY": "127.0.0.0/8,::1/128"},
    "something else left out": {"HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD, "no_proxy": "*.example.com"},
}

everywhere = pytest.mark.parametrize("named", ENVIRONMENTS, ids=list(ENVIRONMENTS))


def surround(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """Set these proxies, and no other."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def docker_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Have the docker command's settings name a proxy for containers, and return their folder."""
    own = folder / "docker-settings"
    own.mkdir()
    proxies = {"default": {"httpProxy": DEAD, "httpsProxy": DEAD, "noProxy": "intranet"}}
    (own / "config.json").write_text(json.dumps({"proxies": proxies, "auths": {"hub": {"auth": "bWU6dGlkZQ=="}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(own))
    return own


@dataclass
class Proxy:
    """What it was asked for, and who asked."""

    url: str
    asked: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


@contextmanager
def proxy() -> Iterator[Proxy]:
    """Run a proxy that answers 200 "from afar" for every server, and tunnels nowhere."""
    told = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(f"{self.command} {self.path}")
            told.named.append(self.headers.get("Proxy-Authorization", ""))
            self.send_response(403 if self.command == "CONNECT" else 200)
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"from afar")

        do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()
