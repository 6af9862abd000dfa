"""What a lab may need on top of a bare cluster, brought up on demand and side by side.

An addon is a few manifests, the Deployments that have to come up, and, where a running pod is not proof enough, a last
check. Manifests are the project's own (`clusters/manifests`) or, where others wrote them, the bundle's with what is
ours of them (`clusters/overlays`). Its images go only to the control plane: an addon's pods stand there, where no
lesson takes their node away. What it puts into other pods is the exception: that goes to every node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetank.bundle.stages import Stage
from wavetank.cluster.answers import Check, creatable, gateway_answers, nodes_are_measured
from wavetank.cluster.overlay import overlaid
from wavetank.cluster.provider import Provider
from wavetank.cluster.spec import ClusterSpec
from wavetank.cluster.state import kubeconfig_path
from wavetank.errors import InputError
from wavetank.kube import Kube, Obj
from wavetank.kube.manifest import parse
from wavetank.steps import Step

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = [
    "ADDONS",
    "IMAGES",
    "Addon",
    "addon_steps",
    "images_in",
    "objects_of",
    "steps_of",
    "with_digests",
    "with_registry",
]

IMAGES = "wavetank.dev/image-digests"
OWN_MANIFESTS = Path(__file__).parents[3] / "clusters" / "manifests"
OVERLAYS = Path(__file__).parents[3] / "clusters" / "overlays"
ROLLOUT_SECONDS = 120
SKIPPED = "registries-skipping-tag-resolving"
"""The setting of Knative's that lists the registries it asks for no digests; the overlay has it."""

PROBE = {"name": "wavetank-probe", "namespace": "default"}
KNATIVE_SERVICE: Obj = {
    "apiVersion": "serving.knative.dev/v1",
    "kind": "Service",
    "metadata": PROBE,
    "spec": {"template": {"spec": {"containers": [{"image": "wavetank.dev/probe:v1"}]}}},
}
BROKER: Obj = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": PROBE, "spec": {}}


@dataclass(frozen=True, slots=True)
class Addon:
    """``manifests`` are names, in the order they are applied; ``injects`` the repository of an image for other pods.

    ``first`` is the Deployment without which the others cannot start: they are applied once it is up. ``needs`` names
    another addon that has to be up before the manifests in ``last`` are applied; ``stage`` what a bundle has to hold.
    """

    manifests: tuple[str, ...]
    namespace: str
    deployments: tuple[str, ...]
    check: Check | None = None
    injects: str = ""
    first: str = ""
    needs: str = ""
    last: tuple[str, ...] = ()
    stage: Stage = "kubernetes"


Read = Callable[[], tuple[list[Obj], list[Obj]]]
"""Gives an addon's objects: those that can be applied at once, and those that wait."""

ADDONS: Mapping[str, Addon] = {
    "metrics-server": Addon(("metrics-server",), "kube-system", ("metrics-server",), nodes_are_measured),
    "istio": Addon(
        ("istio-system", "istio"),
        "istio-system",
        ("istiod", "istio-ingressgateway"),
        gateway_answers,
        injects="docker.io/istio/proxyv2",
        first="istiod",  # from which gateways have what they mount
        stage="mesh",
    ),
    "knative": Addon(
        ("knative-serving", "knative-gateways", "netlayer"),
        "knative-serving",
        ("activator", "autoscaler", "controller", "webhook", "netlayer"),
        creatable(KNATIVE_SERVICE, webhook="knative-serving/webhook"),
        injects="gcr.io/knative-releases/knative.dev/serving/cmd/queue",
        needs="istio",  # which knows the kinds of its gateways
        last=("knative-gateways", "netlayer"),
        stage="functions",
    ),
    "eventing": Addon(
        ("knative-eventing",),
        "knative-eventing",
        (
            "eventing-controller",
            "eventing-webhook",
            "imc-controller",
            "imc-dispatcher",
            "mt-broker-controller",
            "mt-broker-filter",
            "mt-broker-ingress",
        ),
        creatable(BROKER, webhook="knative-eventing/eventing-webhook"),
        stage="functions",
    ),
    "operator": Addon(("crd-load", "crd-fault", "operator"), "wavetank-system", ("wavetank-operator",)),
    "ingress": Addon(("contour-crds", "contour"), "projectcontour", ("contour",)),
    "traces": Addon(("traces",), "wavetank-system", ("wavetank-traces",), stage="mesh"),
}
"""Addons made of Kubernetes objects, what takes longest first. The registry, a container, is its provider's."""


