"""Measuring cold starts: wait until nothing of a service runs, ask it through the gateway, watch its pod come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from wavetank.errors import InputError, KubeError, WaitTimeoutError
from wavetank.kube import Kube, Obj
from wavetank.kube.watch import SYNCED, changes
from wavetank.observe.serverless.coldstart import (
    ColdStart,
    ColdStarts,
    Moments,
    Seen,
    cold_start,
    moments_of,
    process_age,
)
from wavetank.observe.serverless.conditions import condition
from wavetank.observe.serverless.revisions import POD_AUTOSCALER, SERVICE, SERVICE_LABEL
from wavetank.pasted import pasted

__all__ = ["MOST", "measure", "samples"]

MOST = 100
"""Cold starts that are measured at most."""
_ASLEEP_WITHIN = 120.0
"""Seconds until a service is at zero: a stable window of a minute, half a minute of grace, and the pod's own end."""
_ANSWER_WITHIN = 60.0
_NEWS_WITHIN = 5.0
"""Seconds that news of a pod may come after its answer."""
_TRIES = 3


def measure(kube: Kube, namespace: str, service: str, gateway: str, path: str = "/") -> ColdStart:
    """Wait until ``service`` is at zero, send it one request, and return where the time went.

    ``gateway`` is the address that leads into the cluster from here, such as ``http://127.0.0.1:8081``; the name that
    Knative has given the service goes with the request. A request that a pod on its way out has answered, because the
    gateway had not heard of that yet, is none to measure: there is another one.

    Raises `WaitTimeoutError` when the service does not get to zero within two minutes, `KubeError` when it has no
    address, its answer is no success, or no new pod gave it.
    """
    host = _host(kube, namespace, service)
    for _ in range(_TRIES):
        _await_zero(kube, namespace, service)
        with _PodWatch(kube, namespace, service) as watch:
            answer = _ask(gateway, host, path)
            moments = watch.moments(answer.sent, answer.answered)
        if answer.status >= 400:
            raise KubeError(
                f"{service} answered {answer.status} after {answer.answered - answer.sent:.1f} s",
                status=answer.status,
                expected="an answer below 400",
                command=_get_revisions(kube, namespace, service),
            )
        start = cold_start(moments, process_age(answer.headers)) if moments else None
        if start and (start.process is None or start.process <= start.whole):
            return start
    raise KubeError(
        f"no new pod of {service} was seen to answer",
        observed=f"{_TRIES} answers, " + ("by pods that were there before" if start else "and no new pod that runs"),
        expected="an answer by a new pod, since there was none before",
        command=kube.connection.kubectl("-n", namespace, "get", "pods"),
    )


def samples(
    kube: Kube,
    namespace: str,
    service: str,
    gateway: str,
    path: str = "/",
    count: int = 10,
    *,
    report: Callable[[ColdStarts], None] = lambda starts: None,
    stop: threading.Event | None = None,
) -> ColdStarts:
    """Measure ``count`` cold starts (1 to 100), one after the other; ``report`` is told after each.

    Ends early, with what it has, when ``stop`` is set: the one under way is the last. Raises as `measure` does.
    """
    if not 1 <= count <= MOST:
        raise InputError("so many cold starts cannot be measured", observed=f"{count}", expected=f"from 1 to {MOST}")
    starts = ColdStarts(service)
    while len(starts.starts) < count and not (stop and stop.is_set()):
        starts = ColdStarts(service, (*starts.starts, measure(kube, namespace, service, gateway, path)))
        report(starts)
    return starts


@dataclass(frozen=True, slots=True)
class _Answer:
    sent: float
    answered: float
    status: int
    headers: dict[str, str]


