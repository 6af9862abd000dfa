"""A bundle that was built here, published on the private internet as if it were the official images and releases."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.internet import Internet, digest, tar_of

from wavetank.bundle import Bundle, bundles
from wavetank.bundle.distribution import ImageName
from wavetank.bundle.downloading import place_for
from wavetank.bundle.versions import ReleaseFile, load_versions

PULLED_LAB = "02-kubernetes"
"""The lab that is solved on a cluster made of what was published."""
OTHER = {"amd64": "arm64", "arm64": "amd64"}


def to_publish() -> Bundle | None:
    """Return the bundle that was built here from source."""
    return next((bundle for bundle in bundles() if bundle.index.source == "source"), None)


def cannot_be_published() -> str:
    """Say why nothing can be published here; empty when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "names of others lead to this machine only in a mount namespace: on Linux, as root"
    return "" if to_publish() else "there is no bundle that was built from source: `wavetank bundle build`"


def publish_bundle(bundle: Bundle, internet: Internet, file: Path, scratch: Path) -> None:
    """Serve what the versions.yaml in ``file`` names with the content of ``bundle``, and put the digests into it.

    What is not pinned there stays so. ``scratch`` is a folder for packed layers, as large as the bundle.
    """
    versions = load_versions(file)
    text = file.read_text()
    for row in versions.components.values():
        for ref, pulled in row.images.items():
            name = ImageName.parse(pulled)
            tag = "published" if "@" in pulled else name.reference
            held = bundle.node_image if row.node == ref else ref
            published = _publish(bundle, held, internet, f"{name.registry}/{name.repository}:{tag}", scratch)
            if "@" in pulled:
                text = text.replace(name.reference, published.partition("@")[2])
        for wanted in row.files:
            for old, new in _release(bundle, wanted, internet):
                text = text.replace(old, new)
    file.write_text(text)


def _publish(bundle: Bundle, ref: str, internet: Internet, name: str, scratch: Path) -> str:
    _, described, *layers = bundle.layout.blobs_of(bundle.image(ref).digest)
    packed = [_packed(bundle.layout.blob(layer), scratch) for layer in layers]
    architecture = bundle.index.architecture
    images = {architecture: internet.manifest(name, bundle.layout.blob(described).read_bytes(), [*packed])}
    layer = tar_of({"etc/other": ref})
    config = {"architecture": OTHER[architecture], "os": "linux", "rootfs": {"diff_ids": [digest(layer)]}}
    images[OTHER[architecture]] = internet.manifest(name, config, [layer], packed=False)
    return internet.index(name, images)


def _packed(layer: Path, scratch: Path) -> Path:
    target = scratch / layer.name
    if not target.exists():
        with layer.open("rb") as source, gzip.GzipFile(target, "wb", compresslevel=1, mtime=0) as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    return target


def _release(bundle: Bundle, file: ReleaseFile, internet: Internet) -> Iterator[tuple[str, str]]:
    """Serve a file of a release; yield each digest that was pinned, and what takes its place."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[bundle.index.architecture]
    if file.kind == "binary":
        program = bundle.binary(file.name)
        assert program is not None
        content = program.read_bytes()
        contents = [gzip.compress(tar_of({file.member: content}), 1, mtime=0) if file.member else content]
    else:
        contents = [bundle.manifest(file.name).read_bytes(), *[b"# in the first part\n"] * (len(file.parts) - 1)]
    for part, content in zip(file.parts, contents, strict=True):
        place = place_for(file.name, part.digests, "Linux", machine)
        served = internet.has(part.address(place), content)
        if pinned := part.digests[place]:
            yield pinned, served
