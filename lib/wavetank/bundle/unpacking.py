"""Unpacking an archive that may come from anybody: regular files and folders under one name, within bounds.

Python's own filters follow links that an archive made before (CVE-2025-4517), and know no bounds. A bundle holds no
link, so none is made: whatever stands in the archive, nothing is written but files in folders that were made here.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from wavetank.errors import BundleError

__all__ = ["MOST_BYTES", "MOST_FILES", "unpack"]

MOST_BYTES = 16 << 30
"""Six times what a bundle of today has, uncompressed."""
MOST_FILES = 10_000
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}", re.ASCII)
_TAKEN = frozenset({"current"})
"""What stands beside the bundles under a name of its own."""


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack ``archive`` into ``folder`` and return the one folder that it held.

    Raises `BundleError` for a member that no bundle has, before it is written, and for more than `MOST_BYTES` or
    `MOST_FILES`; `tarfile.TarError` and the errors of decompressing and of files as they come.
    """
    with tarfile.open(archive) as tar:
        size = 0
        top = ""
        for number, member in enumerate(tar, 1):
            path = PurePosixPath(member.name)
            size += max(member.size, 0)
            if number > MOST_FILES or size > MOST_BYTES:
                raise _strange(archive, f"more than {MOST_FILES} files or {MOST_BYTES >> 30} GiB")
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise _strange(archive, f"{member.name!r} is neither a file nor a folder")
            if not path.parts or not all(map(_PART.fullmatch, path.parts)) or path.parts[0] in _TAKEN:
                raise _strange(archive, f"the name {member.name!r}")
            top = top or path.parts[0]
            if path.parts[0] != top:
                raise _strange(archive, f"{member.name!r} beside {top}")
            _write(tar, member, folder / path)
    return folder / top


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    with target.open("xb") as sink:
        if content:
            shutil.copyfileobj(content, sink, 1 << 20)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _strange(archive: Path, observed: str) -> BundleError:
    return BundleError(
        f"{archive} is not the archive of a bundle",
        observed=observed,
        expected="an archive made by `wavetank bundle save`: files and folders under the bundle's name",
        hint="take it from where you trust, and nothing else with it",
    )
