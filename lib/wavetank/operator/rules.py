"""What may be asked for, judged against the cluster as it is: the rules that a schema cannot know.

The admission webhook and the operator itself both ask here, so that a target that matches nothing is refused in the
same words whether or not the webhook answered when the resource was made. Schemas and bounds are the CRDs' business.
"""

from __future__ import annotations

from datetime import UTC, datetime

from wavetank.errors import InputError
from wavetank.faults.breakers import BREAKERS, Break
from wavetank.faults.catalogue import API_KINDS
from wavetank.faults.mesh import PARTS, Injection
from wavetank.faults.remembered import remembered_break, remembered_injection
from wavetank.faults.resource import Fault, FaultStatus, Target
from wavetank.faults.switch import label_selector
from wavetank.kube import Kube, Obj
from wavetank.kube.bringing import bring
from wavetank.kube.mark import NODE_LABEL, is_made_here
from wavetank.kube.power import agent_word
from wavetank.operator.meshrules import injection, injection_warnings
from wavetank.operator.servicerules import refuse_elsewhere, refuse_unasked_port, refuse_unselected
from wavetank.traffic.resource import Load
from wavetank.waves import BINDING, letting_in

__all__ = ["check_fault", "check_load", "plan_break", "plan_injection", "selector_of"]

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def check_fault(kube: Kube, fault: Fault, namespace: str, uid: str = "") -> list[str]:
    """Return warnings about ``fault`` in ``namespace``. Raises `InputError` saying why it is refused.

    ``uid`` is that of the Fault itself when it exists already.
    """
    _refuse_system_namespace(namespace)
    _refuse_where_not_let_in(kube, namespace)
    if fault.kind in BREAKERS:
        _refuse_changed_already(kube, plan_break(kube, fault, namespace, datetime.now(UTC)), namespace, uid)
        return _without_pods(kube, fault, namespace) if fault.target.what == "deployment" else []
    if fault.kind in PARTS:
        _refuse_changed_already(kube, plan_injection(kube, fault, namespace, uid), namespace, uid)
        return injection_warnings(kube, fault, namespace)
    selector = selector_of(kube, fault.target, namespace)
    if kube.list("Pod", namespace, selector=selector):
        return []
    if fault.target.what == "selector":
        raise InputError(
            "the target matches nothing",
            observed=f"no pod in the namespace {namespace} has the labels {selector}",
            expected="labels of pods that exist",
        )
    return [f"{fault.target} has no pods now: the fault waits for them until it ends"]


def check_load(kube: Kube, load: Load, namespace: str) -> list[str]:
    """Return warnings about ``load`` in ``namespace``. Raises `InputError` saying why it is refused."""
    _refuse_system_namespace(namespace)
    _refuse_where_not_let_in(kube, namespace)
    service = _existing(kube, Target("service", load.target.service), namespace)
    refuse_elsewhere(service)
    refuse_unselected(service)
    ports = [port["port"] for port in service["spec"].get("ports") or []]
    if load.target.port not in ports:
        raise InputError(
            f"the Service {load.target.service} has no port {load.target.port}",
            observed=f"its ports are {', '.join(map(str, ports)) or 'none'}",
            expected="target.port to be one of them",
        )
    refuse_unasked_port(kube, service, load.target.port)
    if not _has_ready_endpoints(kube, load.target.service, namespace):
        return [f"the Service {load.target.service} has no ready endpoints now: requests will fail until it has"]
    return []


def _without_pods(kube: Kube, fault: Fault, namespace: str) -> list[str]:
    """Say that nobody will notice what is broken in a Deployment that has no pods."""
    if _existing(kube, fault.target, namespace)["spec"].get("replicas", 1):
        return []
    return [f"{fault.target} has 0 replicas: nobody will notice until it is scaled up"]


def plan_break(kube: Kube, fault: Fault, namespace: str, ends_at: datetime) -> Break:
    """Return what a fault that breaks an object would change. Raises `InputError` when it cannot."""
    target = _existing(kube, fault.target, namespace)
    if fault.target.what == "node":
        _refuse_others_node(target)
        _refuse_control_plane(target)
        _refuse_without_agent(kube)
    services = kube.list("Service", namespace) if fault.target.what == "deployment" else ()
    return BREAKERS[fault.kind](target, fault, ends_at, services)


