"""OCI image layouts on disk: blobs named by their digest, and the manifests that tie them to images.

Layers are kept uncompressed: they are made once, unpacked once, and on one machine the disk is faster than gzip.
The format is the OCI image specification's (image-layout.md, manifest.md, config.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wavetank.document import read_json
from wavetank.errors import BundleError

__all__ = ["CONFIG", "LAYER", "Descriptor", "ImageConfig", "Layout", "Manifest", "index_document", "sha256_file"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
EPOCH = "1970-01-01T00:00:00Z"
MOST_DOCUMENT = 4 << 20
"""Bytes of a manifest or a configuration; registries take no larger ones (distribution-spec, pushing manifests)."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob as OCI documents name it; ``size`` in bytes."""

    media_type: str
    digest: str
    size: int

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ties an image together: its configuration, and its layers, the lowest first."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """All of it."""
        return (self.config, *self.layers)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How an image is run: the part of its configuration that a recipe may set."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] | None = None
    user: str = ""
    workdir: str = ""
    ports: Sequence[int] = ()
    stop_signal: str = ""

    def document(self) -> dict[str, Any]:
        """Return the image configuration's ``config`` object; what is not set is not there."""
        told: dict[str, Any] = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in (self.environment or {}).items()],
            "User": self.user,
            "WorkingDir": self.workdir,
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports},
            "StopSignal": self.stop_signal,
        }
        return {key: value for key, value in told.items() if value}


class Layout:
    """A folder in the OCI image layout."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self) -> None:
        """Make the folder an empty layout."""
        (self.path / "blobs" / "sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")
        self.write_index({})

    def blob(self, digest: str) -> Path:
        """Return where the blob of that digest is kept, whether it is there or not.

        Raises `BundleError` for what is no digest: it comes from manifests that others have written.
        """
        if not _DIGEST.fullmatch(digest):
            raise BundleError(f"{digest[:100]!a} is not a digest", expected="sha256: and 64 hexadecimal digits")
        return self.path / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def add_bytes(self, content: bytes, media_type: str) -> Descriptor:
        """Keep ``content`` as a blob."""
        return self.add(lambda sink: sink.write(content), media_type)

    def add(self, write: Callable[[BinaryIO], object], media_type: str) -> Descriptor:
        """Keep what ``write`` writes as a blob, hashed on its way to the disk."""
        temporary = self.path / "blobs" / f"writing-{os.urandom(8).hex()}"
        with temporary.open("wb") as sink:
            hashing = _Hashing(sink)
            write(hashing)  # type: ignore[arg-type]
        digest = f"sha256:{hashing.sha256.hexdigest()}"
        temporary.rename(self.blob(digest))
        return Descriptor(media_type, digest, hashing.size)

    def take(self, other: Layout, digests: Iterable[str]) -> None:
        """Take over blobs of another layout: as hard links where the file system can, else as copies."""
        for digest in digests:
            if self.blob(digest).exists():
                continue
            try:
                self.blob(digest).hardlink_to(other.blob(digest))
            except OSError:
                draft = self.path / "blobs" / f"writing-{os.urandom(8).hex()}"
                shutil.copyfile(other.blob(digest), draft)
                draft.replace(self.blob(digest))  # whole, or not there

    def read_json(self, digest: str) -> dict[str, Any]:
        """Return the document with that digest; raises `BundleError` when it is missing, or no object of JSON."""
        try:
            with self.blob(digest).open("rb") as file:
                content = file.read(MOST_DOCUMENT + 1)
            document = read_json(content) if len(content) <= MOST_DOCUMENT else None
        except FileNotFoundError:
            raise BundleError(f"the blob {digest} is missing in {self.path}") from None
        except ValueError as error:
            raise _no_document(digest, self.path, str(error)[:200]) from error
        if not isinstance(document, dict):
            raise _no_document(digest, self.path, f"no object, or more than {MOST_DOCUMENT >> 20} MiB")
        return document

    def manifest(self, digest: str) -> Manifest:
        """Return the manifest with that digest; raises `BundleError` when it is missing, or none."""
        document = self.read_json(digest)
        try:
            config, *layers = (_descriptor(part) for part in (document["config"], *document["layers"]))
            return Manifest(document.get("mediaType", MANIFEST), config, tuple(layers))
        except (KeyError, TypeError, ValueError) as error:
            raise _no_document(digest, self.path, f"no manifest of an image: {error}"[:200]) from error

    def blobs_of(self, manifest: str) -> list[str]:
        """Return the digests an image is made of: its manifest, its configuration, its layers in order."""
        return [manifest, *(part.digest for part in self.manifest(manifest).parts)]

    def add_image(
        self, layers: Sequence[Descriptor], diff_ids: Sequence[str], config: ImageConfig, architecture: str
    ) -> Descriptor:
        """Write an image of ``layers``, the lowest first, and return its manifest's descriptor.

        ``diff_ids`` are the layers' digests before any compression.
        """
        image = {
            "created": EPOCH,
            "architecture": architecture,
            "os": "linux",
            "config": config.document(),
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": [{"created": EPOCH, "created_by": "wavetank bundle build"} for _ in layers],
        }
        return self.add_manifest(self.add_bytes(_canonical(image), CONFIG), layers)

    def add_manifest(self, config: Descriptor, layers: Sequence[Descriptor]) -> Descriptor:
        """Write the manifest that ties a configuration and its layers together."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.document(),
            "layers": [layer.document() for layer in layers],
        }
        return self.add_bytes(_canonical(manifest), MANIFEST)

    def write_index(self, images: Mapping[str, Descriptor]) -> None:
        """Write index.json at once: which reference names which manifest."""
        draft = self.path / ".index.json"
        draft.write_bytes(_canonical(index_document(images)))
        draft.replace(self.path / "index.json")

    def images(self) -> dict[str, Descriptor]:
        """Return the manifests that index.json names, by reference."""
        index = json.loads((self.path / "index.json").read_bytes())
        return {
            entry["annotations"]["org.opencontainers.image.ref.name"]: Descriptor(
                entry["mediaType"], entry["digest"], entry["size"]
            )
            for entry in index["manifests"]
        }


def _descriptor(told: Any) -> Descriptor:
    """Return a blob as a manifest has it. Raises `KeyError`, `TypeError` or `ValueError` for what is none."""
    media_type, digest, size = told["mediaType"], told["digest"], told["size"]
    if not isinstance(media_type, str) or not isinstance(digest, str) or type(size) is not int or size < 0:
        raise ValueError("a part without type, digest or size")
    return Descriptor(media_type, digest, size)


def _no_document(digest: str, folder: Path, observed: str) -> BundleError:
    return BundleError(
        f"the blob {digest} in {folder} is damaged", observed=observed, expected="a document of an image"
    )


def index_document(images: Mapping[str, Descriptor]) -> dict[str, Any]:
    """Return an index that names ``images`` as both the OCI layout and containerd's importer read it."""
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                **descriptor.document(),
                "annotations": {"io.containerd.image.name": ref, "org.opencontainers.image.ref.name": ref},
            }
            for ref, descriptor in sorted(images.items())
        ],
    }


def sha256_file(path: Path) -> str:
    """Return the file's digest as ``sha256:...``."""
    with path.open("rb") as source:
        return f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}"


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


class _Hashing:
    """A sink that counts and hashes what passes through."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        self.size += len(content)
        return self._sink.write(content)
