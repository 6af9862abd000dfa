"""The pod that runs a Load, as a pure function of the Load resource."""

from __future__ import annotations

import json
import math

from wavetank.kube import Obj
from wavetank.traffic.resource import API_VERSION, Load

__all__ = ["IMAGE", "LOAD_LABEL", "load_pod", "pod_name"]

IMAGE = "wavetank.dev/wavetank:0.1.0"
LOAD_LABEL = "wavetank.dev/load"
"""Label on the pod, holding the Load's name."""

_START_UP = 30
"""Seconds a load pod may take to start and to print its summary, on top of the load's own duration."""

_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_NODE_AWAY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""What a node is tainted with that was away for a moment, as after a restart: pods are then deleted from it."""


def pod_name(resource: Obj) -> str:
    """Return what the pod of a Load resource is called."""
    metadata = resource["metadata"]
    return f"load-{metadata['name']}-{metadata['uid'][:5]}"


def load_pod(resource: Obj) -> Obj:
    """Return the pod for a Load resource that the API server has stored (its uid is needed).

    The kubelet ends it in any case some seconds after the load should have ended. It runs on the control-plane node,
    which no fault stops: the waves must not come from the ship. Raises `InputError` naming a field that is wrong.
    """
    load = Load.from_resource(resource)
    metadata = resource["metadata"]
    labels = {"app.kubernetes.io/managed-by": "wavetank", LOAD_LABEL: load.name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(resource),
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "Load",
                    "name": load.name,
                    "uid": metadata["uid"],
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": math.ceil(load.duration + load.timeout) + _START_UP,
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "nodeSelector": {_CONTROL_PLANE: ""},
            "tolerations": [
                {"key": _CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"},
                # Not deleted with all that its log tells: that is the load's only record.
                *({"key": taint, "operator": "Exists", "effect": "NoExecute"} for taint in _NODE_AWAY),
            ],
            "containers": [
                {
                    "name": "load",
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["load-pod"],
                    "env": [{"name": "WAVETANK_LOAD", "value": json.dumps(load.to_spec(), separators=(",", ":"))}],
                    # One process sends on one core; more of the control plane's it is not to take.
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "64Mi"},
                        "limits": {"cpu": "1", "memory": "256Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
