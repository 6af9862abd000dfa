"""One Load, from Pending to its end: a pod that sends, and a status that says how it went.

    Pending ──▶ Running ──▶ Completed   the whole schedule came due
       │           ├──────▶ Stopped     somebody set spec.stop
       └───────────┴──────▶ Failed      refused, or its pod did not start, crashed, broke off or vanished

The pod belongs to the Load, so it goes when the Load is deleted. A stopped load's pod is not deleted: its deadline is
moved to now, so that the kubelet ends it and its log can still be read. The log's last line, the summary, also tells
that the load is over a second or two before the pod's status does. Only a pod in its first second is deleted: it has
nothing to tell yet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.faults.resource import from_rfc3339, to_rfc3339
from wavetank.kube import Kube, Obj, is_over
from wavetank.kube.refused import is_for_good, refused_by
from wavetank.operator.look import FINISHED, Look, News, age_of, refuse_stale
from wavetank.operator.rules import check_load
from wavetank.traffic.manifest import load_pod, pod_name
from wavetank.traffic.pod import HELD, NOT_HELD
from wavetank.traffic.record import Second, Summary, not_held, parse_line
from wavetank.traffic.resource import ENDED, Load
from wavetank.waves import is_held

__all__ = ["LoadTender"]

_SOON = 1.0
_AT_ONCE = 0.2
_CHECK_EVERY = 10.0
"""Seconds between looks at a load that runs; what happens to its pod is told by the pod's own events."""
_START_WITHIN = timedelta(seconds=60)
_TELLS_AFTER = timedelta(seconds=1)
"""A load reports once a second."""
_PAST_DEADLINE = timedelta(seconds=2)
"""A pod of this age is past a deadline of 1 s (times are whole seconds), so that the kubelet ends it at once; one that
is not yet would be looked at with the kubelet's next round only."""
_STOP_WITHIN = 5.0
"""Seconds a pod may take to end after it was stopped; then it is deleted."""
_ENDED_ITSELF = (HELD, NOT_HELD)
"""Exit codes of a load pod that has told all."""


