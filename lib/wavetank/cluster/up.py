"""Bringing a cluster up and taking it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavetank.cluster import commands
from wavetank.cluster.addons import addon_steps
from wavetank.cluster.provider import Provider, provider_for
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import only_one
from wavetank.cluster.steps import Report, Step, print_report, run_steps

if TYPE_CHECKING:
    from wavetank.cluster.bundle import Bundle

__all__ = ["down", "up"]

AT_ONCE = 8
"""How many steps may be under way: most of them wait for the cluster, so more than there are cores."""

APPLICATION = "wavetank.dev/tidewater/"
"""Images of the labs' application: its pods run on any node."""


def up(
    spec: ClusterSpec, bundle: Bundle | None = None, *, report: Report = print_report, provider: Provider | None = None
) -> None:
    """Bring the cluster up with its addons; what is there already is left as it is.

    Without a ``bundle`` the newest one is opened. Interrupted anywhere, the next call continues. Raises `StepError`
    naming the step that failed, `InputError` for a spec the bundle cannot serve, `EngineError` without an engine.
    """
    if bundle is None:
        from wavetank.cluster.bundle import open_bundle

        bundle = open_bundle(None)
    provider = provider or provider_for(spec)
    with only_one(f"bringing up {spec.name!r}"):
        steps = [
            *provider.create_steps(spec, bundle),
            Step("application images", lambda: _load_application(spec, bundle, provider), ("nodes",)),
            *addon_steps(spec, bundle, provider),
        ]
        run_steps(steps, report, workers=AT_ONCE, on_interrupt=commands.end_all)


def down(spec: ClusterSpec, *, report: Report = print_report, provider: Provider | None = None) -> None:
    """Remove the cluster with all its containers, volumes, its network and its files; a missing one is fine."""
    provider = provider or provider_for(spec)
    with only_one(f"taking down {spec.name!r}"):
        run_steps([Step(f"remove {spec.name}", lambda: provider.delete(spec.name))], report)


def _load_application(spec: ClusterSpec, bundle: Bundle, provider: Provider) -> str:
    refs = [image.ref for image in bundle.images if image.ref.startswith(APPLICATION)]
    return provider.load_images(spec.name, bundle, refs, spec.worker_names)
