"""A fault in the cluster, as whoever asked for it sees it: inject it, see how long it lasts, stop it, stop everything.

Nothing is kept here but a name. What is asked for is written into a resource; the operator in the cluster does it and
undoes it, whatever becomes of the process that asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from wavetank.errors import NotFoundError, WaitTimeoutError
from wavetank.faults.resource import Fault, FaultStatus
from wavetank.kube import Kube, Obj
from wavetank.kube.watch import SYNCED, changes
from wavetank.waves import ENDED, STOP_WITHIN, begin, bring_operator_back, is_over, operator_away

__all__ = ["Ended", "FaultRun", "active_faults", "emergency_stop", "inject"]

_BEGIN_WITHIN = 15.0
_REVERT_WITHIN = 45.0
"""Seconds a fault may outlast its end before that is an error: putting back takes one or two, and may be refused."""


def inject(kube: Kube, fault: Fault, namespace: str) -> FaultRun:
    """Create the Fault in ``namespace``, in the place of an ended one of its name, and return its run.

    Returns without waiting for the effect: see `FaultRun.wait_active`. Raises `InputError` when a fault of this name is
    still on, `KubeError` in the cluster's words when the target does not exist.
    """
    begin(kube, fault.to_resource(namespace), "on")
    return FaultRun(kube, fault.name, namespace)


def active_faults(kube: Kube, namespace: str | None = None) -> list[FaultStatus]:
    """Return every Fault of ``namespace`` (None: of the cluster) that has not ended, by name."""
    faults = [FaultStatus.from_resource(resource) for resource in kube.list("Fault", namespace)]
    return sorted((fault for fault in faults if not fault.ended), key=lambda fault: (fault.namespace, fault.name))


def _has_effect(fault: FaultStatus) -> bool:
    """Tell it from one that is in place and that nobody notices, which is Pending again."""
    return fault.phase == "Active" and bool(fault.affected)


@dataclass(frozen=True, slots=True)
class FaultRun:
    """One Fault in the cluster, on or over."""

    kube: Kube
    name: str
    namespace: str

    def status(self) -> FaultStatus:
        """Return what the cluster reports now. Raises `NotFoundError` when the Fault was deleted."""
        return FaultStatus.from_resource(self.kube.get("Fault", self.name, self.namespace))

    def time_left(self) -> float:
        """Return the seconds until it ends by itself; 0 when it is over or has not begun."""
        return self.status().time_left()

    def wait_active(self) -> FaultStatus:
        """Return once it has an effect on something, or is over. Raises `WaitTimeoutError` after 15 seconds."""
        return self._wait(lambda fault: _has_effect(fault) or fault.ended, _BEGIN_WITHIN, "to take effect")

    def wait_reverted(self) -> FaultStatus:
        """Return once the fault is over, at the latest some seconds after its end. Raises `WaitTimeoutError`."""
        status = self.wait_active()
        return self._wait(lambda fault: fault.ended, status.time_left() + _REVERT_WITHIN, "to be over")

    def stop(self) -> FaultStatus:
        """End the fault now and return when everything is put back; stopping an ended fault does nothing."""
        self.kube.patch("Fault", self.name, self.namespace, {"spec": {"stop": True}})
        return self._wait(lambda fault: fault.ended, STOP_WITHIN, "to end after it was asked to stop")

    def _wait(self, met: Callable[[FaultStatus], bool], timeout: float, words: str) -> FaultStatus:
        resource = self.kube.wait_for(
            "Fault",
            self.name,
            self.namespace,
            lambda obj: obj is not None and met(FaultStatus.from_resource(obj)),
            timeout=timeout,
            waiting_for=f"the fault {self.name} {words}",
        )
        return FaultStatus.from_resource(resource)


@dataclass(frozen=True, slots=True)
class Ended:
    """A Load or Fault that the emergency stop has ended."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def emergency_stop(kube: Kube) -> list[Ended]:
    """End every Load and every Fault in every namespace, and return what was ended once it has ended.

    All are asked within a moment, and the operator needs less than 2 seconds. Without an operator no request is sent
    any more either, and faults in the application end by themselves. Raises `WaitTimeoutError` naming what is still
    going on after 10 seconds, and `ClusterError` for a cluster that is not Wavetank's: what burns is another one.
    """
    kube.require_mark()
    deadline = time.monotonic() + STOP_WITHIN
    going = list(_going(kube))
    if going:
        with ThreadPoolExecutor(max_workers=min(len(going), 6), thread_name_prefix="emergency-stop") as pool:
            for kind in ENDED:  # loads first: their pods take longest to end
                list(pool.map(lambda one: _ask_to_stop(kube, one), [one for one in going if one.kind == kind]))
        if operator_away(kube):
            _end_traffic(kube, [one for one in going if one.kind == "Load"])
    for kind in {one.kind for one in going}:
        _wait_until_over(kube, kind, {one for one in going if one.kind == kind}, deadline)
    if left := set(going) & set(_going(kube)):
        observed, away = "still going on: " + ", ".join(sorted(map(str, left))), operator_away(kube)
        raise WaitTimeoutError(
            f"not everything has ended within {STOP_WITHIN:g} s",
            observed=f"{observed}; {away}" if away else observed,
            command=kube.connection.kubectl("-n", "wavetank-system", "get", "deployments,pods"),
            hint=bring_operator_back(kube) if away else "the operator ends loads and faults: what does its log say?",
        )
    return sorted(going, key=str)


def _going(kube: Kube) -> Iterator[Ended]:
    for kind in ENDED:
        try:
            resources = kube.list(kind)
        except NotFoundError:  # a cluster without Wavetank's kinds has nothing to end
            continue
        yield from (_of(resource) for resource in resources if not is_over(resource))


def _ask_to_stop(kube: Kube, one: Ended) -> None:
    with suppress(NotFoundError):  # deleted meanwhile, which ends it too
        kube.patch(one.kind, one.name, one.namespace, {"spec": {"stop": True}})


def _end_traffic(kube: Kube, loads: Iterable[Ended]) -> None:
    """Delete the pods of ``loads``, since there is nobody who would end them otherwise."""
    for one in loads:
        status = (kube.find("Load", one.name, one.namespace) or {}).get("status", {})
        if "pod" in status:
            kube.delete_object("Pod", status["pod"], one.namespace, grace=0)


def _wait_until_over(kube: Kube, kind: str, pending: set[Ended], deadline: float) -> None:
    """Return when all of ``pending`` are over or gone, or at the deadline."""
    listed: set[Ended] = set()
    for change, resource in changes(kube, kind, timeout=max(0.1, deadline - time.monotonic())):
        if change == SYNCED:
            pending &= listed  # the others were gone before the watch began
        elif change == "DELETED" or is_over(resource):
            pending.discard(_of(resource))
        else:
            listed.add(_of(resource))
        if not pending:
            return


def _of(resource: Obj) -> Ended:
    return Ended(resource["kind"], resource["metadata"]["namespace"], resource["metadata"]["name"])
