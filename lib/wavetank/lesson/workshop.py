"""The lab's images: built, pushed, run and looked up by the names that ``lab.yaml`` gives them."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from wavetank.errors import ImageError
from wavetank.images import Build, BuildStep, Container, DockerEngine, Engine, Image, Recipe
from wavetank.lesson.lab import ExerciseFile, Lab

__all__ = ["Use", "Workshop", "as_learned", "as_solved"]

Say = Callable[[str], None]

Use = Callable[[ExerciseFile], Path]
"""Which of an exercise's files is used: the learner's own, its solution, or what somebody else would hand in."""


def as_learned(file: ExerciseFile) -> Path:
    """Use the learner's own."""
    return file.learner


def as_solved(file: ExerciseFile) -> Path:
    """Use the solution."""
    return file.solution


_TRIAL = "tidewater/trial:latest"
"""What a build is called that only answers a question; in a registry's name, for nobody else on the engine has it."""


class Workshop:
    """The images of one lab; ``use`` says which file takes the place of one that the learner edits."""

    def __init__(
        self,
        lab: Lab,
        *,
        use: Use = as_learned,
        say: Say,
        engine: Engine | None = None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.lab, self._use, self._say, self._engine, self._ready = lab, use, say, engine, ready

    @cached_property
    def engine(self) -> Engine:
        """What builds and runs the images; `ready` returns when it can."""
        self._ready()
        return self._engine or DockerEngine(berth=self.lab.berth)

    def file(self, path: Path) -> Path:
        """Return the file to use for ``path``."""
        mine = self.lab.file(path)
        return path if mine is None else self._use(mine)

    def recipe(self, name: str) -> Recipe:
        """Return how an image is built."""
        recipe = self.lab.image(name).recipe
        return replace(recipe, dockerfile=self.file(recipe.dockerfile))

    def tag(self, name: str) -> str:
        """Return an image's tag, registry and all."""
        return self.lab.image(name).tag

    def build(
        self, name: str, *, fresh: bool = False, report: Callable[[BuildStep], None] = lambda step: None
    ) -> Build:
        """Build an image and give it its tag; ``fresh`` reuses nothing of earlier builds."""
        return self.engine.build(self.recipe(name), self.tag(name), fresh=fresh, report=report)

    def rebuild(self, name: str, changed: str) -> Build:
        """Build an image as if the file ``changed`` of its context had changed; the file and the tag stay as they are.

        Raises `ImageError` when the context has no such file.
        """
        recipe = self.recipe(name)
        with tempfile.TemporaryDirectory(prefix="wavetank-context-") as folder:
            context = Path(folder) / "context"
            shutil.copytree(recipe.context, context)
            if not (context / changed).is_file():
                raise ImageError(f"{recipe.context} has no file {changed}", expected="a file of the image's context")
            with (context / changed).open("a", encoding="utf-8") as file:
                file.write(f"\n# changed at {time.time_ns()}\n")
            engine, trial = self.engine, f"{self.lab.berth.registry}/{_TRIAL}"
            built = engine.build(replace(recipe, context=context), trial)
        engine.remove(trial)
        return built

    def push(self, name: str) -> str:
        """Push an image that was built, and return the digest it has in the registry."""
        return self.engine.push(self.tag(name), self._say)

    def image(self, name: str) -> Image:
        """Return an image that was built."""
        return self.engine.image(self.tag(name))

    def run(
        self,
        name: str,
        command: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        memory: int | None = None,
        cpus: float | None = None,
    ) -> Container:
        """Start a container of an image that was built; see `Engine.run`."""
        tag = self.tag(name)
        return self.engine.run(tag, command, environment=environment, ports=ports, memory=memory, cpus=cpus)

    def provide(self, names: Iterable[str]) -> None:
        """Build and push images, so that their tags mean what the lab says, whatever they were moved to."""
        for name in names:
            self._say(f"building and pushing {self.tag(name)}")
            self.build(name)
            self.push(name)
