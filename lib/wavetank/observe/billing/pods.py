"""Which pods there were, from when until when: a watch, and what is written down of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Self

from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube import Kube, Obj, is_over
from wavetank.kube.quantity import quantity
from wavetank.kube.watch import SYNCED, changes
from wavetank.observe.billing.prices import Size
from wavetank.observe.billing.usage import PodInterval

__all__ = ["PodWatch", "asked_for", "kept_by", "noted"]

_LISTED_WITHIN = 15.0
_GIB = 2.0**30
_REVISION = "serving.knative.dev/revision"
_MIN_SCALE = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")


class PodWatch:
    """Writes down the pods of ``selector`` for as long as its block runs. Safe to use from several threads.

    Entering it waits until the pods that are there already are known; raises `KubeError` when they cannot be listed.
    """

    def __init__(self, kube: Kube, namespace: str, selector: str) -> None:
        self._kube, self._namespace, self._selector = kube, namespace, selector
        self._noted: dict[str, PodInterval] = {}
        self._error: KubeError | None = None
        self._listed, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="pods")

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listed.wait(_LISTED_WITHIN):
            self._stop.set()
            raise WaitTimeoutError(
                f"waited {_LISTED_WITHIN:g} s for the list of pods of {self._namespace}",
                expected="a list of them",
                command=self._kube.connection.kubectl("-n", self._namespace, "get", "pods", "-l", self._selector),
            )
        if self._error:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def since(self, moment: float) -> tuple[PodInterval, ...]:
        """Return the pods that were there after ``moment`` (seconds since 1970), counted from it.

        Raises `KubeError` when they can no longer be followed.
        """
        if self._error:
            raise self._error
        shifted = (_shifted(pod, moment) for pod in list(self._noted.values()))
        return tuple(sorted((pod for pod in shifted if pod.ended is None or pod.ended > 0), key=lambda pod: pod.began))

    def _follow(self) -> None:
        stream = changes(self._kube, "Pod", self._namespace, self._selector, timeout=None, stop=self._stop, resume=True)
        try:
            for type_, obj in stream:
                if type_ == SYNCED:
                    self._listed.set()
                elif "metadata" in obj:
                    self._noted = noted(self._noted, type_, obj, time.time())
        except KubeError as error:
            self._error = error
        finally:
            self._listed.set()


def noted(before: Mapping[str, PodInterval], type_: str, pod: Obj, at: float) -> dict[str, PodInterval]:
    """Return what is known of the pods, by their uids, after a change of one of them at second ``at``.

    A pod counts from when it has a node, for that holds room for it, until it is deleted or its work is done.
    """
    uid, known = pod["metadata"]["uid"], dict(before)
    if uid not in known and (type_ == "DELETED" or not pod["spec"].get("nodeName")):
        return known
    interval = known.get(uid) or _begun(pod, at)
    if interval.leaving is None and "deletionTimestamp" in pod["metadata"]:
        interval = replace(interval, leaving=at)
    if interval.ended is None and (type_ == "DELETED" or is_over(pod)):
        interval = replace(interval, ended=at)
    return {**known, uid: interval}


def asked_for(containers: Iterable[Obj]) -> Size:
    """Return what ``containers`` ask for together: their requests, 0 of what they do not name."""
    asked = [(container.get("resources") or {}).get("requests") or {} for container in containers]
    return Size(
        sum(quantity(str(requests.get("cpu", "0"))) for requests in asked),
        sum(quantity(str(requests.get("memory", "0"))) for requests in asked) / _GIB,
    )


def kept_by(revision: Obj) -> int:
    """Return how many pods a revision keeps, whatever happens. Its pods themselves do not say."""
    annotations = revision["metadata"].get("annotations") or {}
    return int(next((annotations[name] for name in _MIN_SCALE if name in annotations), 0))


def _begun(pod: Obj, at: float) -> PodInterval:
    metadata, spec = pod["metadata"], pod["spec"]
    # Sidecars among the init containers go on beside the others.
    beside = [init for init in spec.get("initContainers") or () if init.get("restartPolicy") == "Always"]
    return PodInterval(
        name=metadata["name"],
        revision=(metadata.get("labels") or {}).get(_REVISION, ""),
        began=at,
        reserved=asked_for([*spec["containers"], *beside]),
    )


def _shifted(pod: PodInterval, moment: float) -> PodInterval:
    leaving, ended = (None if at is None else at - moment for at in (pod.leaving, pod.ended))
    return replace(pod, began=pod.began - moment, leaving=leaving, ended=ended)
