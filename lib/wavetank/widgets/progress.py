"""Progress: what a lab is for, which exercises are passed, with how many hints, how the predictions turned out."""

from __future__ import annotations

from wavetank.lesson import LabSession
from wavetank.lesson.report import Report
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import list_items, mark, note, table
from wavetank.widgets.view import LiveView

__all__ = ["Progress"]

_VERDICTS = {True: (Tone.GOOD, "right"), False: (Tone.WARN, "not so"), None: (Tone.WAIT, "open")}


class Progress(LiveView):
    """How far the learner is in a lab, live: it follows the progress file. In a terminal: ``lab.progress``."""

    def __init__(self, lab: LabSession) -> None:
        super().__init__("Progress", lab.model.title)
        self._lab = lab
        self._shown = Html()
        self.body.children = (self._shown,)

    def text(self) -> str:
        """Return the progress in words."""
        return str(self._lab.progress)

    def draw(self) -> None:
        """Show what the progress file says now."""
        report = self._lab.progress
        self.tell(f"{report.passed} of {len(report.lab.exercises)} exercises passed")
        self._shown.value = note(report.notice) + _objectives(report) + _exercises(report) + _predictions(report)


def _objectives(report: Report) -> Markup:
    items = (html("<li>{}</li>", objective) for objective in report.lab.objectives)
    return html("<h5>What you can do after this lab</h5>") + list_items(
        items, "wt-bullets", "what you can do after this lab"
    )


def _exercises(report: Report) -> Markup:
    rows = []
    for exercise in report.lab.exercises:
        state = report.progress.exercise(exercise.id)
        done = html("{}passed", mark(Tone.GOOD)) if state.passed else html("{}not yet", mark(Tone.WAIT))
        help_ = "solution shown" if state.solution_shown else (f"{state.hints} of 3 hints" if state.hints else "-")
        rows.append((exercise.title, done, help_))
    return table(("exercise", "", "help"), rows, caption="exercises", words=(1, 2)) if rows else NOTHING


def _predictions(report: Report) -> Markup:
    rows = []
    for prediction in report.lab.predictions:
        known = report.progress.predictions.get(prediction.id)
        tone, words = _VERDICTS[known.right if known else None]
        rows.append((prediction.question, html("{}{}", mark(tone), words)))
    return table(("prediction", ""), rows, caption="predictions") if rows else NOTHING
