"""What kind's own pod network is kept from: a tenth of a core is not enough for it while a load runs.

Node images of kind (``kindest/node``) come with kindnet, a DaemonSet whose container may use 100m of CPU and no more.
Under load its share is used up, the routes and rules of new pods wait for it, and a measurement shows that instead of
what it was meant to show. A node image that is built here has no kindnet.
"""

from __future__ import annotations

from wavetank.kube import Kube

__all__ = ["lift_cpu_limit"]

NAMESPACE, NAME = "kube-system", "kindnet"


def lift_cpu_limit(kube: Kube) -> str:
    """Let kindnet use as much CPU as it needs; its request stays, and so does its memory limit. Return a note."""
    found = kube.find("DaemonSet", NAME, NAMESPACE)
    if found is None:
        return "not needed"
    containers = found["spec"]["template"]["spec"]["containers"]
    lifted = [
        {"op": "remove", "path": f"/spec/template/spec/containers/{index}/resources/limits/cpu"}
        for index, container in enumerate(containers)
        if "cpu" in container.get("resources", {}).get("limits", {})
    ]
    if not lifted:
        return "there already"
    kube.patch("DaemonSet", NAME, NAMESPACE, lifted, type="json")
    return ""
