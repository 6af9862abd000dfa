"""A Knative Service over time: its revisions as they are now, and what its autoscaler has seen so far. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wavetank.observe.serverless import Figures, RevisionState, Serving, Windows
from wavetank.widgets.models.tone import Tone

__all__ = ["RevisionPicture", "RevisionSample", "after", "busiest", "tone"]

_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class RevisionSample:
    """One moment: pods of all revisions, wanted and there; and what the autoscaler of the busiest revision saw."""

    at: datetime
    wanted: int
    there: int
    stable: float | None
    panic: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class RevisionPicture:
    """What was seen last, and the samples so far, oldest first.

    ``figures`` by revision; ``untold`` says why there are none. ``windows`` are those of the busiest revision.
    """

    serving: Serving
    figures: Mapping[str, Figures] = field(default_factory=dict)
    windows: Windows | None = None
    untold: str = ""
    samples: tuple[RevisionSample, ...] = ()

    @property
    def seen(self) -> Figures:
        """What the autoscaler says of the busiest revision."""
        revision = busiest(self.serving)
        return self.figures.get(revision.name, Figures()) if revision else Figures()

    def text(self) -> str:
        """Return the service as it is now, in words."""
        lines = [repr(self.serving)]
        if revision := busiest(self.serving):
            lines.append(self.untold or f"{revision.name}: {self.seen}")
        return "\n".join([*lines, *([f"{self.windows}"] if self.windows else [])])


def after(
    before: RevisionPicture | None,
    at: datetime,
    serving: Serving,
    figures: Mapping[str, Figures],
    windows: Windows | None,
    untold: str = "",
) -> RevisionPicture:
    """Return the picture after one more look."""
    now = RevisionPicture(serving, figures, windows, untold)
    wanted = sum(revision.wanted or 0 for revision in serving.revisions)
    there = sum(revision.ready_pods for revision in serving.revisions)
    sample = RevisionSample(at, wanted, there, now.seen.stable, now.seen.panic, now.seen.target)
    return replace(now, samples=(*(before.samples if before else ()), sample)[-_REMEMBERED:])


def tone(revision: RevisionState) -> Tone:
    """Return how a revision is doing: asleep is nothing to worry about."""
    if revision.ready is False:
        return Tone.BAD
    if revision.ready is None:
        return Tone.BUSY
    if revision.ready_pods:
        return Tone.GOOD
    return Tone.WAIT if not revision.wanted else Tone.BUSY


def busiest(serving: Serving) -> RevisionState | None:
    """Return the revision with the largest share of the traffic, the newest of several; None while there is none."""
    return max(serving.revisions, key=lambda revision: revision.percent, default=None)
