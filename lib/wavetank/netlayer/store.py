"""The objects of one kind as they are now, kept up to date by a watch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus

from wavetank.errors import KubeError
from wavetank.kube import Kind, Kube, Obj
from wavetank.kube.watch import BACK, LOST, SYNCED, changes

__all__ = ["Store"]

_ASK_AGAIN = 10.0
"""Seconds until it is asked again what the API server has refused to show."""


class Store:
    """What there is of a ``kind``; ``changed`` is called for every change, with the object as it is or last was.

    Where ``optional``, the API server may refuse: then there is nothing, and it is asked again after a while; `allowed`
    says whether it lets us look. Reading is safe from any thread. What is read is not to be changed.
    """

    def __init__(
        self,
        kube: Kube,
        kind: Kind,
        changed: Callable[[Obj], None],
        *,
        namespace: str | None = None,
        selector: str = "",
        optional: bool = False,
    ) -> None:
        self.kind, self.allowed = kind, True
        self.synced = threading.Event()
        self._kube, self._changed = kube, changed
        self._namespace, self._selector, self._optional = namespace, selector, optional
        self._objects: dict[tuple[str, str], Obj] = {}
        self._lock = threading.Lock()

    def follow(self, stop: threading.Event) -> None:
        """Watch until ``stop``; an API server that is away is waited for. Raises `KubeError` when it refuses."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except KubeError as error:
                if not self._optional or error.status != HTTPStatus.FORBIDDEN:
                    raise
                self.allowed = False
                self.synced.set()
                stop.wait(_ASK_AGAIN)

    def _follow(self, stop: threading.Event) -> None:
        told = changes(self._kube, self.kind, self._namespace, self._selector, timeout=None, stop=stop, resume=True)
        for type_, obj in told:
            if type_ == SYNCED:
                self.allowed = True
                self.synced.set()
            elif type_ not in (LOST, BACK):
                self._take(obj, gone=type_ == "DELETED")
                self._changed(obj)

    def written(self, obj: Obj) -> None:
        """Take what was just written in the place of what it replaced, before the watch tells of it.

        What is not there is not taken: it may have been deleted meanwhile, and nobody would tell of that again.
        """
        with self._lock:
            if self._knows(obj):
                self._objects[_key(obj)] = obj

    def get(self, namespace: str, name: str) -> Obj | None:
        """Return an object, or None."""
        with self._lock:
            return self._objects.get((namespace, name))

    def all(self) -> list[Obj]:
        """Return every object."""
        with self._lock:
            return list(self._objects.values())

    def _take(self, obj: Obj, *, gone: bool) -> None:
        with self._lock:
            if not gone:
                self._objects[_key(obj)] = obj
            elif self._knows(obj):
                del self._objects[_key(obj)]

    def _knows(self, obj: Obj) -> bool:
        known = self._objects.get(_key(obj))
        return known is not None and bool(known["metadata"]["uid"] == obj["metadata"]["uid"])


def _key(obj: Obj) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
