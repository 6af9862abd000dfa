"""Making a bundle, from whichever source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from wavetank.cluster.bundle.bundle import Bundle
from wavetank.cluster.bundle.cache import Cache
from wavetank.cluster.bundle.index import Source
from wavetank.cluster.bundle.interpreter import VERSION as PYTHON
from wavetank.cluster.bundle.recipe import load_recipes
from wavetank.cluster.bundle.source import build_from_source
from wavetank.cluster.bundle.versions import Version, Versions, load_versions
from wavetank.cluster.steps import Report, print_report
from wavetank.errors import BundleError

__all__ = ["build"]


def build(source: Source = "source", report: Report = print_report) -> Bundle:
    """Make a bundle, the current one from now on, repeating no step that an earlier build has finished.

    Raises `StepError` when a step fails, `InputError` for a mistake in clusters/versions.yaml or a recipe.
    """
    project = _project()
    versions = load_versions(project / "clusters" / "versions.yaml")
    cache = Cache(user_cache_path("wavetank") / "build")
    versions = _with_running_python(versions)
    recipes = load_recipes(project / "clusters" / "source", versions)
    return build_from_source(project, versions, recipes, cache, report)


def _project() -> Path:
    """Return the folder of the project's checkout, which has the recipes."""
    project = Path(__file__).parents[4]
    if not (project / "clusters" / "versions.yaml").is_file():
        raise BundleError(
            "bundles are built from a checkout of the project",
            observed=f"no clusters/versions.yaml in {project}",
            hint="clone the project and run `make setup`, or `wavetank bundle load FILE`",
        )
    return project


def _with_running_python(versions: Versions) -> Versions:
    """Return the versions with the Python that runs this: our images are made of it, wheels are installed for it."""
    python = replace(versions.components["python"], version=Version(PYTHON))
    return replace(versions, components={**versions.components, "python": python})
