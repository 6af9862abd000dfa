"""PipelineView: a pipeline's latest run, stage by stage, whoever started it; and a form that starts one."""

from __future__ import annotations

from typing import Protocol

from wavetank.images.pipeline import Pipeline, Records, RunRecord, StageRecord
from wavetank.widgets.controls import button, row, text_field, toggle
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.pipeline import OUTCOMES, STATES, cut, last_lines, requests, speaking, status, text
from wavetank.widgets.records import RunFeed
from wavetank.widgets.style import mark, note, table
from wavetank.widgets.view import LiveView

__all__ = ["PipelineView"]

_FEW, _MANY = 4, 60
"""Lines of a log that are shown, folded and unfolded."""


class Yard(Protocol):
    """Whoever has pipelines and can ship by them. An open lab is one."""

    def pipeline(self, file: str) -> Pipeline:
        """Return the pipeline that a file declares, as it is now."""
        ...

    def ship(self, version: str, pipeline: str) -> RunRecord:
        """Ship a version by the pipeline in a file, and return the record of the run."""
        ...


class PipelineView(LiveView):
    """The latest run of the pipeline in ``file``, live, and a form that ships a version by it.

    It follows what the runs write (``records``, by default the user's own), so that a run of the command line is shown
    as well. In a terminal: ``wavetank pipeline run``.
    """

    def __init__(self, yard: Yard, file: str, *, records: Records | None = None) -> None:
        self._yard, self._file = yard, file
        self._name = yard.pipeline(file).name
        super().__init__("Pipeline", self._name)
        self._feed = self.following(RunFeed(records or Records(self._name), self.touch))
        self._version = text_field("version", "such as v2")
        self._go = button("Run", self._press_run, css="wt-primary", explained="ship this version, stage by stage")
        self._outcome, self._stages, self._log = Html(), Html(), Html()
        self._more = toggle("More of the log", self.touch)
        self.body.children = (
            row(self._version, self._go),
            self._outcome,
            self._stages,
            row(self._more),
            self._log,
        )

    def text(self) -> str:
        """Return the latest run in words."""
        record = self._feed.latest
        return text(record) if record else f"no run of {self._name} yet"

    def draw(self) -> None:
        """Show how far the latest run is."""
        record = self._feed.latest
        self._more.disabled = record is None
        if record is None:
            self.tell("no run yet")
            return
        self.tell(status(record))
        self._outcome.value = _outcome(record)
        self._stages.value = _stages(record)
        self._log.value = _log(speaking(record), _MANY if self._more.value else _FEW)

    def _press_run(self) -> None:
        version = self._version.value.strip()
        if version:
            self.in_background(lambda: self._yard.ship(version, self._file), busy=[self._go])
        else:
            self.complain("Write which version to ship first, such as v2.")


def _outcome(record: RunRecord) -> Markup:
    met = requests(record)
    told = html("<p>Requests: {}</p>", met) if met else NOTHING
    ended = note(cut(f"{record.outcome}: {record.why}"), OUTCOMES[record.outcome]) if record.ended else NOTHING
    return ended + told


def _stages(record: RunRecord) -> Markup:
    head = ("stage", "", "seconds", "what it came to")
    return table(head, map(_cells, record.stages), caption="stages", words=(1, 3))


def _cells(stage: StageRecord) -> tuple[str, str, str, str]:
    took = "-" if stage.state in ("waiting", "skipped") else f"{stage.seconds:.1f}"
    return stage.name, html("{}{}", mark(STATES[stage.state]), stage.state), took, cut(stage.said)


def _log(stage: StageRecord | None, count: int) -> Markup:
    if stage is None or not stage.log:
        return NOTHING
    lines = last_lines(stage, count)
    return html('<h5>Last lines of {}</h5><pre class="wt-lines">{}</pre>', stage.name, lines)
