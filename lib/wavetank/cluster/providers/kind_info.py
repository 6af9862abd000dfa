"""What kind's clusters can do and what they cannot, and where that depends on the engine."""

from __future__ import annotations

from types import MappingProxyType

from wavetank.cluster.provider import Capability, Info

__all__ = ["INFO"]

_EVERYWHERE = {
    "kubernetes": Capability(True, "the released programs: API server, etcd, scheduler, controllers, kubelets"),
    "multi-node": Capability(True, "every node is a container of its own"),
    "node-stop": Capability(True, "a worker's container is frozen, as if its power were cut; woken, it goes on"),
    "pod-network": Capability(True, "every pod has its own address, and packets go from node to node"),
    "resource-limits": Capability(True, "the kernel's cgroups enforce CPU and memory limits"),
    "traffic": Capability(True, "real requests to real processes; how fast they are depends on this machine"),
    "service-mesh": Capability(True, "Istio's own istiod, sidecars and gateway; from source with the stock Envoy"),
    "node-capacity": Capability(False, "each node offers all of this machine, so together they promise too much"),
    "separate-machines": Capability(False, "all nodes share one machine's kernel, disk and power"),
    "distance": Capability(False, "all nodes are on one bridge: no zones, no slow or lossy lines"),
    "high-availability": Capability(False, "there is one control plane, and no lab stops it"),
    "network-policy": Capability(False, "the pod network that is built from source enforces none"),
    "lasting-storage": Capability(False, "a volume is at most a folder on one node"),
    "load-balancer": Capability(False, "no cloud is there to give one; the ingress is on a port of 127.0.0.1"),
    "node-autoscaling": Capability(False, "no cloud is there to give one; the number of nodes is in the spec"),
}

_WITHOUT_ROOT = {
    "pod-network": Capability(
        True, "the same; the first packet to another node's pod may wait up to 0.8 s (the doctor says what mends it)"
    ),
    "resource-limits": Capability(True, "on cgroup v2 only, and as far as systemd hands controllers to the user"),
    "traffic": Capability(True, "what comes in by a port of 127.0.0.1 passes one more program; between pods the same"),
    "service-mesh": Capability(True, "when the kernel's modules for it are loaded beforehand: nodes cannot load them"),
}

_IN_A_MACHINE = {
    "traffic": Capability(
        True, "what comes in by a port of 127.0.0.1 is passed on into the machine; between pods the same"
    ),
    "node-capacity": Capability(False, "each node offers all that the engine's machine was given, not what you have"),
}

INFO = Info(
    "kind",
    MappingProxyType(_EVERYWHERE),
    MappingProxyType(
        {
            "docker": MappingProxyType({}),
            "docker-rootless": MappingProxyType(_WITHOUT_ROOT),
            "podman": MappingProxyType({}),
            "podman-rootless": MappingProxyType(_WITHOUT_ROOT),
            "machine": MappingProxyType(_IN_A_MACHINE),
        }
    ),
)
"""What the provider says of itself, with or without an engine."""
