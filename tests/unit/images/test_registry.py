"""What is said when a registry refuses, lies or is away; the rest is tried on a real one in tests/kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.support.proxied import ENVIRONMENTS, everywhere, surround

from wavetank.errors import ImageError
from wavetank.images.registry import Registry

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": "sha256:" + "1" * 64, "size": 2},
        "layers": [{"digest": "sha256:" + "2" * 64, "size": 30}, {"digest": "sha256:" + "3" * 64, "size": 4}],
    }
).encode()


class Handler(BaseHTTPRequestHandler):
    """One repository, ``web``, whose tag ``lies`` has a digest that is not that of its bytes."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if not self.path.startswith("/v2/web/manifests/"):
            body = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known"}]}).encode()
            self.send_response(404)
        else:
            body = MANIFEST
            self.send_response(200)
            self.send_header("Docker-Content-Digest", "sha256:" + "f" * 64)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield Registry(f"127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


@everywhere
def test_a_registry_on_this_machine_is_asked_without_a_proxy(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    assert registry.digest("web", "v1") == "sha256:" + "f" * 64
    with pytest.raises(ImageError, match="there is no such thing"):
        registry.repositories()


def test_what_is_not_there_is_said_in_the_registry_s_own_words(registry: Registry) -> None:
    with pytest.raises(ImageError, match="there is no such thing") as caught:
        registry.tags("wbe")
    assert caught.value.help.observed == "NAME_UNKNOWN: repository name not known"
    assert f"{registry.host}/wbe" in caught.value.summary


def test_bytes_that_are_not_what_their_digest_says_are_refused(registry: Registry) -> None:
    with pytest.raises(ImageError, match="not what its digest says"):
        registry.stored("web", "lies")


def test_a_registry_that_is_away_says_how_to_get_it_back() -> None:
    with pytest.raises(ImageError, match="the registry does not answer") as caught:
        Registry("127.0.0.1:9").digest("web", "v1")
    assert "wavetank up" in caught.value.help.hint
