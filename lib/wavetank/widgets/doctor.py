"""Doctor: what a cluster needs of this machine, what there is, and the command that mends what is lacking."""

from __future__ import annotations

from wavetank.cluster import find_spec, load_spec
from wavetank.cluster.doctor import Finding, examine, worst
from wavetank.widgets.controls import button, row
from wavetank.widgets.markup import Html, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import announced, mark, table
from wavetank.widgets.view import View

__all__ = ["Doctor"]

_VERDICTS = {"ok": (Tone.GOOD, "well"), "warning": (Tone.WARN, "may do"), "problem": (Tone.BAD, "in the way")}


class Doctor(View):
    """This machine, examined when the view is made, and again on demand. In a terminal: `wavetank doctor`."""

    def __init__(self, cluster: str = "kind") -> None:
        super().__init__("Doctor", "what a cluster needs of this machine")
        self._spec = load_spec(find_spec(cluster))
        self._again = button("Look again", self._press_again, explained="examine this machine again")
        self._said, self._table = Html(), Html()
        self.body.children = (self._table, row(self._again, self._said))
        self._examine()

    def text(self) -> str:
        """Return what is in the way of a cluster; what is only not quite well is on the page."""
        problems = [finding for finding in self._findings if finding.level == "problem"]
        return "\n".join(["in the way of a cluster:", *map(str, problems)]) if problems else "nothing is in the way"

    def _examine(self) -> None:
        self._findings = examine(self._spec)
        self._table.value = table(
            ("what", "how it is", "seen", "mend it with"),
            map(_row, self._findings),
            caption="findings",
            words=(1, 2, 3),
        )
        self.tell("something is in the way" if worst(self._findings) == "problem" else "nothing is in the way")

    def _press_again(self) -> None:
        self._said.value = announced("Looking ...")
        self.in_background(self._do_again, busy=[self._again])

    def _do_again(self) -> None:
        try:
            self._examine()
        finally:
            self._said.value = ""


def _row(finding: Finding) -> tuple[str, str, str, str]:
    tone, verdict = _VERDICTS[finding.level]
    mend = html("<code>{}</code>", finding.mend) if finding.mend else ""
    return finding.name, html("{}{}", mark(tone), verdict), finding.seen, mend
