"""What goes into an image layer: entries, and the tar they become.

A layer is a pure function of its entries: sorted, with the owner each entry names and no times, so that the same
content is the same digest wherever and whenever it is assembled.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

__all__ = ["Entry", "directory", "from_folder", "link", "text", "write_tar"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a layer: a directory, a symbolic link (``target``) or a file (``content``: a file here, or bytes)."""

    path: str
    mode: int
    target: str = ""
    content: Path | bytes | None = None
    uid: int = 0
    gid: int = 0


def directory(path: str, mode: int = 0o755) -> Entry:
    """Return a directory; those above it need no entry of their own."""
    return Entry(path, mode)


def link(path: str, target: str) -> Entry:
    """Return a symbolic link at ``path`` to ``target``."""
    return Entry(path, 0o777, target=target)


def text(path: str, content: str) -> Entry:
    """Return a file that holds ``content``, readable by everybody."""
    return Entry(path, 0o644, content=content.encode())


def from_folder(
    folder: Path, at: str = "/", *, exclude: Iterable[str] = (), keep_owners: bool = False
) -> Iterator[Entry]:
    """Yield everything in ``folder``, to stand at ``at`` in the image.

    ``exclude`` are shell patterns of paths relative to the folder; what stands below an excluded directory is left out
    too. Without ``keep_owners`` everything belongs to root, and modes are reduced to what git keeps: 0644, 0755 for
    whatever its owner may execute. Sockets and devices are never taken.
    """
    patterns = tuple(exclude)
    for here, folders, files in os.walk(folder):
        relative = Path(here).relative_to(folder)
        folders[:] = [name for name in sorted(folders) if not _matches(relative / name, patterns)]
        for name in (*folders, *sorted(files)):
            if _matches(relative / name, patterns):
                continue
            entry = _entry(Path(here) / name, str(PurePosixPath(at) / relative / name), keep_owners)
            if entry is not None:
                yield entry


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def _entry(source: Path, path: str, keep_owners: bool) -> Entry | None:
    about = source.lstat()
    if stat.S_ISLNK(about.st_mode):
        entry = link(path, str(source.readlink()))
    elif stat.S_ISDIR(about.st_mode):
        entry = directory(path)
    elif stat.S_ISREG(about.st_mode):
        entry = Entry(path, 0o755 if about.st_mode & stat.S_IXUSR else 0o644, content=source)
    else:
        return None
    if not keep_owners:
        return entry
    return replace(entry, mode=stat.S_IMODE(about.st_mode), uid=about.st_uid, gid=about.st_gid)


def write_tar(entries: Iterable[Entry], sink: BinaryIO) -> None:
    """Write ``entries`` to ``sink`` as a tar; of two with the same path the later one stands."""
    by_path = {entry.path.strip("/"): entry for entry in entries}
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(by_path):
            _add(tar, path, by_path[path])


def _add(tar: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path)
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    if entry.target:
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
        tar.addfile(info)
    elif entry.content is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif isinstance(entry.content, bytes):
        info.size = len(entry.content)
        tar.addfile(info, BytesIO(entry.content))
    else:
        info.size = entry.content.stat().st_size
        with entry.content.open("rb") as source:
            tar.addfile(info, source)
