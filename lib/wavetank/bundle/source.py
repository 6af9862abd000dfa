"""The source build: a bundle from released Go modules, PyPI wheels and Debian packages, without any image registry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wavetank.bundle.assembly import Assembly, Tools, install_wheels
from wavetank.bundle.cache import Cache, fingerprint
from wavetank.bundle.costs import load_costs
from wavetank.bundle.estimate import Estimate, estimate
from wavetank.bundle.golang import Go
from wavetank.bundle.gomod import read_go_mod
from wavetank.bundle.graph import Graph
from wavetank.bundle.interpreter import VERSION as PYTHON
from wavetank.bundle.plan import Plan, PlannedFile, PlannedImage
from wavetank.bundle.recipe import Recipe, load_recipes
from wavetank.bundle.speed import machine_speed
from wavetank.bundle.stages import STAGES, Stage
from wavetank.bundle.versions import Version, Versions
from wavetank.errors import BundleError
from wavetank.pasted import pasted
from wavetank.steps import Report, Step, run_steps

__all__ = ["files_of", "foretell", "plan_source", "toolchain"]

GIB = 1 << 30
GIB_TO_BUILD_GO = 12
"""What Go's own caches, the modules' sources and the programs take when everything is built for the first time."""
GIB_FOR_IMAGES = 5
"""What the Debian root, the images and the bundle take."""


def plan_source(
    project: Path, versions: Versions, graph: Graph, cache: Cache, report: Report, architecture: str = ""
) -> Plan:
    """Add to ``graph`` all that has to be made for ``architecture`` (this machine's), and return the bundle's content.

    Raises `BundleError` when that is not this machine's architecture, or the disk is too full for what is to be made.
    """
    versions = _with_running_python(versions)
    module = project / "clusters" / "source"
    recipes = load_recipes(module, versions)
    go = toolchain(module, cache, report, architecture)
    _check_native(go)
    Assembly(graph, project, recipes, Tools(go.architecture, versions.components["debian"].version, go))
    _check_disk(graph, cache.path)

    staged = [(versions.components[name].stage, recipe) for name, recipe in recipes.items()]
    return Plan(
        architecture=go.architecture,
        node_image=next(recipe.node for recipe in recipes.values() if recipe.node),
        images=[PlannedImage(stage, image.ref) for stage, recipe in staged for image in recipe.images],
        files=[planned for stage, recipe in staged for planned in files_of(stage, recipe)],
    )


def files_of(stage: Stage, recipe: Recipe) -> Iterator[PlannedFile]:
    """Yield what is built here of a component's manifests and programs."""
    for name in recipe.manifests:
        yield PlannedFile(stage, "manifest", name, f"manifests-{recipe.name}", name)
    for name in recipe.binaries:
        yield PlannedFile(stage, "binary", name, f"programs-{recipe.name}", name)


def foretell(project: Path, graph: Graph, plan: Plan, cache: Cache, report: Report) -> Estimate:
    """Return how long what is not there yet will take on this machine.

    Where its speed is not known yet it is measured, by a part of the build itself: some 20 seconds on two cores.
    """
    if not graph.missing():
        return Estimate(dict.fromkeys(STAGES, 0.0))
    module = project / "clusters" / "source"
    speed = machine_speed(toolchain(module, cache, report), cache.path / "speed.json")
    return estimate(graph, plan, load_costs(module / "costs.yaml"), speed, workers=os.cpu_count() or 1)


def _with_running_python(versions: Versions) -> Versions:
    """Return the versions with the Python that runs this: our images are made of it, wheels are installed for it."""
    python = replace(versions.components["python"], version=Version(PYTHON))
    return replace(versions, components={**versions.components, "python": python})


def toolchain(module: Path, cache: Cache, report: Report, architecture: str = "") -> Go:
    """Return the Go on the PATH if it is new enough for the go.mod in ``module``, else the pinned wheel's.

    It builds for ``architecture``, or for this machine's.
    """
    if found := Go.find(at_least=read_go_mod(module / "go.mod").go, architecture=architecture):
        return found
    requirements = module / "go" / "requirements.txt"
    installed: list[Path] = []

    def install() -> str:
        folder, cached = cache.artifact("go", fingerprint(requirements), lambda new: install_wheels(requirements, new))
        installed.append(folder)
        return "cached" if cached else ""

    run_steps([Step("Go toolchain", install)], report)
    return Go.installed(installed[0], architecture)


def _check_native(go: Go) -> None:
    if not go.native:
        raise BundleError(
            f"a bundle for {go.architecture} cannot be built from source on this machine",
            observed="programs of the bundle are run to make it: containerd, istioctl",
            expected="a build on a machine of the engine's own architecture",
            command="wavetank bundle build --from registry",
            hint="`wavetank bundle load FILE` takes over one that was built elsewhere",
        )


def _check_disk(graph: Graph, path: Path) -> None:
    missing = graph.missing()
    if not missing:
        return
    to_build = any(artifact.name.startswith("programs-") for artifact in missing)
    needed = GIB_FOR_IMAGES + (GIB_TO_BUILD_GO if to_build else 0)
    free = shutil.disk_usage(path).free / GIB
    if free < needed:
        raise BundleError(
            "not enough free disk space to build the bundle",
            observed=f"{free:.1f} GiB free at {path}",
            expected=f"{needed} GiB",
            command=pasted("df", "-h", path),
            hint="`docker system prune` and `go clean -cache` free what can be made again",
        )
