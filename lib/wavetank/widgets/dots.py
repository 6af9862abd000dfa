"""DotChart: up to two series of single measurements, a dot for each; the numbers are written beside it.

The series differ by shape as well as by colour; what is drawn is also written, as in `charts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import bqplot as bq

from wavetank.widgets.charts import framed, round_up
from wavetank.widgets.markup import Markup, html

__all__ = ["DotChart", "dot_key"]

_SHAPES = ("circle", "triangle-up")
_SIGNS = ("●", "▲")


def dot_key(series: int, name: str) -> Markup:
    """Return the legend of the ``series``-th series (from 0) as HTML: its shape, and its name."""
    return html('<span class="wt-dot l{}" aria-hidden="true">{}</span>{}', series + 1, _SIGNS[series], name)


class DotChart:
    """A chart as a widget (`box`): ``series`` series of one unit, each measurement over its number, from 1."""

    def __init__(self, title: str, across: str, series: int) -> None:
        self._x = bq.LinearScale(min=0, max=1, allow_padding=False)
        self._y = bq.LinearScale(min=0, max=1, allow_padding=False)
        self._dots = [
            bq.Scatter(
                x=[],
                y=[],
                scales={"x": self._x, "y": self._y},
                colors=[f"var(--wt-line-{number + 1})"],
                marker=_SHAPES[number],
                default_size=18,
            )
            for number in range(series)
        ]
        self._counted = bq.Axis(scale=self._x, grid_lines="none", tick_format="d")
        self._values = bq.Axis(scale=self._y, side="left", tick_format=".4~g")
        self.box, self._numbers = framed(title, across, self._dots, [self._counted, self._values])
        self._drawn: tuple[int, tuple[tuple[float, ...], ...]] | None = None

    def show(self, series: Sequence[Sequence[float]], wanted: int, *, numbers: Markup) -> None:
        """Draw each of ``series``, of which ``wanted`` measurements are to come; write ``numbers`` (HTML) beside.

        What is on the page already is not sent again.
        """
        self._numbers.value = numbers
        drawn = (wanted, tuple(map(tuple, series)))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        end, top = max(1, wanted) + 1, round_up(max((value for values in series for value in values), default=0.0))
        for axis, high in ((self._x, end), (self._y, top)):
            axis.max = high
        self._values.tick_values = [0.0, top / 2, top]
        self._counted.tick_values = sorted({1, *(wanted * part // 4 for part in range(1, 5))} - {0})
        for dots, values in zip(self._dots, series, strict=True):
            with dots.hold_sync():
                dots.x, dots.y = list(range(1, len(values) + 1)), list(values)
