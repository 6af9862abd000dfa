"""CurveChart: up to three curves over some number, marks where something is the case, and the numbers beside it.

Curves differ by dash as well as by colour, marks carry a letter, and what is drawn is also written, as in `charts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import bqplot as bq

from wavetank.widgets.charts import DASHES, framed, round_up
from wavetank.widgets.markup import Markup

__all__ = ["CurveChart"]

Marks = Sequence[tuple[float, str]]
"""Where on the axis, and the letter that stands there."""


class CurveChart:
    """A chart as a widget (`box`): ``curves`` curves of one unit, called ``title``, over what ``across`` says."""

    def __init__(self, title: str, across: str, curves: int) -> None:
        self._x = bq.LinearScale(min=0, max=1, allow_padding=False)
        self._y = bq.LinearScale(min=0, max=1, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._curves = [
            bq.Lines(x=[], y=[], scales=scales, colors=[f"var(--wt-line-{number + 1})"], line_style=DASHES[number])
            for number in range(curves)
        ]
        bad = ["var(--wt-bad)"]
        self._rules = bq.Lines(x=[], y=[], scales=scales, colors=bad, stroke_width=1)
        self._letters = bq.Label(
            x=[], y=[], text=[], scales=scales, colors=bad, x_offset=4, y_offset=12, default_size=12, font_weight="bold"
        )
        self._across = bq.Axis(scale=self._x, grid_lines="none", tick_format=".3~s")
        self._values = bq.Axis(scale=self._y, side="left", tick_format=".4~g")
        marks, axes = [*self._curves, self._rules, self._letters], [self._across, self._values]
        self.box, self._numbers = framed(title, across, marks, axes, height=200, right=18)
        self._drawn: object = None

    def show(
        self, x: Sequence[float], curves: Sequence[Sequence[float]], marks: Marks = (), *, numbers: Markup
    ) -> None:
        """Draw ``curves`` (one value for each of ``x``, from 0 up) and ``marks``; write ``numbers`` (HTML) beside.

        What is on the page already is not sent again.
        """
        self._numbers.value = numbers
        drawn = (tuple(x), tuple(map(tuple, curves)), tuple(marks))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        end, top = max(x, default=1.0) or 1.0, round_up(max((max(curve, default=0.0) for curve in curves), default=0.0))
        self._x.max, self._y.max = end, top
        step = round_up(end / 6)
        self._across.tick_values = [step * number for number in range(int(end / step) + 1)]
        self._values.tick_values = [0.0, top / 2, top]
        for line, values in zip(self._curves, curves, strict=True):
            with line.hold_sync():
                line.x, line.y = list(x), list(values)
        with self._rules.hold_sync():
            self._rules.x, self._rules.y = [[place, place] for place, _ in marks], [[0.0, top] for _ in marks]
        with self._letters.hold_sync():
            self._letters.x, self._letters.y = [place for place, _ in marks], [top for _ in marks]
            self._letters.text = [letter for _, letter in marks]
