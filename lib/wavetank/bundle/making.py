"""Making a bundle, from whichever source: a plan, its steps, and what came of them put together."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path

from wavetank.bundle.bundle import Bundle
from wavetank.bundle.cache import Cache, fingerprint
from wavetank.bundle.graph import Graph
from wavetank.bundle.index import Source
from wavetank.bundle.registry import plan_registry
from wavetank.bundle.source import plan_source
from wavetank.bundle.store import Content, bundles_path, drop_superseded, fill, keep, make_current, workplace
from wavetank.bundle.versions import load_versions
from wavetank.errors import BundleError
from wavetank.steps import Report, Step, print_report, run_steps

__all__ = ["build"]


def build(source: Source = "source", report: Report = print_report) -> Bundle:
    """Make a bundle, the current one from now on, repeating no step that an earlier build has finished.

    Raises `StepError` with the last words of a step that failed (the next build continues there), `InputError` for a
    mistake in clusters/versions.yaml or a recipe, `BundleError` when it cannot even begin.
    """
    project = _project()
    versions = load_versions(project / "clusters" / "versions.yaml")
    cache = Cache(user_cache_path("wavetank") / "build")
    made: list[Bundle] = []
    with cache.locked():
        graph = Graph(cache)
        if source == "source":
            content = plan_source(project, versions, graph, cache, report)
        else:
            content = plan_registry(project, versions, graph)

        def finish() -> str:
            made.append(_bundle(source, versions.components["wavetank"].version, content, graph))
            return made[0].name

        steps = graph.steps()
        run_steps([*steps, Step("bundle", finish, tuple(step.name for step in steps))], report)
        cache.drop_superseded(graph.artifacts)
    return made[0]


def _bundle(source: Source, version: str, content: Content, graph: Graph) -> Bundle:
    listed = [(kind, name) for kind, name, _ in content.files]
    key = fingerprint(graph.whole_key(), content.node_image, content.refs, listed)
    name = f"{source}-{version}-{content.architecture}-{key[:8]}"
    # A cluster that is just coming up may still read from the bundle that was current until now.
    before = (bundles_path() / "current").resolve()
    if not (bundles_path() / name).is_dir():
        with workplace() as folder:
            fill(folder / name, content, [graph.image(ref) for ref in content.refs], version=version, source=source)
            keep(folder / name)
    bundle = make_current(name)
    drop_superseded(f"{source}-", keep=(before, bundle.path))
    return bundle


def _project() -> Path:
    """Return the folder of the project's checkout, which has the recipes."""
    project = Path(__file__).parents[3]
    if not (project / "clusters" / "versions.yaml").is_file():
        raise BundleError(
            "bundles are built from a checkout of the project",
            observed=f"no clusters/versions.yaml in {project}",
            hint="clone the project and run `make setup`, or `wavetank bundle load FILE`",
        )
    return project
