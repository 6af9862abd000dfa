"""A program and everything the dynamic loader needs to start it, as `ldd` tells."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from wavetank.bundle.entries import Entry
from wavetank.bundle.programs import run
from wavetank.errors import BundleError

__all__ = ["libraries", "programs_with_libraries"]

_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)


def libraries(files: Iterable[str], root: Path = Path("/")) -> list[str]:
    """Return the paths, as seen inside ``root``, of all libraries these files load, the loader itself included.

    Raises `BundleError` when one of them is not there.
    """
    words = sorted(files)
    if not words:
        return []
    # ldd fails as soon as one of the files is a static program; what it says of the others is still true.
    command = ["ldd", *words] if root == Path("/") else ["chroot", str(root), "ldd", *words]
    told = run(["sh", "-c", '"$@" 2>&1 || true', "sh", *command], timeout=60)
    if missing := sorted(set(_MISSING.findall(told))):
        raise BundleError(
            f"libraries are missing: {', '.join(missing)}", observed=f"`ldd` of {len(words)} files in {root}"
        )
    return sorted(set(_LIBRARY.findall(told)))


def programs_with_libraries(patterns: Iterable[str], root: Path = Path("/")) -> list[Entry]:
    """Return the files that match ``patterns`` in ``root``, and the libraries they load, at their own paths.

    A link is followed: what stands at its path is the file it leads to. Raises `BundleError` for a pattern that
    matches nothing.
    """
    files: list[str] = []
    for pattern in patterns:
        found = _matching(pattern, root)
        if not found:
            raise BundleError(f"{pattern} is not in {root}", expected="the package that brings it")
        files += found
    return [
        Entry(path, 0o755, content=_inside(root, path)) for path in dict.fromkeys([*files, *libraries(files, root)])
    ]


def _matching(pattern: str, root: Path) -> list[str]:
    """Return the paths that match, as seen inside ``root``; a link is a match wherever it leads."""
    folder, _, name = pattern.strip("/").rpartition("/")
    folders = root.glob(folder) if folder else [root]
    return sorted(f"/{path.relative_to(root)}" for place in folders for path in place.iterdir() if path.match(name))


def _inside(root: Path, path: str) -> Path:
    """Follow links as they lead inside ``root``."""
    here = root
    for part in Path(path).parts[1:]:
        here = here / part
        while here.is_symlink():
            target = here.readlink()
            inside = target.relative_to("/") if target.is_absolute() else here.parent.relative_to(root) / target
            here = Path(os.path.normpath(root / inside))
    return here
