"""Check: apply an exercise's files, ask whether it does what it should, and get hints that grow more specific."""

from __future__ import annotations

from wavetank.lesson import CheckResult, LabSession
from wavetank.widgets.controls import button, row
from wavetank.widgets.markup import Html, Markup, html, joined
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import announced, note
from wavetank.widgets.view import View

__all__ = ["Check"]


class Check(View):
    """One exercise of a lab. In a terminal: ``lab.apply(id)``, ``lab.check(id)``, ``lab.hint(id)``."""

    def __init__(self, lab: LabSession, exercise: str) -> None:
        declared = lab.model.exercise(exercise)
        super().__init__("Exercise", declared.title)
        self._lab, self._id, self._hints = lab, exercise, declared.hints
        files = ", ".join(f"exercises/{file.name}" for file in declared.files)
        self._apply = button("Apply", self._press_apply, explained=f"apply {files} to the cluster")
        self._check = button("Check", self._press_check, css="wt-primary", explained="see whether it works")
        self._hint = button("Hint", self._press_hint)
        self._doing, self._result, self._told = Html(), Html(), Html()
        edited = f"You edit: {files}" + (f"; {lab.model.elsewhere}" if lab.model.elsewhere else "")
        task = Html(html('<p>{}</p><p class="wt-dim">{}</p>', declared.task, edited))
        buttons = row(self._apply, self._check, self._hint, self._doing)
        self.body.children = (task, buttons, self._result, self._told)
        self._show_progress()

    def text(self) -> str:
        """Return the exercise and how far it is, in words."""
        progress = self._lab.progress.progress.exercise(self._id)
        hints = f", {progress.hints} of 3 hints seen" if progress.hints else ""
        return f"exercise {self._id} ({'passed' if progress.passed else 'not yet'}{hints}): {self._subtitle}"

    def _show_progress(self) -> None:
        progress = self._lab.progress.progress.exercise(self._id)
        self.tell("passed" if progress.passed else "not yet")
        self._hint.description = f"Hint {min(progress.hints + 1, 3)} of 3"
        seen = joined(html("<li>{}</li>", hint) for hint in self._hints[: progress.hints])
        self._told.value = html('<h5>Hints</h5><ol class="wt-hints">{}</ol>', seen) if seen else ""

    def _say(self, words: str) -> None:
        self._doing.value = announced(words)

    def _press_apply(self) -> None:
        self.in_background(self._do_apply, busy=[self._apply, self._check])

    def _do_apply(self) -> None:
        self._say("Applying ...")
        try:
            self._say(f"{str(self._lab.apply(self._id)).capitalize()}.")
        except BaseException:
            self._say("")
            raise

    def _press_check(self) -> None:
        self._result.value = ""
        self.in_background(self._do_check, busy=[self._apply, self._check])

    def _do_check(self) -> None:
        self._say("Looking ...")
        try:
            self._result.value = _verdict(self._lab.check(self._id, say=self._say))
        finally:
            self._say("")
        self._show_progress()

    def _press_hint(self) -> None:
        self.in_background(self._do_hint, busy=[self._hint])

    def _do_hint(self) -> None:
        self._lab.hint(self._id)
        self._show_progress()


def _verdict(result: CheckResult) -> Markup:
    return html(
        '<div role="status" aria-live="polite">{}</div>', note(str(result), Tone.GOOD if result.passed else Tone.WARN)
    )
