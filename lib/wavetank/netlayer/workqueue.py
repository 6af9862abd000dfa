"""What is to be looked at, and when: each thing once, however often it is asked for, and never by two at a time."""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

__all__ = ["WorkQueue"]

_Key = TypeVar("_Key")


class WorkQueue(Generic[_Key]):
    """Keys and the moments at which they are due. Every method may be called from any thread.

    The sense of it is client-go's: what is added while it is being worked on is due again afterwards.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[_Key, float] = {}
        self._taken: set[_Key] = set()
        self._closed = False

    def add(self, key: _Key, after: float = 0.0) -> None:
        """Have ``key`` taken in ``after`` seconds, or before that if it was due earlier."""
        with self._changed:
            due = time.monotonic() + after
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify_all()

    def take(self) -> _Key | None:
        """Return the next key as soon as it is due; None once the queue is closed. `done` has to follow."""
        with self._changed:
            while not self._closed:
                free = {key: due for key, due in self._due.items() if key not in self._taken}
                key = min(free, key=free.__getitem__, default=None)
                left = None if key is None else free[key] - time.monotonic()
                if key is not None and left is not None and left <= 0:
                    del self._due[key]
                    self._taken.add(key)
                    return key
                self._changed.wait(left)
            return None

    def done(self, key: _Key) -> None:
        """Say that the work on ``key`` is over."""
        with self._changed:
            self._taken.discard(key)
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody who takes go home."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
