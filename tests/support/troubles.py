"""Each trouble on the way to a public registry, brought about on the private internet: what does the learner read?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.internet import (
    GITHUB_FILES,
    HUB,
    HUB_BLOBS,
    Act,
    Internet,
    busy,
    cut_after,
    damaged,
    digest,
    portal,
    silent_after,
    tar_of,
)
from tests.support.lines import Line

from wavetank.bundle import https, troubles
from wavetank.bundle.downloading import download
from wavetank.bundle.index import Resolved
from wavetank.bundle.progress import Progress
from wavetank.bundle.resolving import Record, Resolver, Unpinned
from wavetank.errors import BundleError, WavetankError

NODE = "docker.io/kindest/node:v1.36.4"
CONTOUR = "ghcr.io/projectcontour/contour:v1.33.8"
CRDS = "https://github.com/projectcontour/contour/releases/download/v1.33.8/crds.yaml"
IMAGE = {"amd64": {"kind/version": "v1.36.4\n" * 10_000}}
MB = 1_000_000
FULL = Path("/dev/full")
"""A device that has no room."""

Provoke = Callable[[Line, Internet, pytest.MonkeyPatch], str]


def _pull(act: Act, where: str = "", times: float = float("inf")) -> Provoke:
    """Return what a pull ends with, or says while it waits, when ``act`` happens at ``where``, or to its layer."""

    def provoke(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
        pinned = internet.publish(NODE, IMAGE, packed=False)
        internet.trouble(act, where or f"{HUB_BLOBS}/blobs/{digest(tar_of(IMAGE['amd64']))}", times)
        try:
            line.pull(pinned, "amd64")
        except BundleError as error:
            return str(error)
        return f"… {line.notes[0]}"

    return provoke


def _download(line: Line, internet: Internet) -> str:
    expected = internet.has(CRDS, b"kind: CustomResourceDefinition\n")
    target = line.downloads_path / "crds"

    def refusal(observed: str) -> BundleError:
        return troubles.wrong_digest("contour-crds", CRDS, observed, expected)

    with pytest.raises(BundleError) as caught:
        download(line.web, line.downloads, CRDS, expected, target, line.progress, refusal)
    return str(caught.value)


def _file_damaged(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    internet.trouble(damaged, GITHUB_FILES)
    return _download(line, internet)


def _file_portal(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    internet.trouble(portal, "github.com")
    return _download(line, internet)


def _gone(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    return _look_up(line)


def _moved(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    before = internet.publish(CONTOUR, {"amd64": {"bin/contour": "before"}}, packed=False).partition("@")[2]
    internet.publish(CONTOUR, {"amd64": {"bin/contour": "after"}}, packed=False)
    return _look_up(line, before)


def _look_up(line: Line, before: str = "") -> str:
    record = Record(line.downloads_path / "resolved.json")
    if before:
        record.keep([Resolved(CONTOUR, CONTOUR, before, "2026-11-30T09:00:00Z")])
    resolver = Resolver(line.web, line.registries, line.downloads, record)
    with pytest.raises(WavetankError) as caught:
        resolver.resolve([Unpinned(CONTOUR, CONTOUR)], lambda event: None)
    return str(caught.value)


def _stalled(line: Line, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(https, "SILENCE_SECONDS", 0.2)
    return _pull(silent_after(1000))(line, internet, monkeypatch)


def _disk_full(line: Line, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> str:
    if not FULL.exists():
        pytest.skip(f"this system has no {FULL}")
    pinned = internet.publish(NODE, IMAGE, packed=False)
    for blob in internet.blobs:
        part = line.downloads_path / "blobs" / f"{blob.removeprefix('sha256:')}.part"
        part.symlink_to(FULL)
    with pytest.raises(BundleError) as caught:
        line.pull(pinned, "amd64")
    return str(caught.value)


def _slow(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    times = iter([0.0, 0.0, 5.0, 10.0, 10.0, 10.0])
    progress = Progress(lambda: next(times))
    progress.expect(120 * MB)
    progress.had(40 * MB)
    for _second in range(3):
        progress.came(MB)
    return f"… {progress()}"


def _plain(line: Line, internet: Internet, _: pytest.MonkeyPatch) -> str:
    return str(line.refused(internet.publish(NODE, IMAGE, packed=False), "amd64"))


TROUBLES: dict[str, Provoke] = {
    "too much was pulled; the registry asks for a short wait (429)": _pull(busy(429, wait=20), "/manifests/", 1),
    "too much was pulled; the registry asks for a long wait (429)": _pull(busy(429, wait=21_600), "/manifests/"),
    "the registry refuses (401, 403)": _pull(busy(403), f"{HUB}/v2/"),
    "the tag or image is gone (404)": _gone,
    "the connection is reset in the middle of a layer": _pull(cut_after(1000), times=1),
    "it is reset again and again": _pull(cut_after(1000)),
    "a layer or file of another digest": _file_damaged,
    "a tag that names something else than before": _moved,
    "the server is out of order (503)": _pull(busy(503), "/manifests/"),
    "a slow line": _slow,
    "a line over which nothing comes any more": _stalled,
    "a login page (captive portal) in the place of a manifest": _pull(portal, "/manifests/"),
    "a login page in the place of a file": _file_portal,
    "a certificate that is not trusted (a company's proxy)": _plain,
    "no name server": _plain,
    "the disk is full": _disk_full,
}
REACH = {
    "a certificate that is not trusted (a company's proxy)": {"trusted": False},
    "no name server": {"known": False},
}


def read(title: str, folder: Path) -> str:
    """Bring a trouble about in an empty ``folder``, and return what the learner reads."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        line = Line(folder, monkeypatch, **REACH.get(title, {}))
        with line.internet as internet:
            told = TROUBLES[title](line, internet, monkeypatch)
    return told.replace(str(line.downloads_path), "~/.cache/wavetank/build/downloads")
