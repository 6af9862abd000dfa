"""Every kind of fault there is: one table, from which the resource's schema, the forms and the help are made.

A kind that is not in this table does not exist; a parameter's bounds are written here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["API_KINDS", "CATALOGUE", "TARGETS", "Kind", "Parameter", "TargetKind"]

TargetKind = Literal["selector", "deployment", "service", "node"]

TARGETS: Mapping[TargetKind, str] = {
    "selector": "the pods with these labels",
    "deployment": "a Deployment, or the pods it selects",
    "service": "a Service, or the pods it selects",
    "node": "a worker node",
}
"""What a fault can be aimed at, in words."""

API_KINDS: Mapping[TargetKind, str] = {"deployment": "Deployment", "service": "Service", "node": "Node"}
"""What Kubernetes calls what a fault can be aimed at by its name."""

_PODS: tuple[TargetKind, ...] = ("selector", "deployment", "service")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number a kind of fault takes, in ``unit``, from ``least`` to ``most``; ``whole`` numbers only, or any."""

    name: str
    unit: str
    default: float
    least: float
    most: float
    words: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: what it ``does``, what a learner should ``watch``, what ``reverts`` it, and what it fits.

    A kind that acts ``once`` is over as soon as it has acted; its duration is the time in which it must happen.
    """

    name: str
    does: str
    watch: str
    reverts: str
    targets: tuple[TargetKind, ...]
    parameters: tuple[Parameter, ...] = ()
    once: bool = False

    @property
    def defaults(self) -> dict[str, float]:
        """The parameters' values when none are given."""
        return {parameter.name: parameter.default for parameter in self.parameters}


_MOST_PODS = 20
_ONE_POD = Parameter("pods", "pods", 1, 1, _MOST_PODS, "how many of the matching pods, taken at random")
_ALL_PODS = Parameter("pods", "pods", _MOST_PODS, 1, _MOST_PODS, "in how many of the matching pods at most")
_PERCENT = Parameter("percent", "%", 100, 0.1, 100, "the share of the requests, taken at random", whole=False)

_KINDS = (
    Kind(
        "pod-kill",
        does="deletes pods, as a crash or a careless hand would",
        watch="requests that fail before the Service forgets the pod, and how long until its replacement is ready",
        reverts="nothing to put back: the Deployment makes new pods",
        targets=_PODS,
        parameters=(
            _ONE_POD,
            Parameter("graceSeconds", "s", 0, 0, 60, "the time a pod gets to finish; 0 is none"),
        ),
        once=True,
    ),
    Kind(
        "container-crash",
        does="makes the process in a pod's container exit with an error",
        watch="the pod stays and its restart count goes up; restarts in a row wait longer and longer",
        reverts="nothing to put back: the node starts the container again",
        targets=_PODS,
        parameters=(_ONE_POD,),
        once=True,
    ),
    Kind(
        "cpu-burn",
        does="keeps processor cores busy beside the application, in the matching pods",
        watch="latency under load, kubectl top pods, and the autoscaler",
        reverts="the application stops burning",
        targets=_PODS,
        parameters=(Parameter("threads", "cores", 1, 1, 8, "how many cores to keep busy in each pod"), _ALL_PODS),
    ),
    Kind(
        "memory-leak",
        does="takes memory little by little and keeps it, in the matching pods",
        watch="memory up to the container's limit, then OOMKilled and a restart",
        reverts="the application gives the memory back",
        targets=_PODS,
        parameters=(
            Parameter("mibPerSecond", "MiB/s", 8, 1, 256, "how fast each pod leaks"),
            Parameter("limitMib", "MiB", 256, 1, 4096, "how much each pod leaks at most"),
            _ALL_PODS,
        ),
    ),
    Kind(
        "latency",
        does="delays every answer, in the matching pods",
        watch="percentiles here and in every service that waits for this one",
        reverts="the application answers at once again",
        targets=_PODS,
        parameters=(
            Parameter("ms", "ms", 400, 1, 30_000, "the delay of each answer"),
            Parameter("jitterMs", "ms", 0, 0, 30_000, "how far a delay may be above or below it"),
            _ALL_PODS,
        ),
    ),
    Kind(
        "errors",
        does="answers a share of the requests with an error, in the matching pods",
        watch="the error share here, and what callers make of it",
        reverts="the application answers properly again",
        targets=_PODS,
        parameters=(
            Parameter(
                "share", "of 1", 0.5, 0.01, 1, "the share of requests that fail; 0.5 is half of them", whole=False
            ),
            Parameter("status", "HTTP status", 503, 500, 599, "the status they fail with"),
            _ALL_PODS,
        ),
    ),
    Kind(
        "unready",
        does="fails the readiness probe of the matching pods, while they go on working",
        watch="the Service's endpoints go, the pods are not restarted; with all of them unready nobody answers",
        reverts="the application says that it is ready again",
        targets=_PODS,
        parameters=(_ALL_PODS,),
    ),
    Kind(
        "bad-image",
        does="points a Deployment's application at an image tag that does not exist",
        watch="ImagePullBackOff in the new pods while the old ones go on serving",
        reverts="the image is put back, unless somebody has changed it since",
        targets=("deployment",),
    ),
    Kind(
        "config-missing",
        does="makes a Deployment's application read a ConfigMap that does not exist",
        watch="CreateContainerConfigError in the new pods while the old ones go on serving",
        reverts="the reference is taken out, unless somebody has changed it since",
        targets=("deployment",),
    ),
    Kind(
        "selector-mismatch",
        does="changes a label in a Service's selector, so that it finds no pods",
        watch="healthy pods, a Service without endpoints, and requests that are refused",
        reverts="the selector is put back, unless somebody has changed it since",
        targets=("service",),
    ),
    Kind(
        "wrong-port",
        does="points a Service's port for HTTP at a port of the pods on which nothing listens",
        watch="healthy pods, endpoints that are all there, and connections that are refused",
        reverts="the port is put back, unless somebody has changed it since",
        targets=("service",),
        parameters=(Parameter("port", "port", 9999, 1, 65535, "the pods' port to point at"),),
    ),
    Kind(
        "node-stop",
        does="stops a worker node as a power cut would",
        watch="NotReady after a while, endpoints that shrink, pods made anew elsewhere, and requests lost until then",
        reverts="the node is powered on again",
        targets=("node",),
    ),
    Kind(
        "mesh-delay",
        does="delays requests to a Service before they are sent, in the sidecars of its callers",
        watch="callers with a sidecar wait, while the Service itself is as quick as ever; those without one notice"
        " nothing; timeouts and retries of these routes do not apply meanwhile",
        reverts="the delay comes out of the routes that still have it, or the VirtualService made for it goes",
        targets=("service",),
        parameters=(Parameter("ms", "ms", 2000, 1, 60_000, "the delay of each request"), _PERCENT),
    ),
    Kind(
        "mesh-abort",
        does="answers requests to a Service with an error instead of sending them, in the sidecars of its callers",
        watch="callers with a sidecar get errors of which the Service itself knows nothing; those without one notice"
        " nothing; timeouts and retries of these routes do not apply meanwhile",
        reverts="the error comes out of the routes that still have it, or the VirtualService made for it goes",
        targets=("service",),
        parameters=(Parameter("status", "HTTP status", 503, 200, 599, "the status of the answers"), _PERCENT),
    ),
)

CATALOGUE: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
"""Every kind of fault by its name, in the order in which a learner meets them."""
