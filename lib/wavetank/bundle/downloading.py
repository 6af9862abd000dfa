"""Files of releases: which one is for this machine, fetched by URL and known by its SHA-256.

One that lies in an archive is taken out of it after the archive's own digest has been checked.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from wavetank.bundle.downloads import Downloads, Refusal
from wavetank.bundle.https import Web
from wavetank.bundle.progress import Progress
from wavetank.errors import BundleError

__all__ = ["download", "fetch_url", "place_for", "take_out"]

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SYSTEMS = {"darwin": ("darwin", "osx")}
"""What releases call a system; the others have one name only."""


def place_for(name: str, digests: Mapping[str, str | None], system: str, machine: str) -> str:
    """Return which of a file's digests is for a machine, in the release's words, or ``any``.

    ``system`` and ``machine`` are what the module `platform` calls them: Darwin on arm64 is what a release calls
    darwin-arm64 or osx-arm64. Raises `BundleError` when there is none; the digest itself may not be known yet.
    """
    system, machine = system.lower(), machine.lower()
    architecture = ARCHITECTURES.get(machine, machine)
    for place in (*(f"{known}-{architecture}" for known in SYSTEMS.get(system, (system,))), "any"):
        if place in digests:
            return place
    raise BundleError(f"there is no {name} for {system}-{architecture}", expected=f"one of {', '.join(digests)}")


def download(
    web: Web, downloads: Downloads, url: str, digest: str, target: Path, progress: Progress, refusal: Refusal
) -> None:
    """Fetch ``url`` into ``target``.

    Raises `BundleError`, as `troubles` tells it, when it does not come, and ``refusal`` for another digest.
    """
    blob = downloads.blob(digest, lambda part: fetch_url(web, url, part, progress), refusal)
    shutil.copyfile(blob, target)
    blob.unlink()


def fetch_url(web: Web, url: str, target: Path, progress: Progress) -> None:
    """Fetch ``url`` into ``target``, going on behind what is there; raises `BundleError` as `Web.fetch` does."""
    what = url.rpartition("/")[2]
    web.fetch(lambda headers: web.ask(url, what, progress, headers=headers), url, what, target, None, progress)


def take_out(archive: Path, member: str, target: Path) -> None:
    """Write the file ``member`` of a tar, compressed or not, to ``target``; raises `BundleError` when it has none."""
    with tarfile.open(archive) as tar:
        found = [entry for entry in tar if entry.isfile()]
        content = next((tar.extractfile(entry) for entry in found if entry.name == member), None)
        if content is None:
            raise BundleError(
                f"there is no {member} in what was downloaded",
                observed=f"it has {', '.join(entry.name for entry in found) or 'no files'}",
                expected=member,
                hint="`member` of that file in versions.yaml says what to take out of the archive",
            )
        with target.open("wb") as sink:
            shutil.copyfileobj(content, sink)
