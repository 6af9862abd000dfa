"""What a build will put into a bundle, and which stage needs each of it first: as planned, before any of it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wavetank.bundle.graph import Graph, image_artifact
from wavetank.bundle.index import FileKind, Resolved
from wavetank.bundle.stages import Stage, up_to
from wavetank.bundle.store import Part

__all__ = ["Plan", "PlannedFile", "PlannedImage"]


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """An image by its reference."""

    stage: Stage
    ref: str


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A manifest or a program: ``path`` in the folder of ``artifact``."""

    stage: Stage
    kind: FileKind
    name: str
    artifact: str
    path: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a bundle. ``architecture`` in Go's words; ``node_image`` is the reference of one of the images.

    ``resolved`` is what had to be looked up. It is no part of what tells two plans apart: the artifacts' keys have its
    digests, and when it was looked up makes no other bundle.
    """

    architecture: str
    node_image: str
    images: Sequence[PlannedImage]
    files: Sequence[PlannedFile]
    resolved: tuple[Resolved, ...] = field(default=(), repr=False)

    def artifacts(self, stage: Stage) -> set[str]:
        """Return the names of the artifacts that a bundle up to ``stage`` consists of."""
        wanted = up_to(stage)
        images = {image_artifact(image.ref) for image in self.images if image.stage in wanted}
        return images | {file.artifact for file in self.files if file.stage in wanted}

    def part(self, stage: Stage, graph: Graph) -> Part:
        """Return what a bundle up to ``stage`` holds, files by where ``graph`` has them."""
        wanted = up_to(stage)
        return Part(
            tuple(image.ref for image in self.images if image.stage in wanted),
            tuple((f.kind, f.name, graph.path(f.artifact) / f.path) for f in self.files if f.stage in wanted),
        )
