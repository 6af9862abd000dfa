"""From the API server to a picture: one thread for each kind watched, and one that asks whether the server is there.

A feed keeps the latest picture and nothing else; it tells its view that there is a new one and goes on. What is there
when it begins makes the first picture; everything after that, what was missed in an outage too, is a change.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.kube.watch import BACK, LOST, SYNCED, changes
from wavetank.widgets.models.change import LISTED, Change

__all__ = ["Feed", "Watched", "look"]

_P = TypeVar("_P")
_PULSE = 1.0
"""Seconds between two questions whether the server is there, and before a watch that was refused begins again."""

Reducer = Callable[[_P, Change], _P]


@dataclass(frozen=True, slots=True)
class Watched:
    """What to watch: a kind, in one namespace or (None) in all of them, possibly only what selectors name."""

    kind: str
    namespace: str | None = None
    selector: str = ""
    fields: str = ""


def look(kube: Kube, watched: Sequence[Watched], picture: _P, after: Reducer[_P]) -> _P:
    """Return ``picture`` after one list of everything ``watched``: a single look, no thread."""
    for what in watched:
        objects = kube.list(what.kind, what.namespace, what.selector, what.fields)
        picture = after(picture, Change(LISTED, what.kind, tuple(objects), datetime.now(UTC)))
    return picture


class Feed(Generic[_P]):
    """Follows the objects ``watched`` and keeps the latest picture of them.

    ``on_change`` is called from the feed's threads whenever the picture or the contact changed; it must be quick
    and raise nothing.
    """

    def __init__(
        self,
        kube: Kube,
        watched: Sequence[Watched],
        picture: _P,
        after: Reducer[_P],
        on_change: Callable[[], None],
    ) -> None:
        self._kube, self._watched, self._after, self._on_change = kube, tuple(watched), after, on_change
        self._picture = picture
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._lost_since: float | None = None
        self._failed: dict[Watched, Exception] = {}
        self._threads: list[threading.Thread] = []

    @property
    def picture(self) -> _P:
        """The latest picture; one look at the cluster while the feed does not run.

        Raises what the reducer has raised, until it takes up what there is: a picture that stands still is none.
        """
        if self._threads and not self._stop.is_set():
            for error in list(self._failed.values()):
                raise error
            return self._picture
        return look(self._kube, self._watched, self._picture, self._after)

    def lost_for(self) -> float | None:
        """Return for how many seconds the API server has not answered; None while it does."""
        since = self._lost_since
        return None if since is None else time.monotonic() - since

    def start(self) -> None:
        """Begin to follow; a feed that runs already just goes on."""
        if self._threads:
            return
        follow = [threading.Thread(target=self._follow, args=(what,), daemon=True) for what in self._watched]
        self._threads = [*follow, threading.Thread(target=self._feel_pulse, daemon=True)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop following; the threads end by themselves within about a second."""
        self._stop.set()

    def _follow(self, what: Watched) -> None:
        while not self._stop.is_set():
            first: list[Obj] | None = []
            stream = changes(
                self._kube,
                what.kind,
                what.namespace,
                what.selector,
                what.fields,
                timeout=None,
                stop=self._stop,
                resume=True,
            )
            try:
                for type_, obj in stream:
                    if type_ in (LOST, BACK):  # the pulse knows sooner, and for a server that is frozen too
                        continue
                    if first is None and type_ != SYNCED:
                        self._take(what, Change(type_, what.kind, (obj,), datetime.now(UTC)))
                    elif first is not None and type_ == SYNCED:
                        self._take(what, Change(LISTED, what.kind, tuple(first), datetime.now(UTC)))
                        first = None
                    elif first is not None:
                        first.append(obj)
            except KubeError:  # refused, such as a kind whose definition is not there yet
                self._stop.wait(_PULSE)
            except Exception as error:  # a thread has nobody to raise to: the view asks for the picture, and tells it
                self._failed[what] = error
                self._on_change()
                self._stop.wait(_PULSE)

    def _take(self, what: Watched, change: Change) -> None:
        with self._lock:
            before, self._picture = self._picture, self._after(self._picture, change)
        recovered = self._failed.pop(what, None) is not None
        if self._picture != before or recovered:
            self._on_change()

    def _feel_pulse(self) -> None:
        while not self._stop.is_set():
            asked = time.monotonic()
            there = self._kube.alive()
            if there == (self._lost_since is not None):
                self._lost_since = None if there else asked
                self._on_change()
            self._stop.wait(_PULSE)
