"""Where bundles are kept on this machine, and which of them is the current one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from wavetank.bundle.bundle import Bundle, check_complete
from wavetank.bundle.images import Image
from wavetank.bundle.index import BundleFile, BundleImage, FileKind, Index, read_index
from wavetank.bundle.layout import Descriptor, Layout, sha256_file
from wavetank.errors import BundleError

__all__ = [
    "Part",
    "bundles",
    "bundles_path",
    "drop_superseded",
    "fill",
    "grow",
    "keep",
    "make_current",
    "open_bundle",
    "remove",
    "workplace",
]

UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Part:
    """Images by reference, and files as (manifest or binary, name, where it lies)."""

    refs: tuple[str, ...] = ()
    files: tuple[tuple[FileKind, str, Path], ...] = ()


def bundles_path() -> Path:
    """Return the folder that holds this user's bundles, each a folder, and the link ``current``."""
    return user_cache_path("wavetank") / "bundles"


def bundles() -> list[Bundle]:
    """Return all bundles of this user, the current one first."""
    folder = bundles_path()
    current = (folder / "current").resolve()
    found = [path for path in sorted(folder.glob("*")) if path.is_dir() and not path.is_symlink()]
    return [
        Bundle(path, read_index(path))
        for path in sorted(found, key=lambda path: (path != current, path.name))
        if not path.name.startswith(".")
    ]


def open_bundle(path: Path | None = None) -> Bundle:
    """Open the bundle at ``path``, or the current one.

    Raises `BundleError` when there is none, and, by name, for an image or file that is missing in it.
    """
    folder = (path or bundles_path() / "current").resolve()
    if path is None and not folder.is_dir():
        raise BundleError(
            "there is no bundle yet",
            observed=f"no {bundles_path() / 'current'}",
            command="wavetank bundle build",
            hint="`wavetank bundle load FILE` takes over one that was saved elsewhere",
        )
    bundle = Bundle(folder, read_index(folder))
    check_complete(bundle)
    return bundle


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a temporary folder beside the bundles; what processes left behind when they were killed is removed."""
    parent = bundles_path()
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(f"{UNFINISHED}*"):
        process = leftover.name.split("-")[1]
        if process.isdecimal() and not _alive(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{UNFINISHED}{os.getpid()}-") as folder:
        yield Path(folder)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def keep(complete: Path) -> Bundle:
    """Take a complete bundle folder in among the user's bundles and make it the current one.

    One of that name that was not whole yet makes room; the very same one stays. Raises `BundleError` when another one
    has the name.
    """
    there = bundles_path() / complete.name
    if there.is_dir():
        known, new = Bundle(there, read_index(there)), Bundle(complete, read_index(complete))
        if set(new.stages) > set(known.stages):
            shutil.rmtree(there)
        elif new.digest != known.digest:
            raise BundleError(
                f"another bundle is called {complete.name} already",
                observed=known.digest,
                expected=new.digest,
                command=f"wavetank bundle rm {complete.name}",
                hint="remove the one that is there, if it is not the one you want",
            )
    if not there.exists():
        complete.rename(there)
    return make_current(complete.name)


def make_current(name: str) -> Bundle:
    """Make one of the user's bundles the current one, and open it."""
    link = bundles_path() / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(bundles_path() / "current")
    return open_bundle(bundles_path() / name)


def drop_superseded(prefix: str, keep: Iterable[Path]) -> None:
    """Remove the bundles whose names begin with ``prefix`` but for those in ``keep``."""
    kept = {path.resolve() for path in keep}
    for path in bundles_path().glob(f"{prefix}*"):
        if path.resolve() not in kept:
            shutil.rmtree(path, ignore_errors=True)


def remove(name: str) -> None:
    """Remove a bundle; raises `BundleError` when there is none of that name."""
    target = bundles_path() / name
    if target not in [bundle.path for bundle in bundles()]:
        raise BundleError(f"there is no bundle {name}", command="wavetank bundle ls")
    current = bundles_path() / "current"
    if current.resolve() == target.resolve():
        current.unlink()
    shutil.rmtree(target)


def grow(name: str, part: Part, images: Iterable[Image], about: Index) -> Path:
    """Have the user's bundle ``name`` hold the stages of ``about``: ``images`` and the files of ``part``.

    Whoever reads it meanwhile sees what it held before, or all of it. Returns its folder.
    """
    folder = bundles_path() / name
    if not folder.is_dir():
        with workplace() as place:
            fill(place / name, part, images, about)
            (place / name).rename(folder)
    elif not set(about.stages) <= set(read_index(folder).stages):
        fill(folder, part, images, about)
    return folder


def fill(folder: Path, part: Part, images: Iterable[Image], about: Index) -> None:
    """Write ``images``, the files of ``part``, and ``about`` with both in its lists, into the bundle's ``folder``."""
    layout = Layout(folder)
    if not folder.is_dir():
        layout.start()
    listed: list[BundleImage] = []
    manifests: dict[str, Descriptor] = {}
    for image in sorted(images, key=lambda image: image.ref):
        digests = image.layout.blobs_of(image.manifest.digest)
        layout.take(image.layout, digests)
        size = sum(layout.blob(digest).stat().st_size for digest in digests)
        listed.append(BundleImage(image.ref, image.manifest.digest, digests[1], size))
        manifests[image.ref] = image.manifest
    layout.write_index(manifests)
    files = tuple(_take_file(folder, kind, name, path) for kind, name, path in part.files)
    replace(about, images=tuple(listed), files=files).write(folder)


def _take_file(folder: Path, kind: FileKind, name: str, content: Path) -> BundleFile:
    path = f"bin/{name}" if kind == "binary" else f"manifests/{name}.yaml"
    target = folder / path
    target.parent.mkdir(exist_ok=True)
    draft = target.with_name(f".{target.name}")
    shutil.copyfile(content, draft)
    draft.chmod(0o755 if kind == "binary" else 0o644)
    draft.replace(target)  # one that was there may be running
    return BundleFile(name, kind, path, sha256_file(target))
