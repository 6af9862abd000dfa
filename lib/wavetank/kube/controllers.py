"""Whether anybody makes what is declared: the cluster's own controllers, which an API server does not have to have yet.

After a restart the API server answers seconds before they are back. Until then nothing that it says of Deployments and
nodes is news: a rollout is still called done whose pods nobody has made again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from wavetank.kube.connection import Obj
from wavetank.kube.kube import Kube

__all__ = ["await_controllers"]

LEASE = ("coordination.k8s.io/v1", "Lease")
NAME, NAMESPACE = "kube-controller-manager", "kube-system"
"""The Lease by which one of them is at work; it is renewed every two seconds."""
RENEWED_WITHIN = timedelta(seconds=6)


def await_controllers(kube: Kube, timeout: float = 60.0) -> None:
    """Return once the controllers are at work, at once when they were seconds ago, or when a cluster does not tell.

    Raises `WaitTimeoutError` after ``timeout`` seconds.
    """
    lease = kube.find(LEASE, NAME, NAMESPACE)
    if lease is None or not (before := _renewed(lease)):
        return
    if abs(datetime.now(UTC) - datetime.fromisoformat(before)) < RENEWED_WITHIN:
        return
    kube.wait_for(
        LEASE,
        NAME,
        NAMESPACE,
        lambda found: found is not None and _renewed(found) != before,  # its clock may be another one than ours
        timeout=timeout,
        waiting_for="the cluster's controllers, which make its pods, to be at work again",
    )


def _renewed(lease: Obj) -> str:
    renewed: str = lease["spec"].get("renewTime") or ""
    return renewed
