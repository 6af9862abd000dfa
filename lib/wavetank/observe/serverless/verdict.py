"""Wait until Knative has looked at what was changed, and says whether it is ready.

A new revision takes seconds until it has a pod and a route; until then its tag leads nowhere, and shares are the old
ones.
"""

from __future__ import annotations

from contextlib import suppress

from wavetank.errors import WaitTimeoutError
from wavetank.kube import Kube, Obj
from wavetank.observe.serverless.conditions import readiness
from wavetank.observe.serverless.revisions import SERVICE

__all__ = ["await_verdict"]


def await_verdict(kube: Kube, name: str, namespace: str, timeout: float = 30.0) -> None:
    """Return when the Knative Service ``name`` as it is now is ready or cannot be.

    Also after ``timeout`` seconds: one that Knative goes on trying is there to be looked at.
    """
    with suppress(WaitTimeoutError):
        kube.wait_for(SERVICE, name, namespace, _judged, timeout=timeout, waiting_for=f"what becomes of {name}")


def _judged(service: Obj | None) -> bool:
    return service is not None and readiness(service).holds is not None
