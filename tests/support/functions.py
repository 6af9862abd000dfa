"""Knative Services and their pods, as far as a test looks at them."""

from __future__ import annotations

from typing import Any

from tests.support.apiserver import ApiServer
from tests.support.definitions import definition
from tests.support.moving import NAMESPACE

Obj = dict[str, Any]


_SERVING = "serving.knative.dev/v1"
CRDS = (
    definition(_SERVING, "Service", "services", status=True),
    definition(_SERVING, "Revision", "revisions", status=True),
)
_FUNCTION: Obj = {"name": "user-container", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}
_QUEUE: Obj = {"name": "queue-proxy", "resources": {"requests": {"cpu": "25m"}}}


def put_function(api: ApiServer, name: str, *, pods: int = 0, min_scale: int = 0) -> None:
    """Put a Knative Service with one revision, and so many pods of it, ready."""
    kept = {"autoscaling.knative.dev/min-scale": str(min_scale)} if min_scale else {}
    template = {"metadata": {"annotations": kept}, "spec": {"containers": [_FUNCTION]}}
    meta = {"name": name, "namespace": NAMESPACE}
    service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": meta}
    api.put({**service, "spec": {"template": template}})
    revision = f"{name}-00001"
    labels = {"serving.knative.dev/service": name, "serving.knative.dev/revision": revision}
    made = {**meta, "name": revision, "labels": labels, "annotations": kept}
    api.put({"apiVersion": "serving.knative.dev/v1", "kind": "Revision", "metadata": made})
    for number in range(pods):
        api.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**meta, "name": f"{revision}-{number}", "labels": labels},
                "spec": {"nodeName": "wavetank-worker", "containers": [_FUNCTION, _QUEUE]},
                "status": {"phase": "Running"},
            }
        )
