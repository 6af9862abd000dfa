"""A load in the cluster, as the notebook sees it: start it, follow it, sum it up, stop it.

Nothing is kept here but a name: what a load was asked to do is in its resource, what it measured in its pod's log. So
any process can follow any load, from its beginning, as often as it likes, and a restarted kernel has lost nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.kube import Kube, Obj, is_over
from wavetank.traffic.record import Second, Summary, parse_line
from wavetank.traffic.resource import ENDED, Load, LoadStatus
from wavetank.waves import STOP_WITHIN, begin

__all__ = ["LoadRun", "list_loads", "start_load"]

_START_WITHIN = 60.0
"""Seconds until a new load's pod runs: scheduling, and an image that is on the node already."""
_OUTAGE_WITHIN = 300.0
"""Seconds the API server may be away while a load is followed: engines are restarted, machines suspended."""
_TOLD_WITHIN = 15.0
"""Seconds until the operator has said how a load ended whose pod has."""
_SILENT_WITHIN = 15.0
"""Seconds without a line until a stream counts as broken; a load reports once a second."""
_PAUSE = 1.0
_LAST_WORDS = 10


def start_load(kube: Kube, load: Load, namespace: str) -> LoadRun:
    """Create the Load in ``namespace``, in the place of an ended one of its name, and return its run.

    Raises `InputError` when a load of this name is still running, `KubeError` in the cluster's words when it refuses
    the load, such as one whose target does not exist.
    """
    begin(kube, load.to_resource(namespace), "running")
    return LoadRun(kube, load.name, namespace)


def list_loads(kube: Kube, namespace: str | None = None) -> list[LoadStatus]:
    """Return every Load of ``namespace`` (None: of the cluster), running or ended, by name."""
    loads = [LoadStatus.from_resource(resource) for resource in kube.list("Load", namespace)]
    return sorted(loads, key=lambda load: (load.namespace, load.name))


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One Load in the cluster, running or ended."""

    kube: Kube
    name: str
    namespace: str

    def status(self) -> LoadStatus:
        """Return what the cluster reports now. Raises `NotFoundError` when the Load was deleted."""
        return LoadStatus.from_resource(self.kube.get("Load", self.name, self.namespace))

    def follow(
        self, stop: threading.Event | None = None, on_trouble: Callable[[str], None] | None = None
    ) -> Iterator[Second]:
        """Yield each second from the first one, as it is reported, until the load has ended or ``stop`` is set.

        An API server that goes away is waited for, and nothing is lost or told twice: ``on_trouble`` is called with
        what is wrong, and with an empty text when it is mended. Raises `KubeError` with the pod's last words when the
        load never reported anything, `KubeError` after its last second when it broke off, as with its node, and
        `UnreachableError` after five minutes without an answer.
        """
        stop = stop or threading.Event()
        pod = self._pod()
        last, last_words = -1, list[str]()
        for line in self._lines(pod, stop, on_trouble or (lambda trouble: None)):
            try:
                told = parse_line(line)
            except InputError:
                last_words = [*last_words, line][-_LAST_WORDS:]
                continue
            if not isinstance(told, Second):
                if told.get("scheduled", 0) >= self._requests():
                    return
                break
            if told.t > last:
                last = told.t
                yield told
        if last < 0 and not stop.is_set():
            raise KubeError(
                f"the load {self.name} reported nothing",
                observed=self.status().message or f"pod {pod} ended without a line of JSON",
                logs=last_words,
                command=self.kube.connection.kubectl("-n", self.namespace, "logs", pod),
                hint="look at the events of the load and of its pod",
            )
        if not stop.is_set():
            self._refuse_half(last + 1)

    def summary(self) -> Summary:
        """Wait until the load has ended and return the sum of all its seconds."""
        return Summary.of(self.follow())

    def stop(self) -> None:
        """End the load now and return when it has ended; stopping an ended load does nothing."""
        self.kube.patch("Load", self.name, self.namespace, {"spec": {"stop": True}})
        self._await_end(STOP_WITHIN, "the load to end after it was asked to stop")

    def _await_end(self, timeout: float, waiting_for: str) -> Obj | None:
        """Return the load as it is once it has ended, None when it is gone."""
        return self.kube.wait_for(
            "Load",
            self.name,
            self.namespace,
            lambda load: load is None or _phase(load) in ENDED,
            timeout=timeout,
            waiting_for=waiting_for,
        )

    def _refuse_half(self, seconds: int) -> None:
        """Raise `KubeError` when a load that has not told all after ``seconds`` was not stopped."""
        found = self._await_end(_TOLD_WITHIN, "Wavetank's operator to say how the load ended")
        if found and _phase(found) == "Failed":
            raise KubeError(
                f"the load {self.name} broke off after {seconds} s",
                observed=found["status"].get("message", ""),
                expected=f"all {found['spec']['duration']} of it",
                command=self.kube.connection.kubectl("-n", self.namespace, "describe", "load", self.name),
                hint="start it again: what it has told is not the whole",
            )

    def _requests(self) -> int:
        """Return how many requests are due in all."""
        found = self.kube.find("Load", self.name, self.namespace)
        return Load.from_resource(found).requests if found else 0

    def _pod(self) -> str:
        """Return the name of the load's pod once it has started."""
        load = self.kube.wait_for(
            "Load",
            self.name,
            self.namespace,
            lambda load: load is not None and ("pod" in load.get("status", {}) or _phase(load) in ENDED),
            timeout=_START_WITHIN,
            waiting_for="Wavetank's operator to create the load's pod",
        )
        pod: str | None = load["status"].get("pod")
        if pod is None:
            raise KubeError(
                f"the load {self.name} did not start",
                observed=load["status"].get("message", ""),
                command=self.kube.connection.kubectl("-n", self.namespace, "describe", "load", self.name),
                hint="look at the load's events",
            )
        self.kube.wait_for(
            "Pod",
            pod,
            self.namespace,
            lambda pod: pod is None or pod["status"]["phase"] != "Pending",
            timeout=_START_WITHIN,
            waiting_for="the load's pod to start",
        )
        return pod

    def _lines(self, pod: str, stop: threading.Event, on_trouble: Callable[[str], None]) -> Iterator[str]:
        """Yield the pod's log, again from its beginning each time the stream broke, until the pod has ended."""
        away_since: float | None = None
        while not stop.is_set():
            try:
                ended = self._has_ended(pod)
                for line in self.kube.follow_logs(pod, self.namespace, stop=stop, silence=_SILENT_WITHIN):
                    if away_since is not None:
                        away_since = None
                        on_trouble("")
                    yield line
                if ended:
                    return
            except NotFoundError:
                return
            except KubeError as error:
                if 400 <= error.status < 500:
                    raise
                now = time.monotonic()
                if away_since is None:
                    away_since = now
                    on_trouble(error.summary)
                if now - away_since > _OUTAGE_WITHIN:
                    raise
            stop.wait(_PAUSE)

    def _has_ended(self, pod: str) -> bool:
        found = self.kube.find("Pod", pod, self.namespace)
        return found is None or is_over(found)


def _phase(load: Obj) -> str:
    phase: str = load.get("status", {}).get("phase", "Pending")
    return phase
