"""What a lab may need on top of a bare cluster, brought up on demand and side by side.

An addon is a few manifests, the Deployment that has to come up, and, where a running pod is not proof enough, a last
check. Manifests are the project's own (`clusters/manifests`) or, where others wrote them, the bundle's. Its images go
only to the control plane: an addon's pods stand there, where no lesson takes their node away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from wavetank.cluster.provider import Provider
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import kubeconfig_path
from wavetank.cluster.steps import Step
from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube import Kube, Obj

if TYPE_CHECKING:
    from wavetank.cluster.bundle import Bundle

__all__ = ["ADDONS", "IMAGES", "Addon", "addon_steps", "images_in", "with_digests"]

IMAGES = "wavetank.dev/image-digests"
OWN_MANIFESTS = Path(__file__).parents[3] / "clusters" / "manifests"
ROLLOUT_SECONDS = 120
ANSWER_SECONDS = 60


def _nodes_are_measured(kube: Kube, spec: ClusterSpec) -> None:
    """Wait until ``kubectl top nodes`` knows every node: a metrics server is Ready one reading before that."""
    deadline = time.monotonic() + ANSWER_SECONDS
    seen = "nothing"
    while time.monotonic() < deadline:
        try:
            measured = {node["metadata"]["name"] for node in kube.list(("metrics.k8s.io/v1beta1", "NodeMetrics"))}
            if measured.issuperset(spec.node_names):
                return
            seen = f"only {', '.join(sorted(measured)) or 'no node'}"
        except KubeError as error:  # the aggregated API is not routed yet
            seen = error.summary
        time.sleep(0.5)  # measurements cannot be watched
    raise WaitTimeoutError(
        "the metrics server does not measure every node",
        observed=seen,
        expected=f"{', '.join(spec.node_names)} within {ANSWER_SECONDS} s",
        command="kubectl -n kube-system logs deployment/metrics-server",
    )


@dataclass(frozen=True, slots=True)
class Addon:
    """``manifests`` are names, in the order they are applied."""

    manifests: tuple[str, ...]
    namespace: str
    deployment: str
    check: Callable[[Kube, ClusterSpec], None] | None = None


ADDONS: Mapping[str, Addon] = {
    "metrics-server": Addon(("metrics-server",), "kube-system", "metrics-server", _nodes_are_measured),
    "ingress": Addon(("contour-crds", "contour"), "projectcontour", "contour"),
    "operator": Addon(("crd-load", "crd-fault", "operator"), "wavetank-system", "wavetank-operator"),
}
"""Addons made of Kubernetes objects. The registry is a container beside the nodes: its provider runs it."""


def addon_steps(spec: ClusterSpec, bundle: Bundle, provider: Provider) -> list[Step]:
    """Return the steps that bring up what ``spec.addons`` names, once the provider's own steps are done."""
    steps = []
    for name in spec.addons:
        if addon := ADDONS.get(name):
            steps.append(Step(f"{name} images", _load(addon, spec, bundle, provider), ("nodes",)))
            steps.append(Step(name, _install(addon, spec, bundle), ("nodes ready", f"{name} images")))
    return steps


def _load(addon: Addon, spec: ClusterSpec, bundle: Bundle, provider: Provider) -> Callable[[], str | None]:
    def load() -> str | None:
        refs = sorted(images_in(list(_documents(addon, bundle))))
        return provider.load_images(spec.name, bundle, refs, [spec.control_plane])

    return load


def _install(addon: Addon, spec: ClusterSpec, bundle: Bundle) -> Callable[[], None]:
    def install() -> None:
        kube = Kube.connect(kubeconfig_path(spec.name))
        kube.apply([with_digests(document, bundle) for document in _documents(addon, bundle)])
        kube.rollout(addon.deployment, addon.namespace, timeout=ROLLOUT_SECONDS)
        if addon.check:
            addon.check(kube, spec)

    return install


def _documents(addon: Addon, bundle: Bundle) -> Iterator[Obj]:
    for name in addon.manifests:
        own = OWN_MANIFESTS / f"{name}.yaml"
        path = own if own.is_file() else bundle.manifest(name)
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def with_digests(document: Obj, bundle: Bundle) -> Obj:
    """Return a Deployment that says which bytes its image names stand for: other bytes are another rollout."""
    if document["kind"] != "Deployment":
        return document
    digests = " ".join(bundle.image(ref).digest for ref in sorted(images_in(document)))
    template = document["spec"]["template"]
    metadata = template["metadata"]
    annotated = {**metadata, "annotations": {**metadata.get("annotations", {}), IMAGES: digests}}
    return {**document, "spec": {**document["spec"], "template": {**template, "metadata": annotated}}}


def images_in(part: Any) -> set[str]:
    """Return every container image that manifests name, in whatever kind of object."""
    if isinstance(part, list):
        return set().union(*map(images_in, part))
    if not isinstance(part, dict):
        return set()
    own = {
        container["image"]
        for key in ("containers", "initContainers")
        if isinstance(part.get(key), list)
        for container in part[key]
    }
    return own.union(*map(images_in, part.values()))
