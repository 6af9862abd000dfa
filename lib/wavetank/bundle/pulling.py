"""Images of public registries, pulled by digest through the engine and checked again here.

The engine hands out an image's configuration and layers, and the configuration names the digest of each layer.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import docker
from docker.models.images import Image

from wavetank.bundle.layout import CONFIG, LAYER, Descriptor, Layout
from wavetank.engine import telling
from wavetank.errors import BundleError

__all__ = ["pull", "pull_image"]

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"


def pull(client: docker.DockerClient, ref: str, pinned: str, architecture: str, folder: Path) -> None:
    """Have the engine pull ``pinned`` (name@digest) and put it into ``folder`` as an image layout, named ``ref``.

    Raises as `pull_image` does, and `BundleError` when what the engine hands out is damaged.
    """
    image = pull_image(client, pinned, architecture)
    with telling(f"taking {pinned} over"), tempfile.TemporaryFile() as archive:
        for chunk in client.api.get_image(str(image.id), chunk_size=CHUNK):
            archive.write(chunk)
        archive.seek(0)
        take_saved(archive, ref, folder)


def pull_image(client: docker.DockerClient, pinned: str, architecture: str) -> Image:
    """Have the engine pull ``pinned`` (name@digest) and return the engine's image.

    Raises what `telling` makes of the engine's refusal, and `BundleError` when it is not what was asked for.
    """
    with telling(f"pulling {pinned}"):
        image = client.images.pull(pinned, platform=f"linux/{architecture}")
    if not any(digest.endswith(pinned.partition("@")[2]) for digest in image.attrs["RepoDigests"]):
        raise BundleError(f"the engine pulled another image than {pinned}", observed=str(image.attrs["RepoDigests"]))
    if image.attrs["Architecture"] != architecture:
        raise BundleError(
            f"{pinned} is not for this architecture", observed=image.attrs["Architecture"], expected=architecture
        )
    return image


def take_saved(archive: IO[bytes], ref: str, folder: Path) -> None:
    """Put the one image of a `docker save` archive into ``folder`` as a layout, each layer checked and uncompressed.

    Raises `BundleError` when a layer is missing or has not the digest that the image's configuration gives it.
    """
    layout = Layout(folder)
    layout.start()
    with tarfile.open(fileobj=archive) as tar:
        (saved,) = json.load(_member(tar, "manifest.json", ref))
        config = _member(tar, saved["Config"], ref).read()
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        if len(diff_ids) != len(saved["Layers"]):
            raise _not_as_told(ref, f"{len(saved['Layers'])} layers", f"{len(diff_ids)} layers")
        layers: list[Descriptor] = []
        for name, diff_id in zip(saved["Layers"], diff_ids, strict=True):
            layer = layout.add(lambda sink, name=name: _copy(tar, name, ref, sink), LAYER)  # type: ignore[misc]
            if layer.digest != diff_id:
                raise _not_as_told(ref, f"a layer with digest {layer.digest}", diff_id)
            layers.append(layer)
    manifest = layout.add_manifest(layout.add_bytes(config, CONFIG), layers)
    layout.write_index({ref: manifest})


def _copy(tar: tarfile.TarFile, name: str, ref: str, sink: Any) -> None:
    """Copy a layer, without its compression: newer engines hand out what they pulled, older ones plain tars."""
    source = _member(tar, name, ref)
    compressed = source.read(2) == GZIP
    source.seek(0)
    with gzip.open(source) if compressed else nullcontext(source) as content:
        while chunk := content.read(CHUNK):
            sink.write(chunk)


def _member(tar: tarfile.TarFile, name: str, ref: str) -> IO[bytes]:
    try:
        found = tar.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise _not_as_told(ref, f"no {name} in what the engine handed out", "an image as `docker save` writes it")
    return found


def _not_as_told(ref: str, observed: str, expected: str) -> BundleError:
    return BundleError(
        f"the engine handed out a damaged image {ref}",
        observed=observed,
        expected=expected,
        command=f"docker save {ref} | tar t",
        hint=f"`docker rmi {ref}`, then run the same command again",
    )
