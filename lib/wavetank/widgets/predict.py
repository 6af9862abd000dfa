"""Predict: commit to an answer before the experiment; hold it against what was measured after it."""

from __future__ import annotations

from wavetank.lesson import LabSession
from wavetank.lesson.lab import Number
from wavetank.widgets.controls import button, number, options, row
from wavetank.widgets.markup import Html, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import announced, mark
from wavetank.widgets.view import View

__all__ = ["Predict"]

_MOST = 1_000_000
_VERDICTS = {
    True: (Tone.GOOD, "as you predicted"),
    False: (Tone.WARN, "not as you predicted"),
    None: (Tone.WAIT, "you made no prediction"),
}


class Predict(View):
    """One prediction of a lab. In a terminal: ``lab.predict(id)``, ``lab.predict(id, answer)``, ``lab.outcome(id)``."""

    def __init__(self, lab: LabSession, prediction: str) -> None:
        super().__init__("Predict")
        self._lab, self._id = lab, prediction
        declared = lab.model.prediction(prediction)
        match declared.answers:
            case Number(unit):
                self._answer = number(unit, 0, 0, _MOST, whole=False)
            case choices:
                self._answer = options([choice.text for choice in choices])
        self._commit = button("Commit", self._press_commit, css="wt-primary", explained="this is what I expect")
        self._compare = button("Compare", self._press_compare, explained="hold it against what was measured")
        self._said = Html()
        question = Html(html('<p class="wt-question">{}</p>', declared.question))
        self.body.children = (question, self._answer, row(self._commit, self._compare, self._said))
        self._show_answer()

    def text(self) -> str:
        """Return the question, its answers, and the one committed to."""
        return str(self._lab.predict(self._id))

    def _show_answer(self) -> None:
        answer = self._lab.predict(self._id).answer
        if answer is not None:
            self._answer.value = answer
            self._said.value = announced("Committed. Now try it, then compare.")

    def _press_commit(self) -> None:
        if self._answer.value is None:
            self.complain("Choose one of the answers first.")
        else:
            self.in_background(self._do_commit, busy=[self._commit])

    def _do_commit(self) -> None:
        self._lab.predict(self._id, self._answer.value)
        self._show_answer()

    def _press_compare(self) -> None:
        self._said.value = announced("Reading what was measured ...")
        self.in_background(self._do_compare, busy=[self._compare])

    def _do_compare(self) -> None:
        self._said.value = ""
        outcome = self._lab.outcome(self._id)
        verdict = {True: "as you predicted", False: "not as you predicted", None: "you made no prediction"}[
            outcome.right
        ]
        tone = {True: Tone.GOOD, False: Tone.WARN, None: Tone.WAIT}[outcome.right]
        self._said.value = mark(tone) + announced(f"Measured: {outcome.truth} - {verdict}.")
