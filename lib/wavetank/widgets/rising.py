"""Following the process behind a lab, and starting it where nobody has, so that the page can be drawn meanwhile."""

from __future__ import annotations

import time
from typing import Literal

from wavetank.bootstrap import Progress, read_progress, running, stage_of, start
from wavetank.cluster import ClusterSpec
from wavetank.errors import ClusterError

__all__ = ["Rising"]

State = Literal["not begun", "under way", "up", "failed"]
LOOKS_AGAIN = 0.2
"""Seconds between two looks into the journal."""


class Rising:
    """The way up of the spec ``cluster``, which is ``spec`` with a lab's needs; it is up when these are."""

    def __init__(self, cluster: str, spec: ClusterSpec) -> None:
        self.spec = spec
        self.progress = Progress()
        self._cluster = cluster
        self._stage = stage_of(spec.addons)
        self._begun = False

    def start(self) -> None:
        """Begin, or take over what has begun; it goes on to its end, whoever looks."""
        if not self._begun:
            start(self._cluster, self.spec.addons)
            self._begun = True

    def close(self) -> None:
        """Stop looking; the cluster goes on coming up."""

    def lost_for(self) -> float | None:
        """Return None: the API server of a cluster on its way up is not missed yet."""
        return None

    def state(self) -> State:
        """Look into the journal, and return how it is."""
        going = running()  # asked first: what is noted last is there before the process has ended
        progress = read_progress() if self._begun or going else None
        if progress is None:
            return "not begun"
        self.progress = progress
        if self._stage in progress.ready:
            return "up"
        if going and not progress.ended:
            return "under way"
        if self._begun and self._stage not in progress.asked:  # what has ended was begun for less
            start(self._cluster, self.spec.addons)
            return "under way"
        return "failed"

    def wait(self, within: float) -> None:
        """Return when the cluster is up; begin if nobody has.

        Raises `ClusterError` with what went wrong, or after ``within`` seconds, in which case it goes on coming up.
        """
        self.start()
        deadline = time.monotonic() + within
        while (state := self.state()) != "up":
            if state == "failed":
                raise ClusterError(self.progress.error or f"cluster {self.spec.name} did not come up")
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"cluster {self.spec.name} is not up after {within:g} s, and goes on coming up",
                    observed=self.progress.summary(),
                    command="wavetank status",
                    hint="wait again",
                )
            time.sleep(LOOKS_AGAIN)
