"""What is done to an application while a load runs, and what that shows beside the requests.

Requests alone do not tell: a pod on its way out may answer for as long as the next one needs to come - this time - and
a pod that takes a pause, and that nobody asks whether it is ready, answers here where a real one would not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wavetank.errors import KubeError
from wavetank.faults import FaultRun
from wavetank.faults.resource import from_rfc3339
from wavetank.faults.switch import label_selector
from wavetank.kube import Kube, Obj, application_container
from wavetank.kube.pods import is_ready

__all__ = ["Cover", "Disturbance", "exchanging", "faulty", "in_words"]

_KNOWS_WITHIN = 5.0
_STAYS = timedelta(seconds=2)
"""For how long a pod that is told to go still answers, at least: until then there is somebody who has not heard of it.
Both moments are told in whole seconds."""
_JOIN_WITHIN = 20.0
"""Seconds until a watch that was told to stop has stopped, whatever the API server does."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that is done once; ``shows`` says, afterwards, what is wrong: empty when nothing is.

    ``end`` is for one that is given up.
    """

    act: Callable[[], object]
    shows: Callable[[], str] = lambda: ""
    end: Callable[[], None] = lambda: None


def faulty(kube: Kube, inject: Callable[[], FaultRun]) -> Disturbance:
    """Inject a fault; a pod that says it is not ready shows whether anybody has asked it."""
    runs: list[FaultRun] = []

    def shows() -> str:
        return _unnoticed(kube, runs[0]) if runs else ""

    return Disturbance(lambda: runs.append(inject()), shows)


def exchanging(cover: Cover, act: Callable[[], object]) -> Disturbance:
    """Have a Deployment's pods exchanged; that shows whether it was without one for a while."""

    def begin() -> None:
        cover.begin()
        act()

    return Disturbance(begin, cover.shows, cover.end)


class Cover:
    """Looks on, in the background, whether a Deployment has pods that are ready and meant to stay."""

    def __init__(self, kube: Kube, namespace: str, deployment: str, longest: float) -> None:
        self._kube, self._namespace, self._deployment, self._longest = kube, namespace, deployment, longest
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._look, name="cover", daemon=True)
        self._knows = threading.Event()
        self._bare_since: float | None = None
        self._unasked = False
        self._told: dict[str, datetime] = {}  # when those that were ready were told to go
        self._abrupt = ""
        self.bare = 0.0
        """For how many seconds there was none, until now."""

    def begin(self) -> None:
        """Look from now on, for ``longest`` seconds or until the `end`; return once the pods of now are known."""
        found = self._kube.get("Deployment", self._deployment, self._namespace)
        self._selector = label_selector(found["spec"]["selector"])
        self._old = {pod["metadata"]["name"] for pod in self._kube.list("Pod", self._namespace, self._selector)}
        self._thread.start()
        if self._old:
            self._knows.wait(_KNOWS_WITHIN)

    def end(self) -> None:
        """Look no longer."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_WITHIN)

    def shows(self) -> str:
        """Look no longer, and say how long there was no pod."""
        self.end()
        if self.bare:
            return (
                f"for {self.bare:.1f} s no pod of {self._deployment} was ready and meant to stay: what has answered"
                " then was a pod on its way out, and the next time it may be gone sooner"
            )
        if self._abrupt:
            return (
                f"the pod {self._abrupt} was gone as soon as it was told to go: a request that is on its way to it then"
                " finds nobody, and the next time there may be one"
            )
        if self._unasked:
            return (
                f"the new pods of {self._deployment} got requests as soon as their process was there: nothing asks them"
                " whether they are ready, and the next time they may need longer"
            )
        return ""

    def _look(self) -> None:
        pods: dict[str, Obj] = {}
        covered = False
        with suppress(KubeError):  # what was seen until then counts
            for change, pod in self._kube.watch(
                "Pod", self._namespace, self._selector, timeout=self._longest, stop=self._stop
            ):
                before = pods.pop(pod["metadata"]["name"], None)
                self._note_leaving(before, pod, gone=change == "DELETED")
                if change != "DELETED":
                    pods[pod["metadata"]["name"]] = pod
                if self._old <= pods.keys():
                    self._knows.set()
                self._unasked |= pod["metadata"]["name"] not in self._old and not _is_asked(pod)
                staying = any(is_ready(one) and "deletionTimestamp" not in one["metadata"] for one in pods.values())
                covered = covered or staying
                self._note(bare=covered and not staying)
        self._note(bare=False)

    def _note_leaving(self, before: Obj | None, pod: Obj, *, gone: bool) -> None:
        """Note when a pod that was ready is told to go, and whether it is gone too soon after that."""
        metadata = pod["metadata"]
        name, was_ready = metadata["name"], before is not None and is_ready(before)
        if not gone and was_ready and (end := from_rfc3339(metadata.get("deletionTimestamp"))):
            has = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
            self._told[name] = end - has
            if has < _STAYS:
                self._abrupt = name
        elif gone and name in self._told and (ended := _ended(pod)) and ended - self._told[name] < _STAYS:
            self._abrupt = name

    def _note(self, *, bare: bool) -> None:
        now = time.monotonic()
        if bare and self._bare_since is None:
            self._bare_since = now
        elif not bare and self._bare_since is not None:
            self.bare, self._bare_since = self.bare + now - self._bare_since, None


def _ended(pod: Obj) -> datetime | None:
    """Return when the application in a pod has ended; None while it has not, or where nobody says so."""
    application = application_container(pod)["name"]
    for status in pod["status"].get("containerStatuses") or ():
        if status["name"] == application:
            return from_rfc3339(((status.get("state") or {}).get("terminated") or {}).get("finishedAt"))
    return None


def _is_asked(pod: Obj) -> bool:
    """Tell whether Kubernetes asks the application whether it is ready: a probe for the start holds back the other."""
    container = application_container(pod)
    return "readinessProbe" in container or "startupProbe" in container


def _unnoticed(kube: Kube, run: FaultRun) -> str:
    """Say which pod has said in vain that it is not ready; empty when each was heard, and for every other fault."""
    status = run.status()
    if status.kind != "unready" or status.started_at is None:
        return ""
    for name in status.affected:
        pod = kube.find("Pod", name, run.namespace)
        conditions = pod["status"].get("conditions") or [] if pod else []
        turned = [from_rfc3339(one.get("lastTransitionTime")) for one in conditions if one["type"] == "Ready"]
        if turned and turned[0] and turned[0] < status.started_at:
            return (
                f"the pod {name} has taken its pause, and Kubernetes has sent it requests all the time: nothing asks it"
                " whether it is ready"
            )
    return ""


def in_words(during: Mapping[str, Any] | None) -> str:
    """Say what is done to the application during a load."""
    match during:
        case {"fault": name}:
            return f" with the fault {name}"
        case {"restart": deployment}:
            return f" while {deployment} is restarted"
        case {"scale": {"deployment": deployment, "replicas": replicas}}:
            return f" while {deployment} is scaled to {replicas}"
        case {"release": {"deployment": deployment, "image": image}}:
            return f" while {deployment} is rolled to {image}"
        case _:
            return ""
