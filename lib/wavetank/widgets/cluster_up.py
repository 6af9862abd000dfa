"""ClusterUp: a cluster comes up with what a lab needs, step by step, while the kernel stays free."""

from __future__ import annotations

import time

from wavetank.bootstrap import Progress, StepSeen
from wavetank.cluster import ClusterSpec, status
from wavetank.errors import WavetankError
from wavetank.lesson.library import cluster_for
from wavetank.widgets.markup import Html, html
from wavetank.widgets.models.standing import Up, standing
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.rising import Rising
from wavetank.widgets.style import mark, table
from wavetank.widgets.view import LiveView

__all__ = ["ClusterUp"]

WAIT_SECONDS = 2400.0
"""How long `ClusterUp.wait` waits if it is not told: the first bundle of a machine may have to be built first."""

_TONES = {"under way": Tone.BUSY, "done": Tone.GOOD, "failed": Tone.BAD}


class ClusterUp(LiveView):
    """The cluster with what ``lab`` needs, on its way up; it begins when it is shown. In a terminal: `wavetank up`.

    What is there already is left as it is, so that showing it again costs seconds. ``cluster`` is a spec in clusters/,
    or a path to one's own.
    """

    def __init__(self, lab: str, cluster: str = "kind") -> None:
        self._spec: ClusterSpec = cluster_for(lab, cluster)
        super().__init__("Cluster comes up", f"{self._spec.name}, for {lab}")
        self._rising = self.following(Rising(cluster, self._spec))
        self._steps = Html()
        self.body.children = (self._steps,)

    @property
    def steps(self) -> Progress:
        """The model: the steps as far as they have come."""
        return self._rising.progress

    def wait(self, within: float = WAIT_SECONDS) -> Up:
        """Return when the cluster is up, within so many seconds; begin if nobody has.

        Raises `ClusterError` with what went wrong, or when it takes longer (it goes on meanwhile).
        """
        self._rising.wait(within)
        self.touch()
        return Up.of(self._spec)

    def text(self) -> str:
        """Return in one line how far it is, or in full what went wrong."""
        state = self._rising.state()
        if state == "failed":
            return self.steps.error
        return f"cluster {self._spec.name} comes up: {self.steps.summary()}" if state == "under way" else self._look()

    def draw(self) -> None:
        """Show the steps, with the clock of those that are under way."""
        state = self._rising.state()
        now = time.time()
        rows = [_row(step, now) for step in self.steps.steps]
        self._steps.value = (
            table(("step", "state", "seconds", "note"), rows, caption="steps", words=(1, 3)) if rows else ""
        )
        self.complain(self.steps.error)
        if state == "up":
            self.tell(str(Up.of(self._spec)))
        else:
            self.tell("not up" if state == "failed" else self.steps.summary())

    def _look(self) -> str:
        try:
            return standing(self._spec, status(self._spec))
        except WavetankError as error:
            return str(error)


def _row(step: StepSeen, now: float) -> tuple[str, str, str, str]:
    words = html("{}{}", mark(_TONES[step.state]), step.state)
    return step.name, words, f"{step.seconds(now):.1f}", step.note
