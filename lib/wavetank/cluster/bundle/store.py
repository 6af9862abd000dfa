"""Where bundles are kept on this machine, and which of them is the current one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from wavetank.cluster.bundle.bundle import Bundle, check_complete
from wavetank.cluster.bundle.images import Image
from wavetank.cluster.bundle.index import BundleFile, BundleImage, Index, Source, read_index
from wavetank.cluster.bundle.layout import Layout, sha256_file
from wavetank.errors import BundleError

__all__ = [
    "bundle_file",
    "bundles",
    "bundles_path",
    "drop_superseded",
    "fill",
    "make_current",
    "open_bundle",
    "remove",
    "workplace",
]

UNFINISHED = ".unfinished-"
FOLDERS = {"manifest": "manifests", "binary": "bin"}


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
        if not Path(f"/proc/{leftover.name.split('-')[1]}").exists():
            shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{UNFINISHED}{os.getpid()}-") as folder:
        yield Path(folder)


def make_current(unfinished: Path, name: str) -> Bundle:
    """Give a complete bundle folder its name among the user's bundles and make it the current one."""
    target = bundles_path() / name
    if not target.exists():
        unfinished.rename(target)
    link = bundles_path() / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(bundles_path() / "current")
    return open_bundle(target)


def drop_superseded(prefix: str, keep: Iterable[Path]) -> None:
    """Remove the bundles whose names begin with ``prefix`` but for those in ``keep``."""
    kept = {path.resolve() for path in keep}
    for path in bundles_path().glob(f"{prefix}*"):
        if path.resolve() not in kept:
            shutil.rmtree(path, ignore_errors=True)


def remove(name: str) -> None:
    """Remove a bundle; raises `BundleError` when there is none of that name."""
    target = bundles_path() / name
    if not (target / "bundle.json").is_file() or target.parent != bundles_path():
        raise BundleError(f"there is no bundle {name}", command="wavetank bundle ls")
    current = bundles_path() / "current"
    if current.resolve() == target.resolve():
        current.unlink()
    shutil.rmtree(target.resolve())


def fill(
    folder: Path,
    images: Iterable[Image],
    files: Sequence[tuple[BundleFile, Path]],
    *,
    version: str,
    architecture: str,
    source: Source,
    node_image: str,
) -> None:
    """Write a bundle of ``images`` and ``files`` (each with where its content lies) into the empty ``folder``."""
    layout = Layout(folder)
    layout.start()
    listed: list[BundleImage] = []
    manifests = {}
    for image in sorted(images, key=lambda image: image.ref):
        digests = image.layout.blobs_of(image.manifest.digest)
        layout.take(image.layout, digests)
        size = sum(layout.blob(digest).stat().st_size for digest in digests)
        listed.append(BundleImage(image.ref, image.manifest.digest, digests[1], size))
        manifests[image.ref] = image.manifest
    layout.write_index(manifests)
    for file, content in files:
        target = folder / file.path
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(content, target)
        target.chmod(0o755 if file.kind == "binary" else 0o644)
    Index(version, architecture, source, node_image, tuple(listed), tuple(file for file, _ in files)).write(folder)


def bundle_file(name: str, kind: str, content: Path) -> BundleFile:
    """Return how a bundle lists the manifest or program ``name`` with that content."""
    suffix = ".yaml" if kind == "manifest" else ""
    return BundleFile(name, kind, f"{FOLDERS[kind]}/{name}{suffix}", sha256_file(content))  # type: ignore[arg-type]
