"""What is pulled is what was asked for, or it is refused; what breaks off is gone on with."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.internet import (
    GITHUB_IMAGES,
    HUB,
    HUB_BLOBS,
    LOGIN,
    MANIFEST,
    Act,
    Answer,
    Handler,
    Internet,
    busy,
    cut_after,
    damaged,
    digest,
    no_longer,
    reset_after,
    slow,
    tar_of,
)
from tests.support.lines import Line

from wavetank.bundle import https

PYTHON = "docker.io/library/python:3.11"
LARGE = {"usr/bin/python3": "".join(str(number) for number in range(60_000))}
BOTH = {"amd64": {"usr/bin/python3": "for amd64"}, "arm64": {"usr/bin/python3": "for arm64"}}


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(tmp_path, monkeypatch)


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_of_an_index_the_image_for_the_engine_is_taken(line: Line, architecture: str) -> None:
    with line.internet as internet:
        layout = line.pull(internet.publish(PYTHON, BOTH), architecture, ref="wavetank.dev/python:3.11")
    (manifest,) = layout.images().values()
    assert list(layout.images()) == ["wavetank.dev/python:3.11"]
    _, config, layer = layout.blobs_of(manifest.digest)
    assert layout.read_json(config)["architecture"] == architecture
    assert layout.blob(layer).read_bytes() == tar_of(BOTH[architecture])


def test_the_configuration_keeps_its_digest_which_is_the_engines_id_of_the_image(line: Line) -> None:
    with line.internet as internet:
        layout = line.pull(internet.publish(PYTHON, BOTH), "amd64")
        (manifest,) = layout.images().values()
        assert layout.blobs_of(manifest.digest)[1] in internet.blobs


def test_an_architecture_that_the_index_does_not_have_is_told(line: Line) -> None:
    with line.internet as internet:
        error = line.refused(internet.publish(PYTHON, BOTH), "riscv64")
    assert "is not for this architecture" in error.summary
    assert (error.help.observed, error.help.expected) == ("it is for amd64, arm64", "riscv64")


def test_a_manifest_without_an_index_is_taken_too_but_only_for_its_architecture(line: Line) -> None:
    with line.internet as internet:
        layer = tar_of({"a": "b"})
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest(layer)]}}
        pinned = f"docker.io/library/python@{digest(internet.manifest(PYTHON, config, [layer], packed=False))}"
        assert line.pull(pinned, "amd64").images()
        assert line.refused(pinned, "arm64").help.observed == "amd64"


def test_a_token_is_asked_for_once_and_never_shown_to_another_host(line: Line) -> None:
    with line.internet as internet:
        line.pull(internet.publish(PYTHON, BOTH), "amd64")
    assert [asked.path for asked in internet.asked if "/token" in asked.path] == [
        "/token?service=registry-1.docker.io&scope=repository%3Alibrary%2Fpython%3Apull"
    ]
    assert [asked.host for asked in internet.asked if "/blobs/sha256:" in asked.path].count(HUB_BLOBS) == 2
    assert all("Authorization" not in asked.headers for asked in internet.asked if asked.host == HUB_BLOBS)


def test_a_token_that_has_ended_is_replaced(line: Line) -> None:
    with line.internet as internet:
        internet.trouble(no_longer, f"{HUB}/v2/library/python/blobs/", times=1)
        assert line.pull(internet.publish(PYTHON, BOTH), "amd64").images()


def test_who_has_logged_in_asks_as_that_user(line: Line) -> None:
    with line.internet as internet:
        internet.logins.add("Basic YWRhOnNlY3JldA==")
        line.docker_config({"auths": {"https://index.docker.io/v1/": {"auth": "YWRhOnNlY3JldA=="}}})
        line.pull(internet.publish(PYTHON, BOTH), "amd64")
        (token,) = (asked for asked in internet.asked if "/token" in asked.path)
        assert token.headers["Authorization"] == "Basic YWRhOnNlY3JldA=="


def test_a_layer_that_two_images_share_comes_once(line: Line) -> None:
    with line.internet as internet:
        first = internet.publish("ghcr.io/o/first:1", {"amd64": LARGE})
        second = internet.publish("ghcr.io/o/second:1", {"amd64": LARGE})
        line.pull(first, "amd64")
        internet.asked.clear()
        layout = line.pull(second, "amd64")
        layers = [
            asked for asked in internet.asked if asked.path.endswith(digest(gzip.compress(tar_of(LARGE), mtime=0)))
        ]
    assert layers == []
    (manifest,) = layout.images().values()
    assert layout.blob(layout.blobs_of(manifest.digest)[2]).read_bytes() == tar_of(LARGE)


@pytest.mark.parametrize("breaks", [cut_after(50_000), reset_after(50_000)])
def test_a_layer_that_breaks_off_is_gone_on_with_where_it_stopped(line: Line, breaks: Act) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        internet.trouble(breaks, f"{HUB_BLOBS}/blobs/{_layer(internet)}", times=2)
        assert line.pull(pinned, "amd64").images()
        begins = [asked.begins for asked in internet.asked if asked.path.endswith(_layer(internet))]
    beginnings = [begin for begin in begins if begin]
    assert beginnings
    assert beginnings == sorted(beginnings)
    assert line.pauses  # politely


def test_what_broke_off_is_gone_on_with_by_the_next_build(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        internet.trouble(cut_after(50_000), f"{HUB_BLOBS}/blobs/{_layer(internet)}", times=1)
        internet.trouble(busy(503), f"{HUB_BLOBS}/blobs/{_layer(internet)}", times=https.TRIES)
        line.refused(pinned, "amd64")
        line.anew()
        internet.asked.clear()
        assert line.pull(pinned, "amd64").images()
        assert [asked.begins for asked in internet.asked if asked.host == HUB_BLOBS][-1] == 50_000


def test_a_beginning_that_is_of_something_else_is_thrown_away(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        part = line.downloads_path / "blobs" / f"{_layer(internet).removeprefix('sha256:')}.part"
        part.write_bytes(b"something else")
        assert line.pull(pinned, "amd64").images()


def test_a_server_that_asks_to_wait_is_waited_for_as_long_as_it_says(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(busy(429, wait=20), "/manifests/", times=1)
        line.pull(pinned, "amd64")
    assert line.pauses == [20.0]
    assert line.notes == ["waiting 20 s for the server (429)"]


def test_pauses_grow_and_end(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(busy(503), "/manifests/")
        error = line.refused(pinned, "amd64")
    assert line.pauses == [1.0, 2.0, 4.0, 8.0]
    assert error.summary == f"{HUB} is out of order"


def test_a_wait_of_hours_is_not_begun(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(busy(429, wait=21_600), "/manifests/")
        error = line.refused(pinned, "amd64")
    assert line.pauses == []
    assert "asks to wait 6 hours" in error.help.observed
    assert error.help.command == "docker login"


def test_a_damaged_layer_is_refused_and_not_kept(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        internet.trouble(damaged, f"{HUB_BLOBS}/blobs/{_layer(internet)}", times=1)
        error = line.refused(pinned, "amd64")
        assert error.summary == "a layer of docker.io/library/python is not what it should be"
        assert error.help.expected == _layer(internet)
        assert line.pull(pinned, "amd64").images()


def test_a_layer_without_an_end_is_not_read_to_it(line: Line) -> None:
    def endless(handler: Handler, _: Answer) -> None:
        handler.begin(Answer(200, {"Transfer-Encoding": "chunked", "Content-Length": "100000000000"}))
        while not handler.internet.over.is_set():
            handler.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")

    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        internet.trouble(endless, f"{HUB_BLOBS}/blobs/{_layer(internet)}")
        assert "is not what it should be" in line.refused(pinned, "amd64").summary


def test_a_layer_that_unpacks_to_something_else_than_the_configuration_says_is_refused(line: Line) -> None:
    with line.internet as internet:
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest(b"another")]}}
        blob = gzip.compress(tar_of({"a": "b"}), mtime=0)
        pinned = f"ghcr.io/o/p@{digest(internet.manifest('ghcr.io/o/p:1', config, [blob]))}"
        error = line.refused(pinned, "amd64")
    assert "is not what it should be" in error.summary
    assert not list((line.downloads_path / "layers" / "blobs" / "sha256").iterdir())


def test_a_manifest_of_another_digest_is_refused(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(damaged, "/manifests/")
        error = line.refused(pinned, "amd64")
    assert error.summary == "docker.io/library/python is not what it should be"
    assert error.help.expected == pinned.partition("@")[2]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_none_is_told_as_such(line: Line, content: bytes) -> None:
    with line.internet as internet:
        internet.manifests["ghcr.io/o/p", digest(content)] = (MANIFEST, content)
        error = line.refused(f"ghcr.io/o/p@{digest(content)}", "amd64")
    assert "no manifest for ghcr.io/o/p" in error.summary


def test_layers_that_no_image_uses_any_more_are_removed(line: Line) -> None:
    with line.internet as internet:
        layout = line.pull(internet.publish(f"{GITHUB_IMAGES}/o/p:1", BOTH), "amd64")
    layers = line.downloads_path / "layers" / "blobs" / "sha256"
    line.anew()
    assert len(list(layers.iterdir())) == 1
    for blob in (layout.path / "blobs" / "sha256").iterdir():
        blob.unlink()
    line.anew()
    assert list(layers.iterdir()) == []


def _layer(internet: Internet) -> str:
    """Return the digest of the layer of `LARGE`."""
    return digest(gzip.compress(tar_of(LARGE), mtime=0))


def test_a_line_over_which_next_to_nothing_comes_is_given_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "STALL_SECONDS", 0.05)
    with line.internet as internet:
        pinned = internet.publish(PYTHON, {"amd64": LARGE})
        internet.trouble(slow(100, 0.01), f"{HUB_BLOBS}/blobs/{_layer(internet)}")
        error = line.refused(pinned, "amd64")
    assert error.summary == f"next to nothing comes from {HUB}"
    assert len(line.pauses) == https.TRIES - 1


def test_a_configuration_that_breaks_off_is_asked_for_again(line: Line) -> None:
    with line.internet as internet:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(cut_after(10), f"{HUB_BLOBS}/blobs/", times=1)
        assert line.pull(pinned, "amd64").images()
    assert line.notes == ["waiting 1 s for a new connection"]


def test_a_way_to_a_login_page_is_told_as_one(line: Line) -> None:
    with line.internet as internet, plain_portal() as address:
        pinned = internet.publish(PYTHON, BOTH)
        internet.trouble(lambda handler, _: handler.send(Answer(302, {"Location": address})))
        error = line.refused(pinned, "amd64")
    assert error.summary == f"a login page answered instead of {HUB}"
    assert error.help.observed == "a web page called 'Harbour Cafe: please log in'"


@pytest.mark.filterwarnings("ignore:docker-credential-nowhere")
def test_a_credential_helper_that_is_not_there_is_no_hindrance(line: Line) -> None:
    with line.internet as internet:
        line.docker_config({"credsStore": "nowhere"})
        assert line.pull(internet.publish(PYTHON, BOTH), "amd64").images()


def test_a_login_that_is_refused_is_told(line: Line) -> None:
    with line.internet as internet:
        line.docker_config({"auths": {"https://index.docker.io/v1/": {"auth": "YWRhOndyb25n"}}})
        error = line.refused(internet.publish(PYTHON, BOTH), "amd64")
    assert "does not give a token for docker.io/library/python to you" in error.summary
    assert "docker logout" in error.help.hint


@contextmanager
def plain_portal() -> Iterator[str]:
    """Serve a login page without TLS."""

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(LOGIN)))
            self.end_headers()
            self.wfile.write(LOGIN)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/login"
        server.shutdown()
