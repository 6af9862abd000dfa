"""What a Service has to be so that loads reach the application, and faults are noticed."""

from __future__ import annotations

from collections.abc import Iterator

from wavetank.errors import InputError
from wavetank.faults.switch import label_selector
from wavetank.kube import Kube, Obj

__all__ = ["refuse_elsewhere", "refuse_unasked_port", "refuse_unselected"]

_ROUTE = "serving.knative.dev/", "Route"
_REVISION = "networking.internal.knative.dev/", "ServerlessService"
_IN_THE_CLUSTER = ".svc.cluster.local"
"""How the cluster's own names end: kubeadm's default, which every cluster of ours has."""


def refuse_elsewhere(service: Obj) -> None:
    """Refuse a Service that is only another name for a host which may be anybody's; Knative's are its own gateway's."""
    leads_to_gateway = str(service["spec"].get("externalName")).endswith(_IN_THE_CLUSTER)
    if service["spec"].get("type") == "ExternalName" and not (_made_for(service, *_ROUTE) and leads_to_gateway):
        raise InputError(
            f"the Service {service['metadata']['name']} is another name for {service['spec'].get('externalName')}",
            observed="its type is ExternalName: requests leave the namespace",
            expected="a Service that leads to pods of this namespace",
        )


def refuse_unselected(service: Obj) -> None:
    """Refuse a Service without a selector: any address may stand behind it. Knative fills in its own."""
    spec, name = service["spec"], service["metadata"]["name"]
    if spec.get("type") == "ExternalName" or spec.get("selector") or _made_for(service, *_REVISION):
        return
    raise InputError(
        f"the Service {name} has no selector: whoever writes its endpoints sends the load anywhere",
        observed="its spec.selector is empty",
        expected="a Service that finds pods of this namespace by their labels",
    )


def _made_for(service: Obj, group: str, kind: str) -> bool:
    """Tell whether Knative has made it for a Route (a name for the cluster's gateway) or for a revision."""
    owners = service["metadata"].get("ownerReferences") or ()
    return any(one["kind"] == kind and one["apiVersion"].startswith(group) for one in owners)


def refuse_unasked_port(kube: Kube, service: Obj, port: int) -> None:
    """Refuse a headless Service at whose ``port`` none of its pods listens: nobody would get an answer.

    Its name leads to the pods themselves, and nothing sends a request on from one port to another.
    """
    spec, name = service["spec"], service["metadata"]["name"]
    if spec.get("clusterIP") != "None":
        return
    target = next((one.get("targetPort") or port for one in spec["ports"] if one["port"] == port), port)
    numbers = {target} if isinstance(target, int) else set(_numbers(kube, service, target))
    if numbers and port not in numbers:
        listens = " and ".join(str(number) for number in sorted(numbers))
        raise InputError(
            f"the Service {name} is headless, and its pods do not listen on {port}",
            observed=f"its clusterIP is None: its name leads to the pods themselves, which listen on {listens}",
            expected=f"a Service with an address, or the port {listens} in it and as the target's",
        )


def _numbers(kube: Kube, service: Obj, name: str) -> Iterator[int]:
    """Yield the numbers of the port called ``name`` in the pods of a Service."""
    namespace, selector = service["metadata"]["namespace"], service["spec"].get("selector")
    for pod in kube.list("Pod", namespace, selector=label_selector(selector)) if selector else ():
        for container in pod["spec"]["containers"]:
            for declared in container.get("ports") or ():
                if declared.get("name") == name:
                    yield int(declared["containerPort"])
