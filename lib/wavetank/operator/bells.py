"""What wakes a tender before its time: a bell for each, rung when something it may care about has happened.

Everything here happens in the operator's event loop, so nothing has to be locked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Bells"]


class Bells:
    """The bells of all tenders, by namespace and by the uid of what is tended."""

    def __init__(self) -> None:
        self._hung: dict[tuple[str, str], asyncio.Event] = {}

    @contextmanager
    def hung(self, namespace: str, uid: str) -> Iterator[asyncio.Event]:
        """Hang a bell for as long as the context lasts."""
        bell = self._hung[namespace, uid] = asyncio.Event()
        try:
            yield bell
        finally:
            if self._hung.get((namespace, uid)) is bell:  # else somebody else tends it by now
                del self._hung[namespace, uid]

    def has(self, namespace: str, uid: str) -> bool:
        """Tell whether a resource is tended."""
        return (namespace, uid) in self._hung

    def ring(self, namespace: str, uid: str) -> None:
        """Wake the tender of one resource, if it has one."""
        if bell := self._hung.get((namespace, uid)):
            bell.set()

    def ring_all(self, namespace: str) -> None:
        """Wake every tender in a namespace."""
        for (place, _), bell in self._hung.items():
            if place == namespace:
                bell.set()
