"""What the mesh has in place for a Service: where a fault would go, why it cannot, and who will not notice it."""

from __future__ import annotations

from contextlib import suppress

from wavetank.errors import InputError, NotFoundError
from wavetank.faults.mesh import PARTS, Injection
from wavetank.faults.remembered import remembered_injection
from wavetank.faults.resource import Fault
from wavetank.faults.virtualservice import (
    VIRTUAL_SERVICE,
    governing,
    in_words,
    only_for_gateways,
    speaks_http,
    virtual_service,
)
from wavetank.kube import Kube, Obj
from wavetank.kube.bringing import bring
from wavetank.kube.sidecar import has_sidecar
from wavetank.waves import is_over

__all__ = ["in_force", "injection", "injection_warnings"]


def injection(kube: Kube, fault: Fault, service: Obj, uid: str) -> Injection:
    """Return what ``fault`` (the resource ``uid``) would change. Raises `InputError` when it cannot.

    That is the VirtualService by which sidecars go for the Service; where there is none, one that another fault has
    made for it, or else one to be made.
    """
    _refuse_other_protocols(service)
    namespace = service["metadata"]["namespace"]
    everywhere = _in_place(kube)
    there = [one for one in everywhere if one["metadata"]["namespace"] == namespace]
    found = governing(everywhere, fault.target.name, namespace)
    _refuse_other_namespaces(found, fault.target.name, namespace)
    if made := _made_by_another(kube, fault, namespace, uid):
        joined = next((one for one in there if one["metadata"]["name"] == made), None)
        return Injection.plan(joined or virtual_service(made, namespace, fault.target.name), fault, made=True)
    if found:
        return Injection.plan(found[0], fault)
    name = f"wavetank-{fault.name}"
    if name in {one["metadata"]["name"] for one in there}:
        raise InputError(
            f"the fault cannot make its VirtualService {name}",
            observed=f"there is one of this name in {namespace} already, for other hosts",
            expected="another name for the fault",
        )
    return Injection.plan(virtual_service(name, namespace, fault.target.name), fault, made=True)


def injection_warnings(kube: Kube, fault: Fault, namespace: str) -> list[str]:
    """Return what would keep a learner from seeing ``fault``."""
    warnings = []
    if not any(has_sidecar(pod) for pod in kube.list("Pod", namespace)):
        warnings.append(
            f"no pod in the namespace {namespace} has a sidecar, so nobody in it will notice: "
            f"kubectl label namespace {namespace} istio-injection=enabled, and restart the callers"
        )
    for one in kube.list(VIRTUAL_SERVICE, namespace):
        if only_for_gateways(one, fault.target.name):
            name = one["metadata"]["name"]
            warnings.append(f"the VirtualService {name} is bound to gateways only: what comes through them is not hit")
    names = in_force(kube, fault.target.name, namespace)
    if others := ", ".join(names[1:]):
        warnings.append(f"sidecars go by the VirtualService {names[0]} for {fault.target.name}, and not by {others}")
    return warnings


def in_force(kube: Kube, service: str, namespace: str) -> list[str]:
    """Return the VirtualServices for a Service, in words, wherever they are; sidecars go by the first of them alone."""
    found = governing(kube.list(VIRTUAL_SERVICE), service, namespace)
    return [in_words(one, namespace) for one in found]


def _in_place(kube: Kube) -> list[Obj]:
    try:
        return kube.list(VIRTUAL_SERVICE)
    except NotFoundError as error:
        raise InputError(
            "this cluster has no Istio",
            observed=error.summary,
            expected="a mesh, which faults of this kind are put into",
            hint=bring(kube.connection, "Istio", "03-service-mesh"),
        ) from error


def _made_by_another(kube: Kube, fault: Fault, namespace: str, uid: str) -> str | None:
    """Return the VirtualService that another fault makes for the same Service, there already or not yet."""
    for other in kube.list("Fault", namespace):
        theirs, original = Fault.from_resource(other), other.get("status", {}).get("original") or {}
        if theirs.kind not in PARTS or other["metadata"]["uid"] == uid or is_over(other):
            continue
        with suppress(InputError):  # somebody else has written it
            made = remembered_injection(theirs, original)
            if made.made and made.service == fault.target.name:
                return made.name
    return None


def _refuse_other_namespaces(found: list[Obj], service: str, namespace: str) -> None:
    """Refuse a fault of which no sidecar would hear: it changes nothing in another namespace than its own."""
    if not found or found[0]["metadata"]["namespace"] == namespace:
        return
    metadata, hosts = found[0]["metadata"], ", ".join(found[0]["spec"]["hosts"])
    raise InputError(
        f"sidecars go for {service} by the VirtualService {in_words(found[0], namespace)}",
        observed=f"it is for {hosts}, and Istio merges it with no other",
        expected=f"one in {namespace}, or none: a fault changes nothing in another namespace",
        command=f"kubectl -n {metadata['namespace']} get virtualservice {metadata['name']} -o yaml",
        hint="take the host out of it, or delete it if it is yours",
    )


def _refuse_other_protocols(service: Obj) -> None:
    ports = service["spec"].get("ports") or []
    if ports and not any(speaks_http(port) for port in ports):
        name = service["metadata"]["name"]
        raise InputError(
            f"the Service {name} does not speak HTTP",
            observed=f"its ports are {', '.join(str(port.get('appProtocol') or port.get('name')) for port in ports)}",
            expected="a port whose name begins with http or grpc: Istio injects faults into HTTP alone",
        )
