"""The graph of a build: artifacts, what each needs, and the key that tells whether it has been made before.

An artifact's key is a hash of all that goes into it, the keys of what it needs among them. Nothing is made here:
`Graph.steps` hands the graph out, and running it is `run_steps`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from wavetank.bundle.cache import Cache, fingerprint
from wavetank.bundle.images import Image
from wavetank.bundle.layout import Layout
from wavetank.steps import Step

__all__ = ["Artifact", "Graph", "image_artifact"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder to be made: ``name`` and ``key`` name it in the cache, ``title`` as a step; ``needs`` names others.

    ``alone`` and ``progress`` are its step's (see `Step`).
    """

    name: str
    title: str
    key: str
    make: Callable[[Path], None]
    needs: tuple[str, ...] = ()
    alone: str = ""
    progress: Callable[[], str] | None = None


class Graph:
    """Artifacts by name, each added after those it needs."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.artifacts: dict[str, Artifact] = {}

    def add(self, artifact: Artifact) -> None:
        """Add an artifact; all it needs has to be there already."""
        self.artifacts[artifact.name] = artifact

    def key(self, needs: Iterable[str], *parts: object) -> str:
        """Return the key of an artifact that is made of these other artifacts and ``parts`` (see `fingerprint`)."""
        return fingerprint(sorted(self.artifacts[need].key for need in needs), *parts)

    def whole_key(self) -> str:
        """Return a key for everything together, names included."""
        return self.key(self.artifacts, sorted(self.artifacts))

    def path(self, name: str) -> Path:
        """Return where the artifact of that name is, or will be."""
        return self._cache.path / f"{name}-{self.artifacts[name].key}"

    def image(self, ref: str) -> Image:
        """Return an image that has been made."""
        layout = Layout(self.path(image_artifact(ref)))
        return Image(ref, layout.images()[ref], layout)

    def missing(self) -> list[Artifact]:
        """Return the artifacts that are not in the cache yet."""
        return [artifact for artifact in self.artifacts.values() if not self.path(artifact.name).is_dir()]

    def with_needs(self, names: Iterable[str]) -> set[str]:
        """Return these artifacts and, by name, all that they are made of."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.artifacts[name].needs
        return found

    def steps(self, names: Iterable[str]) -> list[Step]:
        """Return one step for each of these artifacts; what is in the cache already takes no time."""
        wanted = set(names)
        return [
            Step(
                artifact.title,
                self._action(artifact),
                tuple(self.artifacts[need].title for need in artifact.needs),
                artifact.alone,
                artifact.progress,
            )
            for name, artifact in self.artifacts.items()
            if name in wanted
        ]

    def _action(self, artifact: Artifact) -> Callable[[], str]:
        def act() -> str:
            _, cached = self._cache.artifact(artifact.name, artifact.key, artifact.make)
            if cached:
                return "cached"
            return artifact.progress() if artifact.progress else ""

        return act


def image_artifact(ref: str) -> str:
    """Return the name of the artifact that is the image ``ref``."""
    return "image-" + "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in ref)
