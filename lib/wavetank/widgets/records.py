"""RunFeed: the latest run of a pipeline, whichever process it runs in, read where every run writes what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from wavetank.images.pipeline import Records, RunRecord

__all__ = ["RunFeed"]

_PULSE = 0.25
"""Seconds between two looks."""


class RunFeed:
    """Follows ``records``. ``on_change`` is called from its thread when the latest run is another, or has gone on."""

    def __init__(self, records: Records, on_change: Callable[[], None]) -> None:
        self._records, self._on_change = records, on_change
        self._latest: RunRecord | None = None
        self._failed: Exception | None = None
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._follow, daemon=True)

    @property
    def latest(self) -> RunRecord | None:
        """The latest run, None when there is none yet; one look at the records while the feed does not run.

        Raises what the last look has raised, such as `InputError` for a record that cannot be read.
        """
        if self._failed is not None:
            raise self._failed
        return self._latest if self._thread.is_alive() else self._look()

    def lost_for(self) -> float | None:
        """Return None: the records are on this machine."""
        return None

    def start(self) -> None:
        """Begin to follow."""
        self._take_up()
        self._thread.start()

    def close(self) -> None:
        """Stop following, at once; a run goes on."""
        self._stop.set()

    def _follow(self) -> None:
        while not self._stop.wait(_PULSE):
            before = self._latest, self._failed is None
            self._take_up()
            if before != (self._latest, self._failed is None):
                self._on_change()

    def _take_up(self) -> None:
        try:
            self._latest, self._failed = self._look(), None
        except Exception as error:  # a thread has nobody to raise to: the view asks for the latest run, and tells it
            self._failed = error

    def _look(self) -> RunRecord | None:
        return self._records.read() if self._records.numbers() else None
