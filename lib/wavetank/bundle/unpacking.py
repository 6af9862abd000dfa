"""Unpacking an archive that may come from anybody: regular files and folders under one name, within bounds.

Python's own filters follow links that an archive made before (CVE-2025-4517), and know no bounds. A bundle holds no
link, so none is made: whatever stands in the archive, nothing is written but files in folders that were made here.

Nor does `tarfile` bound what it reads for itself: names and extended headers of any length, headers of headers of
headers. Between two members it gets some KiB here, and no more.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from wavetank.errors import BundleError

__all__ = ["MOST_BYTES", "MOST_FILES", "unpack"]

MOST_BYTES = 16 << 30
"""Six times what a bundle of today has, uncompressed."""
MOST_FILES = 10_000
_MOST_DEEP = 8
"""Parts of a name; a bundle has four."""
_HEADERS = 64 << 10
"""Bytes that may tell of one member."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}", re.ASCII)
_TAKEN = frozenset({"current"})
"""What stands beside the bundles under a name of its own."""
_GZIP = b"\x1f\x8b"


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack ``archive``, compressed by gzip or not, into ``folder`` and return the one folder that it held.

    Raises `BundleError` for a member that no bundle has, before it is written, and for more than `MOST_BYTES` or
    `MOST_FILES`; and whatever `tarfile`, decompressing and files raise.
    """
    with _opened(archive) as source, tarfile.open(fileobj=cast(IO[bytes], source), mode="r:") as tar:
        size = 0
        top = ""
        for number, member in enumerate(tar, 1):
            path = PurePosixPath(member.name)
            size += member.size
            if number > MOST_FILES or size > MOST_BYTES:
                raise _strange(archive, f"more than {MOST_FILES} files or {MOST_BYTES >> 30} GiB")
            if not (member.isreg() or member.isdir()) or member.issparse() or member.size < 0:
                raise _strange(archive, f"{_shown(member.name)} is neither a file nor a folder")
            if (
                not 0 < len(path.parts) <= _MOST_DEEP
                or not all(map(_PART.fullmatch, path.parts))
                or path.parts[0] in _TAKEN
            ):
                raise _strange(archive, f"the name {_shown(member.name)}")
            top = top or path.parts[0]
            if path.parts[0] != top:
                raise _strange(archive, f"{_shown(member.name)} beside {top}")
            source.left = member.size
            _write(tar, member, folder / path)
            source.left = _HEADERS
    return folder / top


class _Metered:
    """An archive as `tarfile` reads it; ``left`` is how many bytes more it may read."""

    def __init__(self, archive: Path, file: IO[bytes]) -> None:
        self.left = _HEADERS
        self._archive, self._file = archive, file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """Return that many bytes. Raises `BundleError` for more than are left."""
        self.left -= size
        if self.left < 0:
            raise _strange(self._archive, f"a member of which more than {_HEADERS >> 10} KiB tell")
        return self._file.read(size)


@contextmanager
def _opened(archive: Path) -> Iterator[_Metered]:
    with archive.open("rb") as raw:
        if raw.read(len(_GZIP)) == _GZIP:
            raw.seek(0)
            with gzip.open(raw) as unzipped:
                yield _Metered(archive, cast(IO[bytes], unzipped))
        else:
            raw.seek(0)
            yield _Metered(archive, raw)


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


def _shown(name: str) -> str:
    return ascii(name[:100])


def _strange(archive: Path, observed: str) -> BundleError:
    return BundleError(
        f"{archive} is not the archive of a bundle",
        observed=observed,
        expected="an archive made by `wavetank bundle save`: files and folders under the bundle's name",
        hint="take it from where you trust, and nothing else with it",
    )
