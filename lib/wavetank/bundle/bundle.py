"""A bundle on disk: finding things in it, streaming its images, and checking every byte of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from wavetank.bundle.images import Image, write_archive
from wavetank.bundle.index import BundleImage, Index
from wavetank.bundle.layout import Descriptor, Layout, sha256_file
from wavetank.bundle.stages import Stage
from wavetank.errors import BundleError

__all__ = ["Bundle", "check_complete", "verify"]

MEND = "`wavetank bundle rm` it, then build or load it again"


class Bundle:
    """Everything a cluster is made of, in one folder: an OCI image layout, with bundle.json, manifests/ and bin/."""

    def __init__(self, path: Path, index: Index) -> None:
        self.path = path
        self.index = index
        self.layout = Layout(path)

    @property
    def name(self) -> str:
        """What `wavetank bundle ls` calls it."""
        return self.path.name

    @property
    def digest(self) -> str:
        """The digest of bundle.json, which names every image and file with its own: who knows it knows the bundle."""
        return sha256_file(self.path / "bundle.json")

    @property
    def images(self) -> tuple[BundleImage, ...]:
        """All images."""
        return self.index.images

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What it holds so far, in the order of need; a whole bundle has all of them."""
        return self.index.stages

    @property
    def node_image(self) -> str:
        """The reference of the image that nodes are made of."""
        return self.index.node_image

    def image(self, ref: str) -> BundleImage:
        """Return the image with that reference; raises `BundleError` when it is not in the bundle."""
        for image in self.images:
            if image.ref == ref:
                return image
        raise BundleError(
            f"the image {ref} is not in the bundle {self.name}",
            observed=f"it has {', '.join(image.ref for image in self.images)}",
            command="wavetank bundle ls",
            hint="`wavetank bundle build` makes a bundle that fits this version of Wavetank",
        )

    def manifest(self, name: str) -> Path:
        """Return the path of a manifest, such as contour-crds; raises `BundleError` when it is not in the bundle."""
        for file in self.index.files:
            if (file.kind, file.name) == ("manifest", name):
                return self.path / file.path
        raise BundleError(
            f"the manifest {name} is not in the bundle {self.name}",
            observed=f"it has {', '.join(file.name for file in self.index.files if file.kind == 'manifest') or 'none'}",
            command="wavetank bundle ls",
        )

    def binary(self, name: str) -> Path | None:
        """Return the path of a program, such as kind, or None when the bundle does not bring it."""
        for file in self.index.files:
            if (file.kind, file.name) == ("binary", name):
                return self.path / file.path
        return None

    def write_docker_archive(self, refs: Iterable[str], sink: BinaryIO) -> None:
        """Write these images to ``sink`` as one tar that `docker load` and `ctr images import` take (`write_archive`).

        Raises `BundleError` for an image that is not in the bundle.
        """
        images = [Image(ref, self._descriptor(self.image(ref).digest), self.layout) for ref in refs]
        write_archive(images, sink)

    def _descriptor(self, digest: str) -> Descriptor:
        media_type = self.layout.manifest(digest).media_type
        return Descriptor(media_type, digest, self.layout.blob(digest).stat().st_size)


def check_complete(bundle: Bundle) -> None:
    """Raise `BundleError`, by name, for an image or file that is missing or too short; no layer is read."""
    for image in bundle.images:
        for digest, size in _parts(bundle, image):
            blob = bundle.layout.blob(digest)
            observed = blob.stat().st_size if blob.is_file() else None
            if observed != size:
                raise _damaged(bundle, f"the image {image.ref}", digest, observed, size)
    for file in bundle.index.files:
        if not (bundle.path / file.path).is_file():
            raise _damaged(bundle, f"the {file.kind} {file.name}", file.digest, None, None)


def verify(bundle: Bundle) -> int:
    """Read every byte of the bundle and return how many there were.

    Raises `BundleError` that names the first image, manifest or program that is missing or whose content has not the
    digest it should have.
    """
    check_complete(bundle)
    known: set[str] = set()
    total = 0
    for image in bundle.images:
        for digest, size in _parts(bundle, image):
            if digest in known:
                continue
            observed = sha256_file(bundle.layout.blob(digest))
            if observed != digest:
                raise _changed(bundle, f"the image {image.ref}", digest, observed)
            known.add(digest)
            total += size
    for file in bundle.index.files:
        observed = sha256_file(bundle.path / file.path)
        if observed != file.digest:
            raise _changed(bundle, f"the {file.kind} {file.name}", file.digest, observed)
        total += (bundle.path / file.path).stat().st_size
    return total


def _parts(bundle: Bundle, image: BundleImage) -> list[tuple[str, int]]:
    """Return digest and size of all an image is made of; its manifest is checked on the way, as it names the rest."""
    blob = bundle.layout.blob(image.digest)
    if not blob.is_file():
        raise _damaged(bundle, f"the image {image.ref}", image.digest, None, None)
    if (observed := sha256_file(blob)) != image.digest:
        raise _changed(bundle, f"the image {image.ref}", image.digest, observed)
    parts = bundle.layout.manifest(image.digest).parts
    return [(image.digest, blob.stat().st_size), *((part.digest, part.size) for part in parts)]


def _damaged(bundle: Bundle, what: str, digest: str, observed: int | None, expected: int | None) -> BundleError:
    return BundleError(
        f"{what} is incomplete in the bundle {bundle.name}",
        observed=f"{digest} is missing" if observed is None else f"{digest} has {observed} bytes",
        expected=f"{expected} bytes" if expected is not None else "a file with that digest",
        command="wavetank bundle ls",
        hint=MEND,
    )


def _changed(bundle: Bundle, what: str, expected: str, observed: str) -> BundleError:
    return BundleError(
        f"{what} is damaged in the bundle {bundle.name}",
        observed=f"content with digest {observed}",
        expected=expected,
        command="wavetank bundle ls",
        hint=MEND,
    )
