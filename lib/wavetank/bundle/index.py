"""bundle.json: what a bundle holds, each image and file with the digest it has to have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from wavetank.bundle.stages import STAGES, Stage
from wavetank.document import find_mistake, load_schema, read_json
from wavetank.errors import BundleError
from wavetank.pasted import pasted

__all__ = ["BundleFile", "BundleImage", "Index", "Resolved", "read_index"]

Source = Literal["source", "registry"]
FileKind = Literal["manifest", "binary"]


MOST_BYTES = 4 << 20
"""A hundred times an index of today."""


@dataclass(frozen=True, slots=True)
class BundleImage:
    """An image, with the bytes of all its blobs together; ``config_digest`` is what an engine calls the image's id."""

    ref: str
    digest: str
    config_digest: str
    size: int


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A manifest or a program: its path in the bundle and its digest."""

    name: str
    kind: FileKind
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What clusters/versions.yaml did not pin: ``asked``, a tag or an address, had ``digest`` at ``when``, in UTC.

    ``what`` is the bundle's word for it: an image's reference or a file's name.
    """

    what: str
    asked: str
    digest: str
    when: str


@dataclass(frozen=True, slots=True)
class Index:
    """The content of bundle.json. ``version`` is Wavetank's; ``architecture`` in Go's words; ``stages`` are there."""

    version: str
    architecture: str
    source: Source
    node_image: str
    images: tuple[BundleImage, ...]
    files: tuple[BundleFile, ...]
    stages: tuple[Stage, ...] = STAGES
    resolved: tuple[Resolved, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it to ``folder``/bundle.json, at once: a reader sees the one before or this one."""
        draft = folder / ".bundle.json"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.replace(folder / "bundle.json")


def read_index(folder: Path) -> Index:
    """Read ``folder``/bundle.json; raises `BundleError` when it is missing, damaged, or not one this version reads."""
    path = folder / "bundle.json"
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
        data: Mapping[str, Any] = read_json(content)
        if mistake := find_mistake(data, load_schema(Path(__file__).with_name("bundle.schema.json"))):
            raise ValueError(str(mistake))
    except FileNotFoundError:
        raise BundleError(
            f"{folder} is not a bundle",
            observed="no bundle.json",
            command="wavetank bundle ls",
            hint="`wavetank bundle build` makes one, `wavetank bundle load FILE` takes one over",
        ) from None
    except ValueError as error:
        raise BundleError(
            f"{path} is damaged",
            observed=str(error).splitlines()[0],
            expected="the index of a bundle",
            command=pasted("wavetank", "bundle", "rm", folder.name),
            hint="build or load the bundle again",
        ) from error
    return Index(
        version=data["version"],
        architecture=data["architecture"],
        source=data["source"],
        node_image=data["node_image"],
        images=tuple(BundleImage(**image) for image in data["images"]),
        files=tuple(BundleFile(**file) for file in data["files"]),
        stages=tuple(data.get("stages", STAGES)),  # before there were stages, a bundle was whole
        resolved=tuple(Resolved(**one) for one in data.get("resolved", ())),
    )
