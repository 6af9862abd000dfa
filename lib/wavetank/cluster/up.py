"""Bringing a cluster up and taking it down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wavetank.bundle.stages import Stage, up_to
from wavetank.cluster import commands
from wavetank.cluster.addons import ADDONS, addon_steps, steps_of
from wavetank.cluster.provider import Provider, provider_for
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import Folder, only_one
from wavetank.steps import Report, Step, StepEvent, print_report, run_steps

if TYPE_CHECKING:
    from wavetank.bundle import Bundle
    from wavetank.bundle.estimate import Estimate
    from wavetank.bundle.making import Use

__all__ = ["down", "obtain_bundle", "up"]

AT_ONCE = 8
"""How many steps may be under way: most of them wait for the cluster, so more than there are cores."""

APPLICATION = "wavetank.dev/tidewater/"
"""Images of the labs' application: its pods run on any node."""


def up(
    spec: ClusterSpec,
    bundle: Bundle | None = None,
    *,
    report: Report = print_report,
    ready: Callable[[Stage], None] = lambda stage: None,
    provider: Provider | None = None,
) -> None:
    """Bring the cluster up with its addons; what is there already is left as it is.

    Without a ``bundle`` the current one is opened, or the first one made. Of one that is not whole yet, what it holds
    is brought up: before there is Kubernetes in it, what images are built on and pushed to. Interrupted anywhere, the
    next call continues. Raises `StepError` naming the step that failed, `BundleError` for a bundle that cannot be used
    or made, `EngineError` without an engine. ``ready`` is told of each stage whose addons are all up.
    """
    provider = provider or provider_for(spec)
    bundle = bundle or obtain_bundle(report)
    with only_one(f"bringing up {spec.name!r}"):
        began = time.monotonic()
        claimed = [spec]
        first = run_steps([Step("name and ports", lambda: _claim(claimed, bundle, provider))], report)
        spec = claimed[0]
        steps = _steps(spec, bundle, provider)
        waiting = _steps_by_stage(spec, bundle, provider, steps)

        def told(event: StepEvent) -> None:
            report(event)
            if event.state == "done":
                for stage, names in waiting.items():
                    names.discard(event.step)
                    if not names and stage not in reached:
                        reached.append(stage)
                        ready(stage)

        reached: list[Stage] = []
        events = run_steps(steps, told, workers=AT_ONCE, on_interrupt=commands.end_all)
        if any(event.step == "nodes" and not event.note for event in events):  # made now, not there already
            _keep_times(spec, [*first, *events], time.monotonic() - began)


def down(
    spec: ClusterSpec,
    *,
    keep_images: bool = False,
    report: Report = print_report,
    provider: Provider | None = None,
) -> None:
    """Remove the cluster with all its containers, volumes, its network and its files; a missing one is fine.

    What another owner has on the same engine stays, whatever it is called.

    What was built and pushed in a lab goes too, unless ``keep_images``.
    """
    provider = provider or provider_for(spec)
    with only_one(f"taking down {spec.name!r}"):
        run_steps([Step(f"remove {spec.name}", lambda: provider.delete(spec.name, keep_images=keep_images))], report)


def _claim(claimed: list[ClusterSpec], bundle: Bundle, provider: Provider) -> str:
    claimed[0], note = provider.claim(claimed[0], bundle)
    return note


def _keep_times(spec: ClusterSpec, events: list[StepEvent], seconds: float) -> None:
    steps = [{"step": event.step, "seconds": round(event.seconds, 1), "note": event.note} for event in events]
    Folder(spec.name).times.write_text(json.dumps({"seconds": round(seconds, 1), "steps": steps}), encoding="utf-8")


def _steps(spec: ClusterSpec, bundle: Bundle, provider: Provider) -> list[Step]:
    if "kubernetes" not in bundle.stages:
        return list(provider.beside_steps(spec, bundle))
    there = [name for name in spec.addons if name not in ADDONS or ADDONS[name].stage in bundle.stages]
    spec = replace(spec, addons=tuple(there))
    return [
        *provider.create_steps(spec, bundle),
        Step("application images", lambda: _load_application(spec, bundle, provider), ("node runtimes",)),
        *addon_steps(spec, bundle, provider),
    ]


def _steps_by_stage(
    spec: ClusterSpec, bundle: Bundle, provider: Provider, steps: Sequence[Step]
) -> dict[Stage, set[str]]:
    """Return which of ``steps`` have to be done for each stage of the bundle: all but the later stages' addons."""
    waiting: dict[Stage, set[str]] = {"containers": {step.name for step in provider.beside_steps(spec, bundle)}}
    for stage in bundle.stages[1:]:
        later = [name for name in spec.addons if name in ADDONS and ADDONS[name].stage not in up_to(stage)]
        left_out = {each for name in later for each in steps_of(name)}
        waiting[stage] = {step.name for step in steps} - left_out
    return waiting


def obtain_bundle(
    report: Report = print_report,
    *,
    use: Use = lambda bundle: None,
    foretold: Callable[[Estimate], None] = lambda estimate: None,
) -> Bundle:
    """Return the current bundle, made whole first where it is not; without one, make one.

    It comes from the registries where they answer, else it is built here. ``use`` is told of each stage more,
    ``foretold`` how long a build here will take. Raises `BundleError` and `StepError` as `wavetank.bundle.build` does.
    """
    from wavetank.bundle import STAGES, build, bundles, open_bundle, registries_answer

    found = open_bundle() if bundles() else None
    if found is None:
        return build("registry" if registries_answer() else "source", report, use=use, foretold=foretold)
    if found.stages != STAGES:
        return build(found.index.source, report, use=use, foretold=foretold)
    use(found)
    return found


def _load_application(spec: ClusterSpec, bundle: Bundle, provider: Provider) -> str:
    refs = [image.ref for image in bundle.images if image.ref.startswith(APPLICATION)]
    return provider.load_images(spec.name, bundle, refs, spec.worker_names)