def plan_injection(kube: Kube, fault: Fault, namespace: str, uid: str) -> Injection:
    """Return what a fault in the mesh would change. Raises `InputError` when it cannot."""
    service = _existing(kube, fault.target, namespace)
    refuse_elsewhere(service)
    return injection(kube, fault, service, uid)


def selector_of(kube: Kube, target: Target, namespace: str) -> str:
    """Return the label selector of the pods that ``target`` means. Raises `InputError` when it does not exist."""
    if target.what == "selector":
        return label_selector(target.labels)
    selector = _existing(kube, target, namespace)["spec"].get("selector")
    if not selector:
        raise InputError("the target matches nothing", observed=f"{target} selects no pods", expected="one that does")
    return label_selector(selector)


def _existing(kube: Kube, target: Target, namespace: str) -> Obj:
    kind = API_KINDS[target.what]
    found = kube.find(kind, target.name, namespace)
    if found is not None:
        return found
    where = "in the cluster" if kind == "Node" else f"in the namespace {namespace}"
    others = sorted(other["metadata"]["name"] for other in kube.list(kind, None if kind == "Node" else namespace))
    raise InputError(
        "the target matches nothing",
        observed=f"there is no {kind} {target.name} {where}",
        expected=f"one of {', '.join(others)}" if others else f"a {kind} that exists",
    )


def _refuse_system_namespace(namespace: str) -> None:
    if namespace.startswith("kube-") or namespace == "wavetank-system":
        raise InputError(
            f"the namespace {namespace} is what the cluster itself runs on",
            expected="loads and faults in a namespace of your own applications",
        )


def _refuse_where_not_let_in(kube: Kube, namespace: str) -> None:
    if not kube.may("create", "pods", namespace):
        raise InputError(
            f"loads and faults are for labs, and the namespace {namespace} is none",
            observed=f"the operator may do nothing in it: it has no RoleBinding {BINDING}",
            expected="a namespace that a lab's goto has made, or one whose owner has let the operator in",
            hint=letting_in(namespace),
        )


def _refuse_others_node(node: Obj) -> None:
    if not is_made_here(node):
        raise InputError(
            f"the node {node['metadata']['name']} is not one that Wavetank has made",
            observed=f"it has no label {NODE_LABEL}",
            expected="a node of a cluster that `wavetank up` has made: nothing is done to anybody else's",
        )


def _refuse_control_plane(node: Obj) -> None:
    if CONTROL_PLANE in (node["metadata"].get("labels") or {}):
        raise InputError(
            f"the node {node['metadata']['name']} is the control plane",
            observed="without it nothing could start it again",
            expected="a worker node",
        )


def _refuse_without_agent(kube: Kube) -> None:
    agent = agent_word(kube)
    if not agent.is_there:
        raise InputError(
            "nobody is there to stop a node, or to start it again",
            observed=f"the power agent beside the cluster: {agent}",
            expected="the container that `wavetank up` runs beside the nodes",
            hint=bring(kube.connection, "the power agent"),
        )


def _refuse_changed_already(kube: Kube, planned: Break | Injection, namespace: str, uid: str) -> None:
    """Two faults that change the same value would put each other's trouble back for good: the second is refused."""
    for other in kube.list("Fault", None if planned.kind == "Node" else namespace):
        status, metadata = FaultStatus.from_resource(other), other["metadata"]
        if status.ended or metadata["uid"] == uid:
            continue
        if (original := _believed(other)) and planned.meets(original):
            raise InputError(
                f"another fault has changed {planned} already",
                observed=f"the fault {metadata['name']} in {metadata['namespace']}, until {status.ends_at}",
                expected="one such fault at a time: stop that one, or wait for its end",
            )


def _believed(other: Obj) -> Obj:
    """Return what another fault remembers, nothing where its spec cannot have led to it."""
    fault, original = Fault.from_resource(other), other.get("status", {}).get("original") or {}
    try:
        if fault.kind in BREAKERS:
            remembered_break(fault, original)
        elif fault.kind in PARTS:
            remembered_injection(fault, original)
        else:
            return {}
    except InputError:
        return {}
    return dict(original)


def _has_ready_endpoints(kube: Kube, service: str, namespace: str) -> bool:
    slices = kube.list("EndpointSlice", namespace, selector=f"kubernetes.io/service-name={service}")
    return any(
        (endpoint.get("conditions") or {}).get("ready") for one in slices for endpoint in one.get("endpoints") or []
    )
