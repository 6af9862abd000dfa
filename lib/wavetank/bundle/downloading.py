"""Files of releases: which one is for this machine, fetched by URL and known by its SHA-256.

One that lies in an archive is taken out of it after the archive's own digest has been checked.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from wavetank.bundle.versions import ReleaseFile
from wavetank.errors import BundleError

__all__ = ["download", "for_machine", "take_out"]

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SYSTEMS = {"darwin": ("darwin", "osx")}
"""What releases call a system; the others have one name only."""
DOWNLOAD_SECONDS = 60.0
CHUNK = 1 << 20


def for_machine(file: ReleaseFile, system: str, machine: str) -> tuple[str, str]:
    """Return which of the file's digests is for this machine, in the release's words or any, and that digest.

    ``system`` and ``machine`` are what the module `platform` calls them: Darwin on arm64 is what a release calls
    darwin-arm64 or osx-arm64. Raises `BundleError` when there is none.
    """
    system, machine = system.lower(), machine.lower()
    architecture = ARCHITECTURES.get(machine, machine)
    for place in (*(f"{name}-{architecture}" for name in SYSTEMS.get(system, (system,))), "any"):
        if digest := file.digests.get(place):
            return place, digest
    raise BundleError(
        f"there is no {file.name} for {system}-{architecture}", expected=f"one of {', '.join(file.digests)}"
    )


def download(url: str, digest: str, target: Path) -> None:
    """Fetch ``url`` into ``target``; raises `BundleError` when it does not answer or its content has another digest."""
    sha256 = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_SECONDS) as answer, target.open("wb") as sink:  # noqa: S310
            for chunk in _chunks(answer):
                sha256.update(chunk)
                sink.write(chunk)
    except (urllib.error.URLError, OSError) as error:
        raise BundleError(f"cannot download {url}", observed=str(error), command=f"curl -fsSLO {url}") from error
    if (observed := f"sha256:{sha256.hexdigest()}") != digest:
        target.unlink()
        raise BundleError(
            f"{url} is not what it should be",
            observed=observed,
            expected=digest,
            command=f"curl -fsSL {url} | sha256sum",
            hint="a proxy may have answered in its place; only change the digest when you know why it changed",
        )


def _chunks(answer: IO[bytes]) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk


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
