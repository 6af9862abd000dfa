"""Whose cluster it is: a cluster is Wavetank's because it says so itself, by a mark in it.

Wavetank breaks things on purpose, and a kubeconfig may point anywhere. So the one edge by which everything is written
(`Connection.exchange`, and `Channels` into a pod) asks for the mark before the first write, and without it nothing is
sent. Reading is always allowed. Two may write the mark: `wavetank up`, whose provider has just made the cluster, and
`wavetank adopt`, for a person who names the cluster and means it.

A node has a mark of its own, a label that it got when it was made: an adopted cluster has none, and so whatever is done
to nodes happens to nobody else's.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from wavetank.errors import ClusterError, KubeError, NotFoundError

if TYPE_CHECKING:
    from wavetank.kube.connection import Connection

__all__ = ["NAME", "NAMESPACE", "NODE_LABEL", "Gate", "Mark", "is_made_here", "read_mark", "remove_mark", "write_mark"]

NAMESPACE, NAME = "wavetank-system", "wavetank-cluster"
"""Where the mark is: a ConfigMap."""

NODE_LABEL = "wavetank.dev/cluster"
"""The label of a Node that Wavetank has made; its value is the name of the cluster."""

USES: Mapping[str, tuple[str, ...]] = {
    "up": ("labs", "loads", "faults", "nodes"),
    "adopt": ("labs", "loads", "faults"),
}
"""What a cluster may be used for, by how it came to be Wavetank's."""

ANSWER_WITHIN = 10.0
HOLDS_FOR = 60.0
"""Seconds after which the mark is asked for again: a process may be older than its being taken away."""

_NAMESPACES = "/api/v1/namespaces"
_PATH = f"{_NAMESPACES}/{NAMESPACE}/configmaps/{NAME}"
_MANAGED_BY = {"app.kubernetes.io/managed-by": "wavetank"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What a cluster says of itself: its ``name``, and whether it was ``made`` Wavetank's by ``up`` or by ``adopt``."""

    name: str
    made: Literal["up", "adopt"]

    @property
    def uses(self) -> tuple[str, ...]:
        """What it may be used for."""
        return USES[self.made]


def is_made_here(node: Mapping[str, Any]) -> bool:
    """Tell whether Wavetank has made a Node: nothing is done to another."""
    return NODE_LABEL in (node["metadata"].get("labels") or {})


def read_mark(connection: Connection, within: float = ANSWER_WITHIN) -> Mark | None:
    """Return the cluster's mark, or None when it has none. Raises `KubeError` when that may not be asked."""
    try:
        data = connection.call("GET", _PATH, timeout=within).get("data") or {}
    except NotFoundError:
        return None
    return Mark(str(data.get("name", "")), data["made"]) if data.get("made") in USES else None


def write_mark(connection: Connection, mark: Mark) -> None:
    """Write the mark, and make its namespace where there is none: all that is ever written to an unmarked cluster."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": _MANAGED_BY}}
    try:
        connection.call("POST", _NAMESPACES, query=_AS_WAVETANK, body=namespace, marking=True)
    except KubeError as error:
        if error.status != HTTPStatus.CONFLICT:  # it is there already
            raise
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": _MANAGED_BY},
        "data": {"name": mark.name, "made": mark.made, "uses": " ".join(mark.uses)},
    }
    connection.call(
        "PATCH",
        _PATH,
        query={**_AS_WAVETANK, "force": True},
        body=obj,
        content_type="application/apply-patch+yaml",
        marking=True,
    )


_AS_WAVETANK = {"fieldManager": "wavetank"}


def remove_mark(connection: Connection) -> None:
    """Take the mark away; the namespace stays. A minute later nothing of Wavetank's is done to the cluster any more."""
    connection.call("DELETE", _PATH)


class Gate:
    """What everything that is written through one connection has to pass. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._asks_again = 0.0

    def pass_through(self, connection: Connection, within: float = ANSWER_WITHIN) -> None:
        """Return when the cluster says that it is Wavetank's; what it said a minute ago still holds.

        Raises `ClusterError` when it does not say so, `UnreachableError` when it says nothing ``within`` seconds.
        """
        if not self._lock.acquire(timeout=within):
            raise connection.unreachable(TimeoutError(f"it was asked {within:g} s ago whose it is, and says nothing"))
        try:
            if not self._open:  # whoever else wants to write waits for the first answer
                _ask(connection, within)
                self._open, self._asks_again = True, time.monotonic() + HOLDS_FOR
                return
            if time.monotonic() < self._asks_again:
                return
            self._asks_again = time.monotonic() + HOLDS_FOR
        finally:
            self._lock.release()
        try:  # later one asks, and the others do not wait for that
            _ask(connection, within)
        except BaseException:
            self._open = False
            raise


def _ask(connection: Connection, within: float) -> None:
    try:
        mark, why = read_mark(connection, within), f"it has no ConfigMap {NAME} in the namespace {NAMESPACE}"
    except KubeError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        mark, why = None, f"it does not say whether it is: {error.summary}"
    if mark is None:
        raise _refusal(connection, why)


def _refusal(connection: Connection, why: str) -> ClusterError:
    origin = connection.origin
    adopt = ["wavetank", "adopt", "--context", origin.context]
    if origin.file is not None and origin.variable == "":
        adopt += ["--kubeconfig", str(origin.file)]
    instead = f"; if it is this one that you mean: {shlex.join(adopt)}" if origin.context else ""
    return ClusterError(
        f"the cluster at {origin.server} is not marked as Wavetank's: nothing is written to it",
        observed=f"{origin}; {why}",
        expected="the mark that a cluster gets by `wavetank up` or `wavetank adopt`",
        command=connection.kubectl("-n", NAMESPACE, "get", "configmap", NAME),
        hint=f"`wavetank up` makes a cluster to break, or marks the one it has made, and says its KUBECONFIG{instead}",
    )
