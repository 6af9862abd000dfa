"""IsolationView: a container next to an ordinary process of the same program - what is its own, what is the same."""

from __future__ import annotations

from wavetank.images.isolation import Comparison, Row
from wavetank.widgets.markup import Html, Markup, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import mark, note, table
from wavetank.widgets.view import View

__all__ = ["IsolationView"]

_TONES = {True: Tone.GOOD, False: Tone.WAIT, None: Tone.WARN}


class IsolationView(View):
    """What `wavetank.images.isolation.compare` has read, aspect by aspect. In a terminal: ``print(comparison)``."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__("Isolation", "an ordinary process and a container")
        self._comparison = comparison
        self.tell(_summary(comparison))
        self.body.children = (Html(note(comparison.notice) + _rows(comparison)),)

    def text(self) -> str:
        """Return which aspects are the container's own and which are the same; the numbers are on the page."""
        told = self._comparison
        unknown = [row.aspect for row in told.rows if row.isolated is None]
        named = (("the container's own", told.own), ("the same", told.same), ("not known", unknown))
        return "\n".join([_summary(told), *(f"  {words}: {', '.join(aspects)}" for words, aspects in named if aspects)])


def _summary(comparison: Comparison) -> str:
    return f"{len(comparison.own)} of {len(comparison.rows)} aspects are the container's own"


def _rows(comparison: Comparison) -> Markup:
    head = ("", "process", "container", "whose")
    return table(head, map(_cells, comparison.rows), caption="a process and a container", words=(1, 2, 3))


def _cells(row: Row) -> tuple[str, str, str, str]:
    whose = html("{}{}", mark(_TONES[row.isolated]), row.words)
    return row.aspect, row.process, row.container, whose
