"""What Knative's autoscaler sees and wants: concurrency over its two windows, panic, and the pods it wants for that.

Over the stable window it averages calmly; when the much shorter panic window alone asks for twice the pods there are,
it panics: it follows that one, and takes no pod away until a stable window has passed without. All figures are its own,
for a whole revision: requests at once, or a second, of all its pods together. Divided by the target for one pod they
are the pods it wants. Source: knative.dev/serving 0.50, pkg/autoscaler/scaling/autoscaler.go and metrics.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wavetank.durations import parse_duration
from wavetank.kube import Kube, Obj
from wavetank.observe.serverless.scrape import Sample, samples, scrape, untold

__all__ = ["NAMESPACE", "Figures", "Windows", "figures", "figures_of", "windows_of"]

NAMESPACE = "knative-serving"
_PORT = 9090
_SELECTORS = ("app=autoscaler", "app=activator")
_REVISION, _PLACE = "kn_revision_name", "k8s_namespace_name"
_PODS = {
    "kn_revision_pods_desired": "desired",
    "kn_revision_pods_requested": "requested",
    "kn_revision_pods_count": "ready",
    "kn_revision_pods_not_ready_count": "not_ready",
    "kn_revision_pods_pending_count": "pending",
    "kn_revision_pods_terminating_count": "terminating",
}
_METRICS = {
    f"kn_revision_{metric}_{figure}{suffix}": (metric, figure)
    for metric, suffix in (("concurrency", ""), ("rps", "_per_second"))
    for figure in ("stable", "panic", "target")
}
_PANIC, _EXCESS = "kn_revision_panic_mode", "kn_revision_capacity_excess"
_QUEUED = "kn_revision_request_queued"
_NAMES = frozenset({*_PODS, *_METRICS, _PANIC, _EXCESS, _QUEUED})

_SETTINGS = {
    "window": ("autoscaling.knative.dev/window", "stable-window", "60s"),
    "share": ("autoscaling.knative.dev/panic-window-percentage", "panic-window-percentage", "10.0"),
    "threshold": ("autoscaling.knative.dev/panic-threshold-percentage", "panic-threshold-percentage", "200.0"),
}
"""Where each setting is said: for a revision, for all of them, and what holds where nobody says it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the autoscaler has said of one revision; None is what it has not said (yet).

    ``desired`` is what it has computed, ``requested`` what it has asked Kubernetes for; then the pods there are.
    ``metric`` is "concurrency" (requests at once) or "rps" (a second): its averages over the ``stable`` and the
    ``panic`` window for the whole revision, and the ``target`` for one pod. ``excess`` is how many more requests at
    once the pods could take; below 0 the activator stays in front of them. ``queued`` requests wait in the activator.
    """

    pods: Mapping[str, int] = field(default_factory=dict)
    metric: str = "concurrency"
    stable: float | None = None
    panic: float | None = None
    target: float | None = None
    panicking: bool = False
    excess: float | None = None
    queued: int = 0

    @property
    def desired(self) -> int | None:
        """How many pods the autoscaler has computed."""
        return self.pods.get("desired")

    def __str__(self) -> str:
        if self.stable is None or self.panic is None or self.target is None:
            return "the autoscaler has not measured anything yet"
        unit = "requests at once" if self.metric == "concurrency" else "requests a second"
        mode = "in panic" if self.panicking else "calm"
        waiting = f"; {self.queued} requests wait in the activator" if self.queued else ""
        return (
            f"{self.stable:.1f} {unit} over the stable window, {self.panic:.1f} over the panic window, "
            f"target {self.target:.1f} a pod, {mode}{waiting}"
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """How long the two windows are, in seconds, and at how many times the pods there are panic begins."""

    stable: float
    panic: float
    threshold: float

    def __str__(self) -> str:
        return f"stable window {self.stable:g} s, panic window {self.panic:g} s, panic from {self.threshold:g} times on"


def figures(kube: Kube, namespace: str) -> dict[str, Figures]:
    """Return what the autoscaler says of each revision in ``namespace``, by name.

    Raises `NotSupportedError` when it tells no metrics.
    """
    autoscalers, activators = (scrape(kube, NAMESPACE, selector, _PORT) for selector in _SELECTORS)
    if not autoscalers:
        raise untold(kube, NAMESPACE, "Knative's autoscaler")
    return figures_of("\n".join(scraped.text for scraped in (*autoscalers, *activators)), namespace)


def figures_of(text: str, namespace: str) -> dict[str, Figures]:
    """Read what the autoscaler and the activators have said."""
    found: dict[str, dict[str, Any]] = {}
    for sample in samples(text, _NAMES):
        if sample.labels.get(_PLACE) == namespace and (revision := sample.labels.get(_REVISION)):
            _enter(found.setdefault(revision, {"pods": {}}), sample)
    return {revision: Figures(**told) for revision, told in sorted(found.items())}


def windows_of(autoscaler: Obj | None, config: Mapping[str, str]) -> Windows:
    """Return a revision's windows; ``config`` is the data of the ConfigMap config-autoscaler."""
    annotations = ((autoscaler or {}).get("metadata") or {}).get("annotations") or {}
    said = {
        name: annotations.get(own) or config.get(common) or default
        for name, (own, common, default) in _SETTINGS.items()
    }
    stable = parse_duration(said["window"], "window")
    return Windows(stable, stable * float(said["share"]) / 100, float(said["threshold"]) / 100)


def _enter(told: dict[str, Any], sample: Sample) -> None:
    """Put one value where it belongs."""
    if pods := _PODS.get(sample.name):
        told["pods"][pods] = int(sample.value)
    elif sample.name in _METRICS:
        told["metric"], figure = _METRICS[sample.name]
        told[figure] = sample.value
    elif sample.name == _PANIC:
        told["panicking"] = sample.value > 0
    elif sample.name == _EXCESS:
        told["excess"] = sample.value
    else:  # each activator counts its own
        told["queued"] = told.get("queued", 0) + int(sample.value)