def addon_steps(spec: ClusterSpec, bundle: Bundle, provider: Provider) -> list[Step]:
    """Return the steps that bring up what ``spec.addons`` names, once the provider's own steps are done.

    Raises `InputError` when one of them needs another that is not among them.
    """
    for name in spec.addons:
        if (needs := name in ADDONS and ADDONS[name].needs) and needs not in spec.addons:
            raise InputError(
                f"the addon {name!r} needs the addon {needs!r}",
                where=spec.where("addons"),
                expected=f"addons: [{needs}, {name}]",
            )
    steps = []
    for name, addon in ADDONS.items():
        if name in spec.addons:
            images, objects, up = steps_of(name)
            read = cache(partial(objects_of, addon, bundle))  # by whichever step is first, once
            # The API server is no faster with several at once, and the first one's pods come up meanwhile.
            steps.append(Step(images, _load(addon, read, spec, bundle, provider), ("node runtimes",)))
            steps.append(Step(objects, _apply(read, spec, bundle), ("nodes ready", images), alone="objects"))
            steps.append(
                Step(up, _install(addon, read, spec, bundle), (objects, *([addon.needs] if addon.needs else [])))
            )
    return steps


def steps_of(name: str) -> tuple[str, str, str]:
    """Return the names of an addon's steps."""
    return f"{name} images", f"{name} objects", name


def _load(addon: Addon, read: Read, spec: ClusterSpec, bundle: Bundle, provider: Provider) -> Callable[[], str | None]:
    def load() -> str | None:
        refs = images_in(list(read()))
        injected = {image.ref for image in bundle.images if image.ref.rpartition(":")[0] == addon.injects}
        said = [provider.load_images(spec.name, bundle, sorted(refs | injected), [spec.control_plane])]
        if injected:
            said.append(provider.load_images(spec.name, bundle, sorted(injected), spec.worker_names))
        return said[0] if len(set(said)) == 1 else ""

    return load


def objects_of(addon: Addon, bundle: Bundle) -> tuple[list[Obj], list[Obj]]:
    """Return what can be applied at once, and what has to wait for ``first`` and ``needs``.

    Deployments come last, so that what their pods mount is there: one that misses something looks again ever more
    seldom.
    """
    at_once: list[Obj] = []
    later: list[Obj] = []
    for name in addon.manifests:
        for document in _manifest(name, bundle):
            waits = addon.first and _is_deployment(document) and document["metadata"]["name"] != addon.first
            (later if waits or name in addon.last else at_once).append(document)
    return sorted(at_once, key=_is_deployment), sorted(later, key=_is_deployment)


def _is_deployment(document: Obj) -> bool:
    return bool(document["kind"] == "Deployment")


def _apply(read: Read, spec: ClusterSpec, bundle: Bundle) -> Callable[[], None]:
    def apply() -> None:
        at_once, _ = read()
        Kube.connect(kubeconfig_path(spec.name)).apply(_told(at_once, spec, bundle))

    return apply


def _told(objects: Sequence[Obj], spec: ClusterSpec, bundle: Bundle) -> list[Obj]:
    return [with_registry(with_digests(each, bundle), spec.registry) for each in objects]


def _install(addon: Addon, read: Read, spec: ClusterSpec, bundle: Bundle) -> Callable[[], None]:
    def install() -> None:
        kube = Kube.connect(kubeconfig_path(spec.name))
        if addon.first:
            kube.rollout(addon.first, addon.namespace, timeout=ROLLOUT_SECONDS)
        _, later = read()
        kube.apply(_told(later, spec, bundle))
        for deployment in addon.deployments:
            kube.rollout(deployment, addon.namespace, timeout=ROLLOUT_SECONDS)
        if addon.check:
            addon.check(kube, spec)

    return install


def _manifest(name: str, bundle: Bundle) -> list[Obj]:
    own, changes = OWN_MANIFESTS / f"{name}.yaml", OVERLAYS / f"{name}.yaml"
    if own.is_file():
        return parse(own)
    documents = parse(bundle.manifest(name))
    return overlaid(documents, parse(changes), str(changes)) if changes.is_file() else documents


def with_digests(document: Obj, bundle: Bundle) -> Obj:
    """Return a Deployment that says which bytes its image names stand for: other bytes are another rollout."""
    if document["kind"] != "Deployment":
        return document
    digests = " ".join(bundle.image(ref).digest for ref in sorted(images_in(document)))
    template = document["spec"]["template"]
    metadata = template["metadata"]
    annotated = {**metadata, "annotations": {**metadata.get("annotations", {}), IMAGES: digests}}
    return {**document, "spec": {**document["spec"], "template": {**template, "metadata": annotated}}}


def with_registry(document: Obj, registry: str) -> Obj:
    """Return Knative's settings with the cluster's registry among those that it asks for no digests."""
    data = document.get("data") or {}
    if SKIPPED not in data or registry in data[SKIPPED].split(","):
        return document
    return {**document, "data": {**data, SKIPPED: f"{data[SKIPPED]},{registry}"}}


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
