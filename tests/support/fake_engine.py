"""An `Engine` without Docker: images are values in a table, a registry is another, and a test plays the containers.

    engine = FakeEngine()
    engine.on_run = lambda ref, command: Ended(0, "passed")     # what a container prints, and how it ends
    built = engine.build(Recipe(folder, folder / "Dockerfile"), "localhost:5001/tidewater/web:v1")

A build reads the real Dockerfile and the real files beside it: the same ones make the same digests, a step is reused
when nothing before it and nothing it copies has changed. Layers are as large as what they copy.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wavetank.bundle.dockerfile import instructions
from wavetank.errors import ImageError, WaitTimeoutError
from wavetank.images import Build, BuildStep, Ended, Image, Layer, Recipe, repository_of

_MAKES_A_LAYER = ("ADD", "COPY", "RUN", "WORKDIR")


def digest(*parts: object) -> str:
    """Return a digest of anything, the same for the same."""
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()


BASE = Image(
    id=digest("base"),
    tags=("wavetank.dev/base:3",),
    digests=(),
    layers=tuple(Layer(digest("base", words), size, words) for words, size in (("ADD rootfs /", 40_000_000),)),
    size=40_000_000,
    architecture="amd64",
)


@dataclass
class FakeContainer:
    """A container that a test's ``on_run`` and ``on_exec`` play; ``ended`` is None for one that never ends."""

    engine: FakeEngine
    name: str
    ref: str
    command: tuple[str, ...]
    ended: Ended | None
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    cpus: float | None = None
    restarts: int = 0

    def address(self, port: int) -> str:
        return f"127.0.0.1:{port}"

    def exec(self, command: Sequence[str]) -> Ended:
        return self.engine.on_exec(self, list(command))

    def logs(self) -> str:
        return self.ended.output if self.ended else ""

    def wait(self, seconds: float) -> Ended:
        if self.ended is None:
            raise WaitTimeoutError(f"{self.name} has not ended within {seconds:g} s", observed="it is running")
        return self.ended

    def restart(self) -> None:
        self.restarts += 1

    def remove(self) -> None:
        self.engine.containers.pop(self.name, None)


class FakeEngine:
    """The engine: ``images`` and ``registry`` by reference, ``containers`` (those that are there) by name.

    ``failing`` is a piece of the instruction at which builds fail; empty where they do not.
    """

    def __init__(self) -> None:
        self.images: dict[str, Image] = dict.fromkeys(BASE.tags, BASE)
        self.registry: dict[str, Image] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.started = 0
        self.failing = ""
        self.on_run: Callable[[str, tuple[str, ...]], Ended | None] = lambda ref, command: Ended(0, "")
        self.on_exec: Callable[[FakeContainer, list[str]], Ended] = lambda container, command: Ended(0, "")
        self._cache: set[str] = set()
        self._numbers = itertools.count(1)

    def build(
        self, recipe: Recipe, tag: str, *, fresh: bool = False, report: Callable[[BuildStep], None] = lambda step: None
    ) -> Build:
        told = instructions(recipe.dockerfile.read_text())
        steps, layers, state, user, reused = [], list(BASE.layers), BASE.id, "", not fresh
        for number, (line, word, rest) in enumerate(told, start=1):
            text = f"{word} {rest}"
            if self.failing and self.failing in text:
                raise ImageError(f"step {number} of {len(told)} failed: {text}", where=f"{recipe.dockerfile}:{line}")
            content, size = _content(recipe, word, rest)
            state = digest(state, text, content)
            reused = reused and (word == "FROM" or state in self._cache)
            self._cache.add(state)
            if word in _MAKES_A_LAYER:
                layers.append(Layer(digest("layer", state), size, text))
            user = rest if word == "USER" else user
            steps.append(BuildStep(number, len(told), text, line, reused, 0.0 if reused else 0.1, state[7:19]))
            report(steps[-1])
        image = Image(state, (tag,), (), tuple(layers), sum(layer.size for layer in layers), user, (), "amd64")
        self.images[tag] = image
        return Build(image, tuple(steps), len(BASE.layers))

    def image(self, ref: str) -> Image:
        found = self.images.get(ref) or next((image for image in self.images.values() if image.id == ref), None)
        if found is None:
            raise ImageError(f"the engine has no image {ref}", expected="an image that was built or pulled")
        return found

    def tag(self, ref: str, tag: str) -> None:
        image = self.image(ref)
        self.images[tag] = replace(image, tags=(*image.tags, tag))

    def push(self, tag: str, say: Callable[[str], None] = lambda words: None) -> str:
        image, repository = self.image(tag), repository_of(tag)
        pushed = digest("manifest", image.id)
        self.images[tag] = replace(image, digests=(f"{repository}@{pushed}",))
        self.registry[tag] = self.registry[f"{repository}@{pushed}"] = self.images[tag]
        say(f"{tag}: pushed")
        return pushed

    def pull(self, ref: str, say: Callable[[str], None] = lambda words: None) -> str:
        if ref not in self.registry:
            raise ImageError(f"pulling {ref} failed", observed="not found", expected="an image that was pushed")
        self.images[ref] = self.registry[ref]
        say(f"{ref}: pulled")
        return self.images[ref].digest_in(repository_of(ref))

    def remove(self, ref: str) -> None:
        self.images.pop(ref, None)

    def run(
        self,
        ref: str,
        command: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        memory: int | None = None,
        cpus: float | None = None,
    ) -> FakeContainer:
        self.image(ref)
        self.started += 1
        name, words = f"container-{next(self._numbers)}", tuple(command)
        ended = self.on_run(ref, words)
        made = FakeContainer(self, name, ref, words, ended, environment or {}, memory, cpus)
        self.containers[name] = made
        return made


def _content(recipe: Recipe, word: str, rest: str) -> tuple[object, int]:
    """Return what, beside its text, an instruction depends on, and how many bytes it copies."""
    if word == "ARG":
        name, _, default = rest.partition("=")
        return recipe.arguments.get(name, default), 0
    if word not in ("ADD", "COPY"):
        return None, 0
    source = recipe.context / rest.split()[0]
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    contents = [(str(path.relative_to(recipe.context)), path.read_bytes()) for path in _there(files)]
    return contents, sum(len(content) for _, content in contents)


def _there(files: Sequence[Path]) -> Sequence[Path]:
    for path in files:
        if not path.is_file():
            raise ImageError(f"COPY failed: {path.name} is not there", expected=f"a file or folder {path}")
    return files
