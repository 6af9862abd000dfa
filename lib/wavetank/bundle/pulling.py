"""Images of public registries, pulled by digest into an image layout: no engine is needed for it.

The digest names an index or a manifest, which names the image's configuration and each layer, and the configuration
names what each layer unpacks to. Everything is checked by the name it was found under.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavetank.bundle import troubles
from wavetank.bundle.distribution import ImageName, Registries
from wavetank.bundle.downloads import Downloads
from wavetank.bundle.layout import CONFIG, LAYER, Descriptor, Layout
from wavetank.bundle.progress import Progress
from wavetank.errors import BundleError

__all__ = ["pull"]

READ = ("tar", "tar+gzip", "tar.gzip")
"""Kinds of layers, by the end of their media types."""


def pull(
    registries: Registries,
    downloads: Downloads,
    ref: str,
    pinned: str,
    architecture: str,
    folder: Path,
    progress: Progress,
) -> None:
    """Pull ``pinned`` (name@digest) for ``architecture`` into ``folder`` as an image layout, named ``ref``.

    Raises `BundleError`, as `troubles` tells it, when it does not come, is not what was asked for, or is for another
    architecture.
    """
    name = ImageName.parse(pinned)
    manifest = registries.manifest(name, name.reference, progress)
    if "manifests" in manifest:
        manifest = registries.manifest(name, _choose(manifest, architecture, pinned), progress)
    config, content = registries.config(name, manifest["config"]["digest"], progress)
    if config["architecture"] != architecture:
        raise BundleError(
            f"{pinned} is not for this architecture", observed=config["architecture"], expected=architecture
        )
    diff_ids = config["rootfs"]["diff_ids"]
    if len(diff_ids) != len(manifest["layers"]):
        raise BundleError(
            f"{pinned} is damaged",
            observed=f"{len(manifest['layers'])} layers in its manifest",
            expected=f"{len(diff_ids)}, as its configuration says",
        )
    for layer in manifest["layers"]:
        progress.expect(layer["size"])
    layout = Layout(folder)
    layout.start()
    for layer, diff_id in zip(manifest["layers"], diff_ids, strict=True):
        _have_layer(registries, downloads, name, layer, diff_id, progress)
    layout.take(downloads.layers, diff_ids)
    layers = [Descriptor(LAYER, diff_id, layout.blob(diff_id).stat().st_size) for diff_id in diff_ids]
    layout.write_index({ref: layout.add_manifest(layout.add_bytes(content, CONFIG), layers)})


def _choose(index: Mapping[str, Any], architecture: str, pinned: str) -> str:
    """Return the digest of the index's image for Linux on ``architecture``."""
    found = [entry for entry in index["manifests"] if entry.get("platform", {}).get("os") == "linux"]
    for entry in found:
        if entry["platform"]["architecture"] == architecture:
            return str(entry["digest"])
    raise BundleError(
        f"{pinned} is not for this architecture",
        observed=f"it is for {', '.join(sorted(entry['platform']['architecture'] for entry in found)) or 'none'}",
        expected=architecture,
        hint="build from source: `wavetank bundle build`",
    )


def _have_layer(
    registries: Registries,
    downloads: Downloads,
    name: ImageName,
    layer: Mapping[str, Any],
    diff_id: str,
    progress: Progress,
) -> None:
    digest, what = layer["digest"], f"a layer of {name.registry}/{name.repository}"
    if not layer["mediaType"].endswith(READ):
        raise BundleError(
            f"{what} is packed in a way that is not known here",
            observed=layer["mediaType"],
            expected="a tar, or one packed by gzip",
            hint="build from source: `wavetank bundle build`",
        )
    came = downloads.layer(
        digest,
        diff_id,
        lambda target: registries.fetch_blob(name, digest, target, layer["size"], progress),
        lambda observed: troubles.wrong_digest(what, f"{name.address}/blobs/{digest}", observed, digest),
    )
    if not came:
        progress.had(layer["size"])