class LoadTender:
    """Tends one Load; every `look` does what is to be done now. One thread at a time may look."""

    def __init__(self, kube: Kube, namespace: str, name: str, uid: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._uid = uid
        self._stopping_since: float | None = None

    def look(self) -> Look:
        """Do what is to be done now. Raises `KubeError` when the cluster does not let it: look again."""
        resource = self._kube.find("Load", self._name, self._namespace)
        if resource is None or resource["metadata"]["uid"] != self._uid:
            return FINISHED  # its pod goes with it
        status = resource.get("status", {})
        if "deletionTimestamp" in resource["metadata"]:
            if "pod" in status:
                self._let_go(pod_name(resource))
            return FINISHED
        if status.get("phase") in ENDED:
            return FINISHED
        if "pod" not in status:
            return self._begin(resource)
        name = pod_name(resource)  # and not what its status says, which others may write
        pod = self._kube.find("Pod", name, self._namespace)
        if pod is None:
            return self._finish("Failed", f"its pod {name} is gone")
        if is_over(pod):
            return self._sum_up(resource, pod)
        if resource["spec"].get("stop"):
            return self._stop(resource, pod)
        if pod["status"]["phase"] == "Running":
            return self._run(resource, pod)
        return self._start(pod)

    def _begin(self, resource: Obj) -> Look:
        if resource["spec"].get("stop"):
            return self._finish("Stopped", "stopped before it began")
        if not is_held(resource):
            return Look(again=_SOON)
        try:
            load = Load.from_resource(resource)
            refuse_stale(resource, load.duration)
            check_load(self._kube, load, self._namespace)
            pod = load_pod(resource)
        except InputError as error:
            return self._finish("Failed", "; ".join(part for part in (error.summary, error.help.observed) if part))
        try:
            self._kube.create(pod)
        except KubeError as error:
            if is_for_good(error):
                return self._finish("Failed", f"its pod is refused: {error.summary}{_mended_by(error)}")
            if error.status != HTTPStatus.CONFLICT:  # made by a look that did not come to write it down
                self._write({"phase": "Pending", "message": f"its pod cannot be made yet: {error.summary}"})
                raise
        name = pod["metadata"]["name"]
        self._write({"phase": "Pending", "pod": name, "message": "its pod is starting"})
        return Look(again=_SOON)

    def _start(self, pod: Obj) -> Look:
        why = self._kube.explain_pod(pod).reason
        if age_of(pod) > _START_WITHIN:
            self._kube.delete_object("Pod", pod["metadata"]["name"], self._namespace, grace=0)
            return self._finish("Failed", f"its pod did not start within {_START_WITHIN.seconds} s: {why}")
        self._write({"message": f"its pod is starting: {why}"})
        return Look(again=_SOON)

    def _run(self, resource: Obj, pod: Obj) -> Look:
        if resource["status"].get("phase") == "Running":
            return Look(again=_CHECK_EVERY)
        load = Load.from_resource(resource)
        started = from_rfc3339(_container(pod)["state"].get("running", {}).get("startedAt")) or datetime.now(UTC)
        ends = started + timedelta(seconds=load.duration)
        message = f"up to {load.rate:g} requests a second to {load.target.url}"
        self._write(
            {"phase": "Running", "startedAt": to_rfc3339(started), "endsAt": to_rfc3339(ends), "message": message}
        )
        return Look(again=_CHECK_EVERY, news=(News("Started", f"{message} until {ends:%H:%M:%S} UTC"),))

    def _stop(self, resource: Obj, pod: Obj) -> Look:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        name = pod["metadata"]["name"]
        age = _running_since(pod)
        if age < _TELLS_AFTER:
            self._kube.delete_object("Pod", name, self._namespace, grace=0)
            return self._finish("Stopped", "stopped as it started: what it may have sent was not counted")
        if time.monotonic() - self._stopping_since > _STOP_WITHIN:
            self._kube.delete_object("Pod", name, self._namespace, grace=0)
            return self._finish("Stopped", f"its pod {name} did not end in time and was deleted")
        if age < _PAST_DEADLINE:
            return Look(again=_AT_ONCE)
        if pod["spec"].get("activeDeadlineSeconds") != 1:
            self._kube.patch("Pod", name, self._namespace, {"spec": {"activeDeadlineSeconds": 1}})
        elif pod["status"]["phase"] == "Running" and _figures(self._last_line(pod)):
            return self._sum_up(resource, pod)
        return Look(again=_AT_ONCE)

    def _sum_up(self, resource: Obj, pod: Obj) -> Look:
        name, log = pod["metadata"]["name"], self._last_line(pod)
        figures, code = _figures(log), _container(pod)["state"].get("terminated", {}).get("exitCode")
        counted = {key: figures[key] for key in ("sent", "failed") if key in figures}
        words = f"{figures.get('sent', 0)} sent, {figures.get('failed', 0)} failed"
        if resource["spec"].get("stop"):
            return self._finish("Stopped", words, counted)
        if code in _ENDED_ITSELF and not _broke_off(resource, figures):
            return self._finish("Completed", words + _schedule(code, figures), counted)
        so_far = self._told(name)
        reported, reason = so_far.seconds, pod["status"].get("reason")
        why = f"its pod {name} ended with {reason or f'exit code {code}'}"
        if not reported:
            return self._finish("Failed", f"{why}; its last words: {log or 'none'}", counted)
        counted = {"sent": so_far.sent, "failed": so_far.failed}
        broke_off = f"it broke off after {reported} s of {resource['spec']['duration']}: {why}; {so_far!r}"
        return self._finish("Failed", broke_off, counted)

    def _told(self, pod: str) -> Summary:
        """Return the sum of the seconds that are in the pod's log."""
        lines = self._kube.logs(pod, self._namespace).splitlines()
        return Summary.of(told for line in lines if isinstance(told := _parsed(line), Second))

    def _let_go(self, name: str) -> None:
        """Delete the pod of a load that is deleted; where the operator is shut out by now, it goes with its load."""
        try:
            self._kube.delete_object("Pod", name, self._namespace)
        except KubeError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise

    def _last_line(self, pod: Obj) -> str:
        return self._kube.logs(pod["metadata"]["name"], self._namespace, tail=1).strip()

    def _finish(self, phase: str, message: str, counted: Mapping[str, int] | None = None) -> Look:
        try:
            self._write({"phase": phase, "message": message, **(counted or {})})
        except NotFoundError:  # deleted: nobody is left to be told
            return FINISHED
        return Look(None, (News(phase, message, "Warning" if phase == "Failed" else "Normal"),))

    def _write(self, status: dict[str, Any]) -> None:
        self._kube.patch("Load", self._name, self._namespace, {"status": status}, subresource="status")


def _broke_off(resource: Obj, figures: Mapping[str, Any]) -> bool:
    """Tell whether a load was ended before all was due: by the kubelet after a sleep, or with its node."""
    requests = Load.from_resource(resource).requests
    return bool(figures.get("scheduled", requests) < requests)


def _mended_by(error: KubeError) -> str:
    """Say what to do about a refusal by something that is in the namespace."""
    in_the_way = refused_by(error)
    return f"; take the {in_the_way} away, or let goto do it" if in_the_way else ""


def _running_since(pod: Obj) -> timedelta:
    """Return how long the pod's container runs; nothing before it does."""
    started = from_rfc3339(_container(pod)["state"].get("running", {}).get("startedAt"))
    return datetime.now(UTC) - started if started else timedelta()


def _container(pod: Obj) -> Obj:
    statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
    container: Obj = statuses[0]
    return container


def _figures(line: str) -> Mapping[str, Any]:
    """Return the figures of a summary line; nothing for any other last words."""
    told = _parsed(line)
    return told if isinstance(told, dict) else {}


def _parsed(line: str) -> Second | dict[str, Any] | None:
    """Return what a line of the log tells, None for any other words."""
    try:
        return parse_line(line)
    except InputError:
        return None


def _schedule(code: int, figures: Mapping[str, Any]) -> str:
    """Return what to add about a schedule that was not held."""
    return f"; {not_held(figures.get('unsent', 0), figures.get('still', 0.0))}" if code == NOT_HELD else ""
