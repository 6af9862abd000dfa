"""The same recipe, the same bytes: takes time and machine out of an image that an engine has built.

An engine writes when and where it built into every image: in the configuration, and in the modification time of every
file. So two builds of the same files differ, digest and all. Here every time becomes the beginning of 1970, as
SOURCE_DATE_EPOCH (reproducible-builds.org) asks for and BuildKit's ``rewrite-timestamp`` does for the engines that have
it. Layers of the base are not touched: they have to stay the ones that everybody shares.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

__all__ = ["rewrite", "rewrite_layer"]

_EPOCH = "1970-01-01T00:00:00Z"
_KEPT = ("architecture", "os", "variant", "os.version", "config", "rootfs", "history")
_MACHINE = ("Hostname", "Domainname", "Image")
"""Settings of a configuration that name the container or the image it was made in."""


def rewrite(source: Path, sink: Path, base: Collection[str], made_by: Sequence[str]) -> str:
    """Write the archive of one image (`docker save`) to ``sink`` without times; return the image's new id.

    ``base`` are the digests of the layers that stay as they are. ``made_by`` are the instructions that came on top of
    them, which the history then tells as the Dockerfile does; its last one, the engine's own for a label, is left out.
    """
    with tarfile.open(source) as archive, tarfile.open(sink, "w", format=tarfile.PAX_FORMAT) as out:
        (described,) = json.loads(_read(archive, "manifest.json"))
        config = json.loads(_read(archive, described["Config"]))
        digests, members = [], []
        for digest, member in zip(config["rootfs"]["diff_ids"], described["Layers"], strict=True):
            with _open(archive, member) as layer, tempfile.TemporaryFile() as scratch:
                if digest in base:
                    blob: IO[bytes] = layer
                else:
                    digest, blob = rewrite_layer(layer, scratch), scratch
                digests.append(digest)
                members.append(_add(out, digest, blob))
        written = json.dumps(_timeless(config, digests, made_by), sort_keys=True, separators=(",", ":")).encode()
        image_id = "sha256:" + hashlib.sha256(written).hexdigest()
        name = _add(out, image_id, BytesIO(written))
        manifest = json.dumps([{"Config": name, "RepoTags": None, "Layers": members}]).encode()
        _add_file(out, "manifest.json", BytesIO(manifest))
    return image_id


def rewrite_layer(layer: IO[bytes], sink: IO[bytes]) -> str:
    """Write a layer's tar, compressed or not, to ``sink`` without times, uncompressed; return its digest."""
    hashing = _Hashing(sink)
    with (
        tarfile.open(fileobj=layer, mode="r|*") as old,
        tarfile.open(fileobj=cast(IO[bytes], hashing), mode="w|", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in old:
            member.mtime = 0
            member.uname = member.gname = ""
            member.pax_headers = {
                key: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")
            }
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    return "sha256:" + hashing.digest.hexdigest()


class _Hashing:
    """A sink that knows the digest of what went through it."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink, self.digest = sink, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._sink.write(data)


def _timeless(config: Mapping[str, Any], digests: Sequence[str], made_by: Sequence[str]) -> dict[str, Any]:
    """Return the configuration without times and names of containers."""
    kept = {key: config[key] for key in _KEPT if key in config}
    settings = {key: value for key, value in config["config"].items() if key not in _MACHINE}
    history = list(config.get("history", ()))[:-1]
    below, own = history[: len(history) - len(made_by)], history[len(history) - len(made_by) :]
    told = [
        {"created": _EPOCH, "created_by": words, **({"empty_layer": True} if entry.get("empty_layer") else {})}
        for entry, words in zip(own, made_by, strict=True)
    ]
    return {
        **kept,
        "created": _EPOCH,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": list(digests)},
        "history": [*below, *told],
    }


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a member; one that stands for another (a layer that is there twice) is followed."""
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    with _open(archive, name) as member:
        return member.read()


def _add(archive: tarfile.TarFile, digest: str, blob: IO[bytes]) -> str:
    name = digest.replace("sha256:", "blobs/sha256/")
    _add_file(archive, name, blob)
    return name


def _add_file(archive: tarfile.TarFile, name: str, blob: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = blob.seek(0, 2), 0o644
    blob.seek(0)
    archive.addfile(info, blob)
