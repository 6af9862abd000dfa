"""A line to the private internet, as a build uses it, whose pauses take no time and are written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from tests.support.internet import Internet

from wavetank.bundle.distribution import Registries
from wavetank.bundle.downloads import Downloads
from wavetank.bundle.https import Web
from wavetank.bundle.layout import Layout
from wavetank.bundle.progress import Progress
from wavetank.bundle.pulling import pull
from wavetank.errors import BundleError


class Line:
    """What was paused for is in ``pauses`` (seconds), what was said meanwhile in ``notes``."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **reach: bool) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._pulled = 0
        self._reach = reach
        self.internet = _Reached(folder / "internet", self._begin)
        self.downloads_path = folder / "downloads"
        self.pauses: list[float] = []
        self.notes: list[str] = []
        self.progress = Progress()

    def _begin(self, internet: Internet) -> None:
        internet.reach(self._monkeypatch, **self._reach)
        self.anew()

    def anew(self) -> None:
        """Begin as the next process does."""
        self.web = Web(self._pause)
        self.registries = Registries(self.web)
        self.downloads = Downloads(self.downloads_path)
        self.downloads.start()

    def docker_config(self, config: Mapping[str, Any]) -> None:
        """Write what `docker login` keeps."""
        docker = self._folder / "internet" / "docker"
        docker.mkdir()
        (docker / "config.json").write_text(json.dumps(config))

    def pull(self, pinned: str, architecture: str, ref: str = "example.dev/image:1") -> Layout:
        """Pull into a folder of its own."""
        self._pulled += 1
        folder = self._folder / f"pulled-{self._pulled}"
        self.progress = Progress()
        pull(self.registries, self.downloads, ref, pinned, architecture, folder, self.progress)
        return Layout(folder)

    def refused(self, pinned: str, architecture: str) -> BundleError:
        """Return the error with which a pull ends."""
        with pytest.raises(BundleError) as caught:
            self.pull(pinned, architecture)
        return caught.value

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.notes.append(self.progress().rpartition(", ")[2])


class _Reached(Internet):
    """An internet to which names lead as soon as it is up."""

    def __init__(self, folder: Path, begin: Callable[[Internet], None]) -> None:
        super().__init__(folder)
        self._begin = begin

    def __enter__(self) -> Self:
        super().__enter__()
        self._begin(self)
        return self
