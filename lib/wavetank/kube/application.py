"""Which of a pod's containers is the application, and at which port it serves, whatever else is in the pod.

A pod may have helpers beside its application, in any order, and each may have ports. Pure reading of a Pod, or of the
template of one, and of the Services of its namespace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from wavetank.kube.connection import Obj
from wavetank.kube.sidecar import SIDECAR

__all__ = ["DEFAULT_PORT", "application_container", "application_port", "candidates", "ports_of_service"]

DEFAULT_PORT = 8080
"""Where the application serves when nothing says where."""

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_INJECTED = "sidecar.istio.io/status"
_OURS = re.compile(r"(^|/)tidewater/")
"""Images of the labs' application, in whichever registry they are."""

Target = str | int
"""A Service's target port: the name of a container's port, or its number."""


def application_container(pod: Obj, services: Iterable[Obj] = ()) -> Obj:
    """Return the application's container of ``pod``, which may be a template; ``services`` are its namespace's.

    That is the one that the annotation for kubectl names; else the one that serves the target port of a Service that
    selects the pod; else the one whose image is the labs'; else the first. Where a rule fits several, the next decides.
    """
    return candidates(pod, services)[0]


def candidates(pod: Obj, services: Iterable[Obj] = ()) -> list[Obj]:
    """Return the containers of which each may be the application's by all that tells; one, where something tells."""
    targets = _targets(pod, services)
    named = _named(pod)
    rules: Sequence[Callable[[Obj], bool]] = (
        lambda container: container.get("name") != SIDECAR,
        lambda container: container.get("name") == named,
        lambda container: any(_is_at(port, target) for port in _ports(container) for target in targets),
        lambda container: bool(_OURS.search(container.get("image") or "")),
    )
    containers: list[Obj] = pod["spec"]["containers"]
    for fits in rules:
        containers = [container for container in containers if fits(container)] or containers
    return containers


def application_port(pod: Obj, services: Iterable[Obj] = ()) -> int:
    """Return the port at which the application's container of ``pod`` serves HTTP.

    That is the target port of a Service that selects the pod; else the one that is called http; else the first. A
    container need not declare its ports: then it is the number that a Service has.
    """
    targets, declared = _targets(pod, services), _ports(application_container(pod, services))
    meant = [port for target in targets for port in declared if _is_at(port, target)]
    meant += [port for port in declared if _is_http(port) or port["containerPort"] == DEFAULT_PORT]
    numbers = [port["containerPort"] for port in meant]
    numbers += [target for target in targets if isinstance(target, int)]
    numbers += [port["containerPort"] for port in declared]
    return int(numbers[0]) if numbers else DEFAULT_PORT


def ports_of_service(service: Obj) -> list[Obj]:
    """Return the ports of a Service, the one that the application is asked at first: for HTTP, or 80, or as written."""
    ports: list[Obj] = service["spec"].get("ports") or []
    return sorted(ports, key=lambda port: (not _is_http(port), port.get("port") != 80))


def _named(pod: Obj) -> str:
    """Return the container that a person has named.

    Istio, when it puts its proxy in, names the first one, whichever that is; this tells nothing.
    """
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    named = str(annotations.get(_DEFAULT_CONTAINER, ""))
    first = next((name for one in pod["spec"]["containers"] if (name := one.get("name")) != SIDECAR), "")
    return "" if _INJECTED in annotations and named == first else named


def _targets(pod: Obj, services: Iterable[Obj]) -> list[Target]:
    """Return where the Services that select ``pod`` send requests to."""
    labels = (pod.get("metadata") or {}).get("labels") or {}
    selecting = (service for service in services if _selects(service, labels))
    ports = [port for service in selecting for port in ports_of_service(service)]
    return [port.get("targetPort") or port["port"] for port in ports]


def _selects(service: Obj, labels: Obj) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def _ports(container: Obj) -> list[Obj]:
    return container.get("ports") or []


def _is_at(port: Obj, target: Target) -> bool:
    return target in (port.get("name"), port["containerPort"])


def _is_http(port: Obj) -> bool:
    return (port.get("appProtocol") or port.get("name") or "").partition("-")[0] == "http"
