"""Who there is: the pods of a namespace and what they belong to, the mesh's gateways, Services and their subsets.

All pure: objects as the API returns them come in, a `Roster` goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wavetank.kube import Obj
from wavetank.kube.sidecar import SIDECAR, has_sidecar, is_running, sidecar_status, stays_out

__all__ = ["MeshPod", "Role", "Roster", "read_pods", "read_services", "read_subsets", "service_name"]

_WORKLOADS = {"StatefulSet": "statefulset", "DaemonSet": "daemonset"}


class Role(StrEnum):
    """What a pod, and the node of a topology it is part of, does."""

    WORKLOAD = "workload"
    GATEWAY = "gateway"
    LOAD = "load"
    SERVICE = "service"
    """A Service with several workloads behind it, or none."""
    OUTSIDE = "outside"
    """Somebody without a sidecar in this namespace, or a host beyond it."""


@dataclass(frozen=True, slots=True)
class MeshPod:
    """One pod as the mesh sees it.

    ``workload`` is what it belongs to, and ``owner`` the same as ``kubectl`` takes it ("deployment/web"; empty for a
    pod on its own). ``has_proxy`` says whether Envoy is one of its containers, ``proxy_runs`` whether it can be asked,
    ``proxy_ready`` whether it has its configuration.
    """

    uid: str
    name: str
    namespace: str
    workload: str
    role: Role = Role.WORKLOAD
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    has_proxy: bool = True
    proxy_runs: bool = True
    proxy_ready: bool = True
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """What is in ``namespace``, and the mesh's own gateways.

    ``services`` are the selectors of Services by name, ``subsets`` the labels of a DestinationRule's subsets by Service
    and subset. ``has_istio`` says whether a control plane is there, ``is_labelled`` whether new pods get a sidecar,
    ``adopted`` whether somebody else looks after the cluster.
    """

    namespace: str
    pods: tuple[MeshPod, ...] = ()
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    subsets: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    virtual_services: tuple[Obj, ...] = ()
    has_istio: bool = True
    is_labelled: bool = True
    adopted: bool = False

    @property
    def own(self) -> list[MeshPod]:
        """The pods of the namespace that serve: neither gateways nor loads."""
        return [pod for pod in self.pods if pod.role is Role.WORKLOAD]

    def behind(self, service: str, subset: str = "") -> list[str]:
        """Return the workloads whose pods a Service, or a subset of it, selects."""
        selector = {**self.services.get(service, {}), **self.subsets.get((service, subset), {})}
        if not self.services.get(service) or (subset and (service, subset) not in self.subsets):
            return []
        return sorted({pod.workload for pod in self.own if selector.items() <= pod.labels.items()})


def read_pods(objects: Iterable[Obj]) -> tuple[MeshPod, ...]:
    """Return the pods that are not over."""
    return tuple(_read_pod(obj) for obj in objects if obj["status"].get("phase") not in ("Succeeded", "Failed"))


def read_services(objects: Iterable[Obj]) -> dict[str, Mapping[str, str]]:
    """Return the selector of each Service, by name."""
    return {obj["metadata"]["name"]: obj["spec"].get("selector") or {} for obj in objects}


def read_subsets(rules: Iterable[Obj], namespace: str) -> dict[tuple[str, str], Mapping[str, str]]:
    """Return the labels of every subset that DestinationRules define, by Service and name."""
    return {
        (service, subset["name"]): subset.get("labels") or {}
        for rule in rules
        if (service := service_name(rule["spec"]["host"], namespace))
        for subset in rule["spec"].get("subsets") or []
    }


def service_name(host: str, namespace: str) -> str:
    """Return the Service that a host stands for: ``web``, ``web.ns`` or ``web.ns.svc...``; empty for one elsewhere."""
    match host.split("."):
        case [name]:
            return name
        case [name, where] | [name, where, "svc", *_] if where == namespace:
            return name
        case _:
            return ""


def _read_pod(obj: Obj) -> MeshPod:
    metadata, spec = obj["metadata"], obj["spec"]
    labels = metadata.get("labels") or {}
    proxy = sidecar_status(obj)
    workload, owner, role = _belongs_to(metadata, labels)
    if [container["name"] for container in spec["containers"]] == [SIDECAR]:
        role = Role.GATEWAY
    return MeshPod(
        uid=metadata["uid"],
        name=metadata["name"],
        namespace=metadata["namespace"],
        workload=workload,
        role=role,
        owner=owner,
        labels=labels,
        has_proxy=has_sidecar(obj),
        proxy_runs=is_running(proxy),
        proxy_ready=bool(proxy.get("ready")),
        opted_out=stays_out(obj),
    )


def _belongs_to(metadata: Obj, labels: Mapping[str, str]) -> tuple[str, str, Role]:
    """Return a pod's workload, the same for ``kubectl``, and its role."""
    owner: Obj = next((owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")), {})
    kind, name = owner.get("kind", ""), owner.get("name", "")
    if kind == "ReplicaSet":
        deployment = name.removesuffix("-" + labels.get("pod-template-hash", ""))
        return deployment, f"deployment/{deployment}", Role.WORKLOAD
    if kind == "Load":
        return f"load-{name}", "", Role.LOAD
    if kind in _WORKLOADS:
        return name, f"{_WORKLOADS[kind]}/{name}", Role.WORKLOAD
    return labels.get("app") or name or metadata["name"], "", Role.WORKLOAD
