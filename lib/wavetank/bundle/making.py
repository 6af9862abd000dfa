"""Making a bundle, from whichever source: a plan, its steps, and what came of them put together."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from platformdirs import user_cache_path

from wavetank.bundle.bundle import Bundle
from wavetank.bundle.cache import Cache, fingerprint
from wavetank.bundle.estimate import Estimate
from wavetank.bundle.graph import Graph
from wavetank.bundle.index import Index, Source, read_index
from wavetank.bundle.pinning import Pinned, write_pins
from wavetank.bundle.plan import Plan
from wavetank.bundle.registry import Network, plan_registry
from wavetank.bundle.resolving import unpinned
from wavetank.bundle.source import foretell, plan_source
from wavetank.bundle.stages import STAGES, Stage, up_to
from wavetank.bundle.store import bundles_path, drop_superseded, grow, make_current, open_bundle
from wavetank.bundle.versions import load_versions
from wavetank.errors import BundleError
from wavetank.steps import Report, Step, print_report, run_steps

__all__ = ["Use", "build", "pin"]


Use = Callable[[Bundle], None]
"""Told of the bundle whenever it holds one stage more; the build goes on when it returns."""


def build(
    source: Source = "source",
    report: Report = print_report,
    *,
    use: Use = lambda bundle: None,
    foretold: Callable[[Estimate], None] = lambda estimate: None,
    strict: bool = False,
    accept: Collection[str] = (),
) -> Bundle:
    """Make a bundle, the current one from now on, repeating no step that an earlier build has finished.

    It grows by stages, what is needed first first; ``use`` is told of each. A whole bundle stays the current one until
    the new one is whole. Of a build from source ``foretold`` is told beforehand how long it will take, on this machine.
    ``strict`` and ``accept`` are for the registry source (see `plan_registry`).

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
            plan = plan_source(project, versions, graph, cache, report)
            foretold(foretell(project, graph, plan, cache, report))
        else:
            plan = plan_registry(project, versions, graph, cache, report, strict=strict, accept=accept)
        version = versions.components["wavetank"].version
        name = f"{source}-{version}-{plan.architecture}-{fingerprint(graph.whole_key(), repr(plan))[:8]}"

        def hold(stage: Stage) -> str:
            about = Index(version, plan.architecture, source, plan.node_image, (), (), up_to(stage), plan.resolved)
            part = plan.part(stage, graph)
            made.append(_current(grow(name, part, [graph.image(ref) for ref in part.refs], about)))
            use(made[-1])
            return name

        run_steps(_staged(plan, graph, hold), report)
        cache.drop_superseded(graph.artifacts)
    return made[-1]


def pin(report: Report = print_report, accept: Collection[str] = ()) -> list[Pinned]:
    """Look up all that clusters/versions.yaml does not pin, for every platform, and write the digests into it.

    Returns the lines that were changed. Raises as `build` does.
    """
    versions = load_versions(_project() / "clusters" / "versions.yaml")
    cache = Cache(user_cache_path("wavetank") / "build")
    with cache.locked():
        resolved = Network.beside(cache).resolver().resolve(unpinned(versions), report, accept)
    return write_pins(versions, resolved)


def _staged(plan: Plan, graph: Graph, hold: Callable[[Stage], str]) -> list[Step]:
    """Return the steps of all stages, each ended by the one that has the bundle ``hold`` it."""
    steps: list[Step] = []
    planned: set[str] = set()
    before: tuple[str, ...] = ()
    for stage in STAGES:
        wanted = graph.with_needs(plan.artifacts(stage))
        own = graph.steps(wanted - planned)
        planned |= wanted
        held = Step(f"bundle: {stage}", partial(hold, stage), (*before, *(step.name for step in own)))
        steps += [*own, held]
        before = (held.name,)
    return steps


def _current(folder: Path) -> Bundle:
    """Return the bundle in ``folder``, made the current one unless that is a whole one and this one is not yet.

    A cluster that is just coming up may still read from the one that was current until now: it stays.
    """
    bundle = open_bundle(folder)
    current = (bundles_path() / "current").resolve()
    whole = bundle.stages == STAGES
    if whole or not current.is_dir() or read_index(current).stages != STAGES:
        bundle = make_current(folder.name)
    if whole:
        drop_superseded(f"{bundle.index.source}-", keep=(current, bundle.path))
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
