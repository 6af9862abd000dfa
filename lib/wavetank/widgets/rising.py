"""Bringing a cluster up on a thread of its own, so that the kernel stays free and the page can be drawn meanwhile."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from wavetank.cluster import ClusterSpec, up
from wavetank.errors import ClusterError, WavetankError
from wavetank.steps import StepEvent
from wavetank.widgets.models.steps import StepsPicture, after

__all__ = ["Rising"]


class Rising:
    """One cluster's way up. Whoever looks reads ``steps`` and, once it has ended, ``error`` (None: it is up)."""

    _latest: ClassVar[Rising | None] = None

    def __init__(self, spec: ClusterSpec) -> None:
        self.spec = spec
        self.steps = StepsPicture()
        self.error: Exception | None = None
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, spec: ClusterSpec) -> Rising:
        """Return the way up of ``spec`` that is under way in this process, else a new one.

        A cell that is run again looks at what it began the first time; nobody could begin it twice anyway.
        """
        latest = cls._latest
        return latest if latest is not None and latest.under_way and latest.spec == spec else cls(spec)

    @property
    def under_way(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def ended(self) -> bool:
        """Whether it was started and has ended: then ``error`` stands."""
        return self._thread is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin; once begun it goes on to its end, whoever looks."""
        self._begun()

    def close(self) -> None:
        """Stop looking; the cluster goes on coming up."""

    def lost_for(self) -> float | None:
        """Return None: the API server of a cluster on its way up is not missed yet."""
        return None

    def wait(self, within: float) -> None:
        """Return when the cluster is up; begin if nobody has.

        Raises what went wrong, or `ClusterError` after ``within`` seconds, in which case it goes on coming up.
        """
        thread = self._begun()
        thread.join(within)
        if thread.is_alive():
            raise ClusterError(
                f"cluster {self.spec.name} is not up after {within:g} s, and goes on coming up",
                observed=self.steps.summary(),
                command="wavetank status",
                hint="wait again",
            )
        if self.error is not None:
            raise self.error

    def _begun(self) -> threading.Thread:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"{self.spec.name}: up")
            Rising._latest = self
            self._thread.start()
        return self._thread

    def _run(self) -> None:
        try:
            up(self.spec, report=self._report)
        except WavetankError as error:
            self.error = error
        except Exception as error:  # a thread has nobody to raise to: whoever waits or looks is told
            self.error = ClusterError(f"cluster {self.spec.name} did not come up: {type(error).__name__}: {error}")
            self.error.__cause__ = error

    def _report(self, event: StepEvent) -> None:
        self.steps = after(self.steps, event, time.monotonic())
