"""A pipeline as its file declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any

from wavetank.document import Document, load_document, load_schema
from wavetank.durations import parse_duration
from wavetank.errors import InputError
from wavetank.images.model import Recipe
from wavetank.traffic import Load

__all__ = ["SCHEMA", "Deploy", "Pipeline", "Test", "Verification", "load_pipeline"]

SCHEMA = Path(__file__).with_name("pipeline.schema.json")


@dataclass(frozen=True, slots=True)
class Test:
    """A command to run in a container of the image, for at most ``within`` seconds."""

    command: tuple[str, ...]
    within: float = 60.0


@dataclass(frozen=True, slots=True)
class Deploy:
    """The Deployment that gets the image; ``container`` is empty where there is only one. ``within`` in seconds."""

    deployment: str
    container: str = ""
    within: float = 60.0


@dataclass(frozen=True, slots=True)
class Verification:
    """A load the new version has to stand: at most a share may fail, and p95 stays below a bound in seconds, if any."""

    load: Load
    failed_share: float = 0.0
    p95_below: float | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is shipped, how, and what happens when it fails. ``name`` is the last part of the repository's name."""

    image: str
    recipe: Recipe
    deploy: Deploy
    test: Test | None = None
    verify: Verification | None = None
    rolls_back: bool = False
    promote: str = ""

    @property
    def name(self) -> str:
        """The name its runs are kept under."""
        return self.image.rpartition("/")[2]

    def recipe_of(self, version: str) -> Recipe:
        """Return how ``version`` is built."""
        return Recipe(self.recipe.context, self.recipe.dockerfile, {**self.recipe.arguments, "VERSION": version})


def load_pipeline(path: Path, folder: Path | None = None) -> Pipeline:
    """Read a pipeline's file; paths in it begin in ``folder``, by default the file's own.

    Raises `InputError` with file, line and what was expected.
    """
    document = load_document(path, load_schema(SCHEMA))
    data, folder = document.data, folder or path.parent
    build = data["build"]
    context = Path(normpath(folder / build["context"]))
    dockerfile = Path(normpath(folder / build["dockerfile"])) if "dockerfile" in build else context / "Dockerfile"
    for key, place, is_there in (
        ("context", context, context.is_dir()),
        ("dockerfile", dockerfile, dockerfile.is_file()),
    ):
        if not is_there:
            raise InputError(f"build/{key}: {place} is not there", where=document.where("build", key))
    return Pipeline(
        image=data["image"],
        recipe=Recipe(context, dockerfile, build.get("arguments", {})),
        deploy=Deploy(**_with_seconds(data["deploy"])),
        test=_test(data["test"]) if "test" in data else None,
        verify=_verification(document) if "verify" in data else None,
        rolls_back=data.get("on_failure") == "rollback",
        promote=data.get("promote", ""),
    )


def _test(data: Mapping[str, Any]) -> Test:
    return Test(**{**_with_seconds(data), "command": tuple(data["command"])})


def _with_seconds(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: parse_duration(value, key) if key == "within" else value for key, value in data.items()}


def _verification(document: Document) -> Verification:
    data = document.data["verify"]
    try:
        load = Load.from_spec("verify", data["load"])
    except InputError as error:
        raise InputError(
            f"verify/load: {error.summary}",
            where=document.where("verify", "load"),
            observed=error.help.observed,
            expected=error.help.expected,
        ) from error
    bound = parse_duration(data["p95_below"], "p95_below") if "p95_below" in data else None
    return Verification(load, data.get("failed_share", 0.0), bound)
