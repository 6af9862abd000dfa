"""LookFeed: something looked at about once a second, on a thread of its own, because it cannot be watched.

What a proxy or an autoscaler has counted changes all the time and tells nobody; see `feed` for what can be watched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from wavetank.errors import WavetankError
from wavetank.kube import Kube

__all__ = ["LookFeed"]

_PULSE = 1.0
"""Seconds from one look to the next, at least."""
_REST = 4.0
"""How many times as long as it took a look is rested from: who looks must not be what is seen."""

_P = TypeVar("_P")


class LookFeed(Generic[_P]):
    """Keeps what ``look`` has returned last; it is given what it returned before, None the first time.

    ``on_change`` is called from the feed's thread after every look.
    """

    def __init__(self, kube: Kube, look: Callable[[_P | None], _P], on_change: Callable[[], None]) -> None:
        self._kube, self._look, self._on_change = kube, look, on_change
        self._latest: _P | None = None
        self._lost_since: float | None = None
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._follow, daemon=True)
        self.trouble = ""
        """Why the last look saw nothing, in words; empty when it did."""

    @property
    def latest(self) -> _P | None:
        """What was seen last, None before the first look; while the feed does not run, a look of its own."""
        return self._latest if self._thread.is_alive() else self._look(self._latest)

    def lost_for(self) -> float | None:
        """Return for how many seconds the API server has not answered; None while it does."""
        since = self._lost_since
        return None if since is None else time.monotonic() - since

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; the thread ends within about a second."""
        self._stop.set()

    def _follow(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                if not self._kube.alive():  # a server that hangs is known sooner by this
                    self._lost_since = self._lost_since or began
                else:
                    self._latest = self._look(self._latest)
                    self._lost_since, self.trouble = None, ""
            except WavetankError as error:
                self._lost_since, self.trouble = None, str(error)
            except Exception as error:  # a thread has nobody to raise to: the view tells it, and the next look may see
                self._lost_since, self.trouble = None, f"{type(error).__name__}: {error}"
            self._on_change()
            took = time.monotonic() - began
            pause = max(_PULSE - took, _REST * took)