class _PodWatch:
    """The pods of a service from now on, each with the moment at which it was told of; a context manager."""

    def __init__(self, kube: Kube, namespace: str, service: str) -> None:
        self._kube, self._namespace, self._service = kube, namespace, service
        self._seen: list[Seen] = []
        self._changed, self._listed, self._stop = threading.Condition(), threading.Event(), threading.Event()
        self._error: KubeError | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> _PodWatch:
        self._thread.start()
        self._listed.wait(_NEWS_WITHIN)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def moments(self, sent: float, answered: float) -> Moments | None:
        """Return the moments of the new pod as soon as they are known, None if none comes to run."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or moments_of(sent, answered, self._seen), _NEWS_WITHIN)
            moments = moments_of(sent, answered, self._seen)
        if self._error and moments is None:
            raise self._error
        return moments

    def _follow(self) -> None:
        selector = f"{SERVICE_LABEL}={self._service}"
        told = changes(self._kube, "Pod", self._namespace, selector, timeout=None, stop=self._stop)
        try:
            for type_, obj in told:
                at = time.monotonic()
                if type_ == SYNCED:
                    self._listed.set()
                elif type_ != "DELETED" and "deletionTimestamp" not in obj["metadata"]:
                    self._take(Seen(at, obj))
        except KubeError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            self._listed.set()

    def _take(self, seen: Seen) -> None:
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()


def _host(kube: Kube, namespace: str, service: str) -> str:
    """Return the name under which the gateway knows a service."""
    url = (kube.get(SERVICE, service, namespace).get("status") or {}).get("url", "")
    host: str = urlsplit(url).hostname or ""
    if not host:
        raise KubeError(
            f"the Knative Service {service} has no address yet",
            expected="a URL in its status",
            command=_get_revisions(kube, namespace, service),
        )
    return host


def _await_zero(kube: Kube, namespace: str, service: str) -> None:
    """Wait until no request reaches a pod of the service: each is held until there is a new one.

    The autoscaler says first that it is done with a revision, then its pods are ended.
    """
    own = f"{SERVICE_LABEL}={service}"
    with suppress(WaitTimeoutError):  # which pods are there still is what the error below says
        for autoscaler in kube.list(POD_AUTOSCALER, namespace, own):
            name = autoscaler["metadata"]["name"]
            kube.wait_for(POD_AUTOSCALER, name, namespace, _is_inactive, timeout=_ASLEEP_WITHIN)
    there: dict[str, Obj] = {}
    synced = False
    for type_, obj in changes(kube, "Pod", namespace, own, timeout=_ASLEEP_WITHIN):
        if type_ == SYNCED:
            synced = True
        elif type_ == "DELETED" or "deletionTimestamp" in obj["metadata"]:
            there.pop(obj["metadata"]["uid"], None)
        else:
            there[obj["metadata"]["uid"]] = obj
        if synced and not there:
            return
    raise WaitTimeoutError(
        f"waited {_ASLEEP_WITHIN:g} s for {service} to be at zero",
        observed=f"{', '.join(sorted(pod['metadata']['name'] for pod in there.values()))} still there",
        command=_get_revisions(kube, namespace, service),
        hint="is somebody asking it, or has one of its revisions a min-scale above 0?",
    )


def _is_inactive(autoscaler: Obj | None) -> bool:
    active = condition(autoscaler, "Active")
    return autoscaler is None or (active is not None and active.holds is False)


def _ask(gateway: str, host: str, path: str) -> _Answer:
    """Send one request on a connection of its own and return when the first byte of its answer came."""
    door = urlsplit(gateway)
    if not door.hostname:
        raise InputError("this is no gateway", observed=gateway, expected="an address such as http://127.0.0.1:8081")
    with closing(HTTPConnection(door.hostname, door.port or 80, timeout=_ANSWER_WITHIN)) as connection:
        sent = time.monotonic()
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            answered = time.monotonic()
            answer.read()
        except (OSError, HTTPException) as error:
            raise KubeError(
                f"{host} gave no answer through the gateway at {gateway}",
                observed=f"{type(error).__name__}: {error}".rstrip(": "),
                command=pasted("curl", "-i", "-H", f"Host: {host}", f"{gateway}{path}"),
            ) from error
    return _Answer(sent, answered, answer.status, {name.lower(): value for name, value in answer.headers.items()})


def _get_revisions(kube: Kube, namespace: str, service: str) -> str:
    return kube.connection.kubectl("-n", namespace, "get", "revisions", "-l", f"{SERVICE_LABEL}={service}")
