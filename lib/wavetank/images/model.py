"""What is known of an image, of a build, and of a container: plain values, whatever engine they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Build", "BuildStep", "Ended", "Image", "Layer", "Recipe", "Say", "megabytes", "repository_of"]

Say = Callable[[str], None]
"""Told, in words, what is being done or waited for."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an image is built: a Dockerfile, the folder whose files it may copy, and its build arguments."""

    context: Path
    dockerfile: Path
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: the digest of its files (``sha256:...``), their size in bytes, and the instruction that made it."""

    digest: str
    size: int
    made_by: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image in an engine.

    ``id`` is the digest of its configuration, which names every layer: the same id means the same bytes. ``digests``
    are what registries know it by (``repository@sha256:...``); there are none before it was pushed or pulled.
    """

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    layers: tuple[Layer, ...]
    size: int
    user: str = ""
    command: tuple[str, ...] = ()
    architecture: str = ""

    def shared_with(self, other: Image) -> tuple[Layer, ...]:
        """Return the layers, from the bottom, that both images consist of: they are stored and moved only once."""
        shared = []
        for mine, theirs in zip(self.layers, other.layers, strict=False):
            if mine.digest != theirs.digest:
                break
            shared.append(mine)
        return tuple(shared)

    def digest_in(self, repository: str) -> str:
        """Return the digest (``sha256:...``) a repository knows this image by; empty when it was never there."""
        known = (digest.partition("@") for digest in self.digests)
        return next((digest for name, _, digest in known if name == repository), "")


@dataclass(frozen=True, slots=True)
class BuildStep:
    """One instruction of a Dockerfile that has been done. ``line`` is its line, ``image`` the short id after it.

    ``reused`` says that nothing was done: the result was there already, from an earlier build or as the base.
    """

    number: int
    total: int
    instruction: str
    line: int
    reused: bool
    seconds: float
    image: str = ""
    output: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """What is done: ``FROM``, ``COPY``."""
        return self.instruction.split(maxsplit=1)[0].upper()

    def __str__(self) -> str:
        return f"{self.number}/{self.total} {self.instruction}  {'reused' if self.reused else f'{self.seconds:.1f} s'}"


@dataclass(frozen=True, slots=True)
class Build:
    """A build that succeeded: the image, the steps that led to it, and how many of its layers are the base's."""

    image: Image
    steps: tuple[BuildStep, ...]
    base_layers: int = 0

    @property
    def own_layers(self) -> tuple[Layer, ...]:
        """The layers that the recipe itself has made."""
        return self.image.layers[self.base_layers :]

    @property
    def rebuilt(self) -> tuple[BuildStep, ...]:
        """The steps that were really done."""
        return tuple(step for step in self.steps if not step.reused)

    @property
    def layers_anew(self) -> tuple[BuildStep, ...]:
        """Those of the steps really done that make a layer of files in the image; other stages leave it none."""
        return tuple(step for step in _of_the_image(self.steps) if not step.reused and step.word in _MAKE_A_LAYER)

    def __str__(self) -> str:
        return f"built {', '.join(self.image.tags)}: {len(self.rebuilt)} of {len(self.steps)} steps done anew"

    __repr__ = __str__


_MAKE_A_LAYER = ("ADD", "COPY", "RUN")


def _of_the_image(steps: Sequence[BuildStep]) -> list[BuildStep]:
    """Return the steps of the last stage and, where it begins from another one, of that: what the image consists of."""
    stages: list[list[BuildStep]] = []
    for step in steps:
        if step.word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(step)
    found: list[BuildStep] = []
    while stages:
        stage = stages.pop()
        found = stage + found
        base, _ = _stage_names(stage[0])
        while stages and _stage_names(stages[-1][0])[1] != base:
            stages.pop()
    return found


def _stage_names(first: BuildStep) -> tuple[str, str]:
    """Return what a stage begins from and what it is called itself, from its ``FROM``; names know no upper case."""
    words = [word.lower() for word in first.instruction.split()[1:] if not word.startswith("--")]
    return words[0], words[2] if len(words) > 2 and words[1] == "as" else ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended: its exit code, and what it printed."""

    code: int
    output: str


def repository_of(ref: str) -> str:
    """Return a reference without tag and digest: ``localhost:5001/web`` of ``localhost:5001/web:v1@sha256:...``."""
    name = ref.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def megabytes(size: int) -> str:
    """Return a size in bytes as people say it: ``80.3 MB``, ``4.1 kB``."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
