"""Whether the proxies of a mesh have heard of a change: what istiod has sent to each, and what each has taken over.

It is what `istioctl proxy-status` calls SYNCED, read from istiod itself (``/debug/syncz``: SyncStatus in Istio's
pilot/pkg/xds/debug.go), which answers to nobody but its own pod, and so through a port-forward.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import Kube, Obj, is_ready

__all__ = ["Sync", "heard", "read_sync", "sync_of"]

_NAMESPACE = "istio-system"
_PORT = 15014
_KINDS = ("cluster", "listener", "route", "endpoint")
_NOTICED_WITHIN = 1.0
"""Seconds in which istiod sends what it has to send: it waits 0.1 s for more. Not every change is one for a proxy."""
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Sync:
    """Of one proxy: the versions istiod has sent and those it has taken over, each by clusters, listeners and so on."""

    sent: tuple[str, ...]
    taken: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether everything that was sent was taken over."""
        return self.sent == self.taken


def sync_of(answer: list[Obj]) -> dict[str, Sync]:
    """Return what ``/debug/syncz`` says, by the proxy's ``pod.namespace``."""
    return {
        told["proxy"]: Sync(
            tuple(told.get(f"{kind}_sent") or "" for kind in _KINDS),
            tuple(told.get(f"{kind}_acked") or "" for kind in _KINDS),
        )
        for told in answer
    }


def read_sync(kube: Kube) -> Mapping[str, Sync]:
    """Ask istiod. Raises `NotFoundError` when none is ready, `KubeError` when it does not answer."""
    for pod in kube.list("Pod", _NAMESPACE, selector="app=istiod"):
        if is_ready(pod):
            answer = kube.request(f"pod:{pod['metadata']['name']}:{_PORT}", "/debug/syncz", _NAMESPACE)
            if answer.status != 200:
                raise KubeError(f"istiod does not say what it has sent: {answer.status}", status=answer.status)
            return sync_of(answer.json())
    raise NotFoundError(
        "no istiod is ready",
        status=404,
        command=kube.connection.kubectl("-n", _NAMESPACE, "get", "pods"),
        hint="sidecars go on with what they know; what is new has to wait",
    )


@contextmanager
def heard(kube: Kube, timeout: float = 15.0) -> Iterator[None]:
    """Return from the block once every proxy has taken over what was changed in it.

    A change that is none for any proxy is given a second to show. Without an istiod nobody is waited for. Raises
    `WaitTimeoutError`, with the proxies that lag behind, after ``timeout`` seconds.
    """
    try:
        before = read_sync(kube)
    except KubeError:
        yield
        return
    yield
    began = time.monotonic()
    noticed = False
    while True:
        try:
            now = read_sync(kube)
        except KubeError:
            return
        noticed = noticed or any(before.get(name) != sync for name, sync in now.items())
        behind = sorted(name for name, sync in now.items() if not sync.done)
        waited = time.monotonic() - began
        if not behind and (noticed or waited > _NOTICED_WITHIN):
            return
        if waited > timeout:
            raise WaitTimeoutError(
                f"waited {timeout:g} s for every proxy to hear of the change",
                observed=f"behind are {', '.join(behind)}",
                command="istioctl proxy-status",
                hint="a proxy that refuses what it is sent says why in its log, container istio-proxy",
            )
        time.sleep(_PAUSE)  # istiod tells nobody by itself
