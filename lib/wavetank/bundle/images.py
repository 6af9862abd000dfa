"""Images: assembling one from layers of entries on top of a base, and writing some to an archive that engines load."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from wavetank.bundle.entries import Entry, write_tar
from wavetank.bundle.layout import LAYER, Descriptor, ImageConfig, Layout, index_document

__all__ = ["Image", "assemble", "inherit", "write_archive"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a layout: its reference and its manifest."""

    ref: str
    manifest: Descriptor
    layout: Layout


def assemble(
    ref: str,
    folder: Path,
    layers: Sequence[Iterable[Entry]],
    config: ImageConfig,
    *,
    architecture: str,
    base: Image | None = None,
) -> Image:
    """Write an image into a new layout in ``folder``: one layer for each of ``layers``, the base's below them."""
    layout = Layout(folder)
    layout.start()
    below: list[Descriptor] = []
    diff_ids: list[str] = []
    if base is not None:
        _, described, *_ = digests = base.layout.blobs_of(base.manifest.digest)
        layout.take(base.layout, digests)
        below = list(layout.manifest(base.manifest.digest).layers)
        document = layout.read_json(described)
        diff_ids = document["rootfs"]["diff_ids"]
        config = inherit(document.get("config", {}), config)
    added = [layout.add(partial(write_tar, entries), LAYER) for entries in layers]
    diff_ids += [layer.digest for layer in added]
    manifest = layout.add_image([*below, *added], diff_ids, config, architecture)
    layout.write_index({ref: manifest})
    return Image(ref, manifest, layout)


def inherit(base: dict[str, Any], own: ImageConfig) -> ImageConfig:
    """Return ``own`` with what it leaves open taken from the ``config`` object of the base image.

    As in a Dockerfile: environments are merged, ports added, and a new entrypoint drops the base's command.
    """
    environment = dict(pair.split("=", 1) for pair in base.get("Env", ()))
    ports = {int(port.partition("/")[0]) for port in base.get("ExposedPorts", ())}
    return ImageConfig(
        entrypoint=own.entrypoint or base.get("Entrypoint") or (),
        command=own.command or (() if own.entrypoint else base.get("Cmd") or ()),
        environment=environment | dict(own.environment or {}),
        user=own.user or base.get("User", ""),
        workdir=own.workdir or base.get("WorkingDir", ""),
        ports=sorted(ports | set(own.ports)),
        stop_signal=own.stop_signal or base.get("StopSignal", ""),
    )


def write_archive(images: Sequence[Image], sink: BinaryIO) -> None:
    """Write images to ``sink`` as one tar that both `docker load` (20.10 and later) and `ctr images import` take.

    It is an OCI image layout with the manifest.json of `docker save` beside it, each blob once. ``sink`` need not be
    seekable.
    """
    blobs: dict[str, Path] = {}
    docker: list[dict[str, Any]] = []
    for image in images:
        digests = image.layout.blobs_of(image.manifest.digest)
        blobs |= {_member(digest): image.layout.blob(digest) for digest in digests}
        _, config, *layers = map(_member, digests)
        docker.append({"Config": config, "RepoTags": [image.ref], "Layers": layers})
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add_text(tar, "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        _add_text(tar, "index.json", json.dumps(index_document({image.ref: image.manifest for image in images})))
        _add_text(tar, "manifest.json", json.dumps(docker))
        for member, blob in blobs.items():
            tar.add(blob, arcname=member, filter=_plain)


def _member(digest: str) -> str:
    return digest.replace("sha256:", "blobs/sha256/")


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    info = _plain(tarfile.TarInfo(name))
    info.size = len(text.encode())
    tar.addfile(info, BytesIO(text.encode()))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o644
    return info
