"""A cluster spec in the words of kind: pure functions from spec to configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wavetank.cluster.spec import ClusterSpec
from wavetank.kube.mark import NODE_LABEL

__all__ = ["GATEWAY_NODE_PORT", "INGRESS_NODE_PORT", "kind_config"]

INGRESS_NODE_PORT = 30080
"""The NodePort of the ingress; `clusters/manifests/contour.yaml` names the same."""
GATEWAY_NODE_PORT = 30081
"""The NodePort of the mesh's gateway; `clusters/source/istio/operator.yaml` names the same."""


def kind_config(spec: ClusterSpec, node_image: str) -> dict[str, Any]:
    """Return the configuration to give to ``kind create cluster``."""
    made_here = {"image": node_image, "labels": {NODE_LABEL: spec.on_engine}}
    control_plane = {
        "role": "control-plane",
        **made_here,
        "extraPortMappings": [
            _published(INGRESS_NODE_PORT, spec.ports.ingress),
            _published(GATEWAY_NODE_PORT, spec.ports.gateway),
        ],
    }
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": spec.on_engine,
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": [control_plane, *({"role": "worker", **made_here} for _ in range(spec.workers))],
        "kubeadmConfigPatches": [_kubelet(spec)],
        "kubeadmConfigPatchesJSON6902": [
            _added_flags("apiServer", spec.api_server),
            _added_flags("controllerManager", spec.controller_manager),
        ],
    }


def _published(node_port: int, port: int) -> dict[str, Any]:
    return {"containerPort": node_port, "hostPort": port, "listenAddress": "127.0.0.1"}


def _kubelet(spec: ClusterSpec) -> str:
    # Kubernetes still runs on cgroup v1 where it is told to; on v2 the field means nothing.
    return json.dumps(
        {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": False}
        | dict(spec.kubelet)
    )


def _added_flags(component: str, flags: Mapping[str, str]) -> dict[str, str]:
    # Appended one by one: a merge patch would replace the whole list, kind's own flags included.
    added = [
        {"op": "add", "path": f"/{component}/extraArgs/-", "value": {"name": flag, "value": value}}
        for flag, value in flags.items()
    ]
    return {
        "group": "kubeadm.k8s.io",
        "version": "v1beta4",
        "kind": "ClusterConfiguration",
        "patch": json.dumps(added),
    }
