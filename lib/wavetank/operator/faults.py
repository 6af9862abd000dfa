"""One Fault, from Pending to its end: inject, hold, revert.

    Pending ──▶ Active ──▶ Reverted   its time was over, or it acts only once and has acted
       │           ├─────▶ Stopped    somebody set spec.stop, or deleted it
       └───────────┴─────▶ Failed     refused, never took effect, or could not be put back

It is Active while something is affected. What has to be known for reverting is in the status before anything is
changed, so a look after a restart of the operator goes on where the last one ended. What cannot be reverted is tried
again until it can. A Fault that is deleted is reverted first (its finalizer waits for that), but never for longer than
`GIVE_UP_AFTER`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.faults.breakers import BREAKERS
from wavetank.faults.mesh import PARTS
from wavetank.faults.resource import ENDED, Fault, from_rfc3339, to_rfc3339
from wavetank.faults.switch import SWITCHED
from wavetank.kube import Kube, Obj
from wavetank.operator.effects import Effect, Order, Outcome
from wavetank.operator.look import FINISHED, Look, News, latest_end, refuse_stale
from wavetank.operator.mesh import InjectInMesh
from wavetank.operator.objects import BreakObject
from wavetank.operator.pods import CrashContainers, KillPods, SwitchInPods
from wavetank.operator.rules import check_fault
from wavetank.waves import is_held

__all__ = ["EFFECTS", "GIVE_UP_AFTER", "FaultTender"]

GIVE_UP_AFTER = 30.0
"""Seconds of failing to revert after which a deleted fault is let go, with what is to be put back in its status."""
_SOON = 1.0
_BREAKING = threading.Lock()
"""Two faults must not plan to change the same value at the same time."""

EFFECTS: Mapping[str, Effect] = {
    **dict.fromkeys(BREAKERS, BreakObject()),
    **dict.fromkeys(PARTS, InjectInMesh()),
    **dict.fromkeys(SWITCHED, SwitchInPods()),
    "container-crash": CrashContainers(),
    "pod-kill": KillPods(),
}
"""How each kind of fault in the catalogue is brought about."""


class FaultTender:
    """Tends one Fault; every `look` does what is to be done now. One thread at a time may look."""

    def __init__(self, kube: Kube, namespace: str, name: str, uid: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._uid = uid
        self._last: Obj | None = None
        self._failing_since: float | None = None

    def look(self) -> Look:
        """Do what is to be done now. Raises `KubeError` when the cluster does not let it: look again."""
        resource = self._kube.find("Fault", self._name, self._namespace)
        if resource is None or resource["metadata"]["uid"] != self._uid:
            return self._look_after_gone()
        self._last = resource
        status = resource.get("status", {})
        if status.get("phase") in ENDED:
            return FINISHED
        if "original" not in status:
            return self._begin(resource)
        try:
            if _is_leaving(resource) or self._order(resource).seconds_left == 0:
                return self._end(resource)
            return self._hold(resource)
        except InputError as error:  # somebody else has written its status: what that says is not done
            return self._finish("Failed", _one_line(error))

    def _begin(self, resource: Obj) -> Look:
        now = datetime.now(UTC)
        if _is_leaving(resource):
            return self._finish("Stopped", "ended before it began")
        if not is_held(resource):
            return Look(again=_SOON)  # it could vanish while it is being injected
        try:
            fault = Fault.from_resource(resource)
            refuse_stale(resource, fault.duration)
            with _BREAKING if fault.kind in BREAKERS.keys() | PARTS.keys() else nullcontext():
                check_fault(self._kube, fault, self._namespace, self._uid)
                ends_at = _rounded_up(now + timedelta(seconds=fault.duration))
                order = Order(self._kube, fault, self._namespace, self._uid, ends_at)
                original = EFFECTS[fault.kind].prepare(order)
                if original is None:
                    self._write({"phase": "Pending", "message": "waiting for a running pod"})
                    return Look(again=_SOON)
                resource = self._write(
                    {
                        "phase": "Pending",
                        "startedAt": to_rfc3339(now),
                        "endsAt": to_rfc3339(ends_at),
                        "affected": [],
                        "original": original,
                        "message": "being injected",
                    }
                )
        except InputError as error:
            return self._finish("Failed", f"refused: {_one_line(error)}")
        return self._hold(resource)

    def _hold(self, resource: Obj) -> Look:
        order, status = self._order(resource), resource["status"]
        outcome = EFFECTS[order.fault.kind].act(order, status["original"], status.get("affected", ()))
        if outcome.over:
            return self._finish(
                "Reverted" if outcome.affected else "Failed",
                outcome.message,
                affected=list(outcome.affected),
                news=_injected(order, outcome) if outcome.affected else None,
            )
        phase = "Active" if outcome.affected and not outcome.idle else "Pending"
        changes = {"phase": phase, "affected": list(outcome.affected), "message": outcome.message}
        if any(status.get(name) != value for name, value in changes.items()):
            self._write(changes)
        again = min(order.seconds_left, _SOON) if outcome.pending else order.seconds_left
        first = bool(outcome.affected) and not status.get("affected")
        return Look(again, (_injected(order, outcome),) if first else ())

    def _end(self, resource: Obj) -> Look:
        order, status = self._order(resource), resource["status"]
        affected = status.get("affected", ())
        try:
            message = EFFECTS[order.fault.kind].revert(order, status["original"], affected)
        except KubeError as error:
            if "deletionTimestamp" not in resource["metadata"] or not self._gives_up(error):
                with suppress(KubeError):
                    self._write({"message": f"not put back yet, and tried again: {_one_line(error)}"})
                raise
            return self._finish("Failed", f"could not be put back, see status.original: {_one_line(error)}")
        if _is_leaving(resource):
            return self._finish("Stopped", message)
        if not affected:
            return self._finish("Failed", f"never took effect: {status.get('message', '')}")
        return self._finish("Reverted", message)

    def _look_after_gone(self) -> Look:
        """Revert what is known from the last look: somebody has taken the finalizer away and the Fault with it."""
        status = self._last.get("status", {}) if self._last is not None else {}
        if self._last is None or "original" not in status or status["phase"] in ENDED:
            return FINISHED
        order = self._order(self._last)
        try:
            EFFECTS[order.fault.kind].revert(order, status["original"], status.get("affected", ()))
        except InputError:
            return FINISHED
        except KubeError as error:
            if not self._gives_up(error):
                raise
        return FINISHED

    def _gives_up(self, error: KubeError) -> bool:
        """Tell, at a failure to revert, whether it has failed for too long, or will not be let in any more.

        A namespace that is deleted may lose the operator's binding before the last of its faults.
        """
        if error.status == HTTPStatus.FORBIDDEN:
            return True
        self._failing_since = self._failing_since or time.monotonic()
        return time.monotonic() - self._failing_since >= GIVE_UP_AFTER

    def _finish(self, phase: str, message: str, affected: list[str] | None = None, news: News | None = None) -> Look:
        changes: dict[str, Any] = {"phase": phase, "message": message}
        if affected is not None:
            changes["affected"] = affected
        try:
            self._write(changes)
        except NotFoundError:  # deleted: nobody is left to be told
            return FINISHED
        end = News(phase, message, "Warning" if phase == "Failed" else "Normal")
        return Look(None, (news, end) if news else (end,))

    def _write(self, status: Obj) -> Obj:
        self._last = self._kube.patch("Fault", self._name, self._namespace, {"status": status}, subresource="status")
        return self._last

    def _order(self, resource: Obj) -> Order:
        ends_at, fault = from_rfc3339(resource["status"].get("endsAt")), Fault.from_resource(resource)
        if ends_at is None:
            raise InputError(f"the Fault {self._name} has an original but no end", expected="status.endsAt")
        return Order(self._kube, fault, self._namespace, self._uid, min(ends_at, latest_end(resource, fault.duration)))


def _rounded_up(moment: datetime) -> datetime:
    """Return the end of the second: times are written to the second, and no fault is shorter than asked."""
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0)


def _is_leaving(resource: Obj) -> bool:
    return bool(resource["spec"].get("stop")) or "deletionTimestamp" in resource["metadata"]


def _injected(order: Order, outcome: Outcome) -> News:
    until = "" if order.fault.described.once else f" until {order.ends_at:%H:%M:%S} UTC"
    return News("Injected", f"{order.fault}{until}: {outcome.message}")


def _one_line(error: InputError | KubeError) -> str:
    parts = [error.summary, error.help.observed, f"expected {error.help.expected}" if error.help.expected else ""]
    return "; ".join(part for part in parts if part)
