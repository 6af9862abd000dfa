"""One at a time: who holds the Lease works, everybody else waits.

Two at once would undo each other's objects whenever they are of different versions. The protocol is client-go's
(tools/leaderelection): the holder renews; who sees the same renewal for the whole duration of the Lease, by its own
clock, takes over; a holder that could not renew for a good while less than that stops in time.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import Kind, Kube, Obj
from wavetank.kube.connection import ONCE

__all__ = ["LEASE", "LeadershipLostError", "Lease"]

LEASE: Kind = ("coordination.k8s.io/v1", "Lease")
_DURATION = 20
"""Seconds after which a holder that says nothing has lost it."""
_RENEW_EVERY = 2.0
_GIVE_UP_AFTER = 10.0
_ANSWER_WITHIN = 1.5
"""For connecting and for each answer. A try is two questions, and once a minute a third: whose cluster it is. It takes
9 s at most, so the last one is over before anybody takes over."""


class LeadershipLostError(Exception):
    """The Lease could not be renewed in time, or is somebody else's now: stop at once."""


class Lease:
    """The Lease ``name`` in ``namespace``, for one process: ``identity`` is different for each."""

    def __init__(self, kube: Kube, namespace: str, name: str, identity: str) -> None:
        self._kube, self._namespace, self._name, self._identity = kube, namespace, name, identity
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = 0.0

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until this process holds the Lease; returns False if ``stop`` is set before."""
        while not stop.is_set():
            with suppress(KubeError):
                if self._take():
                    return True
            stop.wait(_RENEW_EVERY)
        return False

    def keep(self, stop: threading.Event) -> None:
        """Renew until ``stop`` is set. Raises `LeadershipLostError`."""
        renewed, trouble = time.monotonic(), ""
        while not stop.wait(_RENEW_EVERY):
            began = time.monotonic()
            try:
                if began - renewed < _GIVE_UP_AFTER:
                    if not self._take():
                        raise LeadershipLostError(f"the Lease {self._name} is held by {self._seen[0]} now")
                    renewed = began
            except KubeError as error:
                trouble = error.summary
            if time.monotonic() - renewed >= _GIVE_UP_AFTER:
                raise LeadershipLostError(f"the Lease {self._name} could not be renewed: {trouble}")

    def release(self) -> None:
        """Let the next one begin at once."""
        with suppress(KubeError):
            lease = self._read()
            if lease and lease["spec"].get("holderIdentity") == self._identity:
                self._write({**lease, "spec": {**lease["spec"], "holderIdentity": ""}})

    def _take(self) -> bool:
        """Take the Lease or renew it, if nobody else holds it; tell whether it is this process's now."""
        lease = self._read()
        spec = lease["spec"] if lease else {}
        holder, renewal = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
        if (holder, renewal) != self._seen:
            self._seen, self._seen_at = (holder, renewal), time.monotonic()
        is_mine = holder == self._identity
        if holder and not is_mine and time.monotonic() - self._seen_at < spec.get("leaseDurationSeconds", _DURATION):
            return False
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        taken = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": _DURATION,
            "acquireTime": spec.get("acquireTime") if is_mine else now,
            "renewTime": now,
            "leaseTransitions": (spec.get("leaseTransitions") or 0) + (0 if is_mine else 1),
        }
        try:
            self._write({**(lease or self._new()), "spec": {**spec, **taken}})
        except KubeError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return False  # somebody was faster
        return True

    def _new(self) -> Obj:
        labels = {"app.kubernetes.io/managed-by": "wavetank"}
        metadata = {"name": self._name, "namespace": self._namespace, "labels": labels}
        return {"apiVersion": LEASE[0], "kind": LEASE[1], "metadata": metadata}

    def _read(self) -> Obj | None:
        try:
            return self._call("GET", self._name)
        except NotFoundError:
            return None

    def _write(self, lease: Obj) -> None:
        """Write what was read, refused if it has changed since, or what is new."""
        if "resourceVersion" in lease["metadata"]:
            self._call("PUT", self._name, lease)
        else:
            self._call("POST", "", lease)

    def _call(self, method: str, name: str, lease: Obj | None = None) -> Obj:
        path = self._kube.kinds.find(LEASE).path(self._namespace, name)
        return self._kube.connection.call(method, path, body=lease, timeout=_ANSWER_WITHIN, retries=ONCE)
