"""List, then watch, as one stream of changes that survives what happens to a watch.

A watch ends for many reasons that are no failure: the server ends it after a while, its history is compacted (410), a
connection breaks. Each is mended here, from where the stream was or by listing again and telling what changed
meanwhile. Only an API server that stays away is told to the caller.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from wavetank.errors import KubeError, UnreachableError
from wavetank.kube.client import Client
from wavetank.kube.connection import Obj
from wavetank.kube.kinds import Kind
from wavetank.kube.refusals import hangs, refusal

__all__ = ["BACK", "LOST", "SYNCED", "Change", "changes"]

Change = tuple[str, Obj]
"""``("ADDED" | "MODIFIED" | "DELETED", object)``, and the kinds of news named below."""

LOST, BACK = "LOST", "BACK"
SYNCED = "SYNCED"

OUTAGE_BOUND = 10.0
"""How many seconds the API server may stay away before it is an error."""
SEGMENT, GRACE = 10, 5
"""The server is asked to end each request of a watch after so many seconds; when it has not so much later, it hangs."""
LIST_WITHIN = 10.0
PAUSE = 0.1
LONGEST_PAUSE = 2.0


def changes(
    client: Client,
    kind: Kind,
    namespace: str | None = None,
    selector: str = "",
    fields: str = "",
    *,
    timeout: float | None,
    stop: threading.Event | None = None,
    resume: bool = False,
) -> Iterator[Change]:
    """Yield what there is as ``ADDED``, then every change, until ``timeout`` seconds have passed or ``stop`` is set.

    Whenever a list has been told to its end, ``("SYNCED", {})`` follows. An API server that stays away for 10 s raises
    `UnreachableError`; with ``resume`` it never does: an outage is then a change of its own, ``("LOST", {"message":
    why})`` at its start and ``("BACK", {})`` at its end, and what changed meanwhile follows.
    """
    stop = stop or threading.Event()
    end = math.inf if timeout is None else time.monotonic() + timeout
    asked = Asked(kind, namespace, selector, fields)
    known: dict[str, Obj] = {}
    outage = _Outage(resume)
    while time.monotonic() < end and not stop.is_set():
        try:
            listed, version = client.list_at_version(*asked, timeout=LIST_WITHIN)
            yield from outage.ended()
            yield from _differences(known, listed)
            yield SYNCED, {}
            yield from _follow(client, asked, version, known, end, stop)
        except KubeError as error:
            if error.status != 410:  # the history is compacted, and only a new list knows: no failure
                if not _passes(error):
                    raise
                yield from outage.failed(error)
            stop.wait(outage.pause)
    if outage.error and not resume and not stop.is_set():
        raise outage.error


class Asked(NamedTuple):
    """Which objects a watch is about."""

    kind: Kind
    namespace: str | None
    selector: str
    fields: str


@dataclass(slots=True)
class _Outage:
    """The API server's being away: told when it hangs or a second try has failed too, an error when it lasts."""

    resume: bool
    told: bool = False
    failures: int = 0
    since: float = 0.0
    error: KubeError | None = None

    def failed(self, error: KubeError) -> Iterator[Change]:
        self.since = self.since if self.error else time.monotonic()
        self.error = error
        self.failures += 1
        if not self.resume and time.monotonic() - self.since >= OUTAGE_BOUND:
            raise error
        if self.resume and not self.told and (self.failures == 2 or hangs(error)):
            self.told = True
            yield LOST, {"message": str(error)}

    def ended(self) -> Iterator[Change]:
        if self.told:
            yield BACK, {}
        self.told, self.failures, self.error = False, 0, None

    @property
    def pause(self) -> float:
        """Seconds until the next try."""
        return min(PAUSE * 2.0**self.failures, LONGEST_PAUSE)


def _passes(error: KubeError) -> bool:
    """Tell whether trying again may help: nobody answers, or somebody who is not ready yet."""
    return isinstance(error, UnreachableError) or error.status == 429 or error.status >= 500


def _follow(
    client: Client, asked: Asked, version: str, known: dict[str, Obj], end: float, stop: threading.Event
) -> Iterator[Change]:
    """Yield the changes after ``version``, one request after the other, until ``end`` or ``stop``."""
    path = client.kinds.find(asked.kind).path(asked.namespace)
    while (left := end - time.monotonic()) > 0 and not stop.is_set():
        query = {
            "watch": True,
            "allowWatchBookmarks": True,
            "labelSelector": asked.selector,
            "fieldSelector": asked.fields,
            "resourceVersion": version,
            "timeoutSeconds": math.ceil(min(left, SEGMENT)),
        }
        try:
            for line in client.connection.lines(path, query=query, timeout=min(left, SEGMENT + GRACE), stop=stop):
                told = json.loads(line)
                if told["type"] == "ERROR":
                    raise refusal(told["object"].get("code", 0), json.dumps(told["object"]).encode())
                obj = told["object"]
                version = obj["metadata"]["resourceVersion"]
                if told["type"] != "BOOKMARK":
                    _remember(known, told["type"], obj)
                    yield told["type"], obj
                if time.monotonic() >= end:
                    return
        except UnreachableError:
            if time.monotonic() < end:
                raise
        stop.wait(PAUSE)  # a server that ends every watch at once is not to be hammered


def _differences(known: dict[str, Obj], listed: list[Obj]) -> Iterator[Change]:
    """Yield what must have happened between what was ``known`` and what is ``listed`` now."""
    there = {obj["metadata"]["uid"] for obj in listed}
    changes = [("DELETED", obj) for uid, obj in known.items() if uid not in there]
    for obj in listed:
        before = known.get(obj["metadata"]["uid"])
        if before is None:
            changes.append(("ADDED", obj))
        elif before["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            changes.append(("MODIFIED", obj))
    for type_, obj in changes:
        _remember(known, type_, obj)
        yield type_, obj


def _remember(known: dict[str, Obj], type_: str, obj: Obj) -> None:
    uid = obj["metadata"]["uid"]
    if type_ == "DELETED":
        known.pop(uid, None)
    else:
        known[uid] = obj
