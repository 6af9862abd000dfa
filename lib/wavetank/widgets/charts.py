"""TimeChart: up to three lines over the seconds of an experiment, marks on the time line, and the numbers beside it.

Lines differ by dash as well as by colour, marks carry a letter that the list beside the chart explains, and whatever is
drawn is also written: the chart is a help for eyes, not the only place a number can be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import bqplot as bq
import ipywidgets as ipw

from wavetank.widgets.markup import Html, Markup, html

__all__ = ["DASHES", "ChartMark", "TimeChart", "framed", "key", "round_up"]

DASHES = ("solid", "dashed", "dotted")
_SPAN = 240
"""Seconds of the time line that fit; of a longer experiment the last ones are shown."""


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A mark on the time line: ``letter`` at ``second``."""

    second: float
    letter: str


def key(line: int, name: str) -> Markup:
    """Return the legend of the ``line``-th line (from 0) as HTML: a sample of it, and its name."""
    return html('<span class="wt-key l{}" aria-hidden="true"></span>{}', line + 1, name)


class TimeChart:
    """A chart as a widget (`box`): ``lines`` lines of one unit, called ``title`` as seen and read aloud."""

    def __init__(self, title: str, lines: int, *, steps: bool = False) -> None:
        self._x = bq.LinearScale(min=0, max=60, allow_padding=False)
        self._y = bq.LinearScale(min=0, max=1, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._lines = [
            bq.Lines(
                x=[],
                y=[],
                scales=scales,
                colors=[f"var(--wt-line-{number + 1})"],
                line_style=DASHES[number],
                interpolation="step-after" if steps else "linear",
            )
            for number in range(lines)
        ]
        self._rules = bq.Lines(x=[], y=[], scales=scales, colors=["var(--wt-bad)"], stroke_width=1)
        self._letters = bq.Label(
            x=[],
            y=[],
            text=[],
            scales=scales,
            colors=["var(--wt-bad)"],
            x_offset=4,
            y_offset=12,
            default_size=12,
            font_weight="bold",
        )
        self._seconds = bq.Axis(scale=self._x, grid_lines="none", tick_format="d")
        self._values = bq.Axis(scale=self._y, side="left", tick_format=".4~g")
        marks, axes = [*self._lines, self._rules, self._letters], [self._seconds, self._values]
        self.box, self._numbers = framed(title, "over the seconds since the start", marks, axes)
        self._drawn: _Drawing | None = None

    def show(
        self,
        x: Sequence[float],
        lines: Sequence[Sequence[float]],
        marks: Sequence[ChartMark] = (),
        *,
        numbers: Markup,
    ) -> None:
        """Draw ``lines`` (one value for each of ``x``, nan for none) and ``marks``; write ``numbers`` (HTML) beside.

        What is on the page already is not sent again.
        """
        self._numbers.value = numbers
        drawing = _drawing(x, lines, marks)
        if drawing == self._drawn:
            return
        self._drawn = drawing
        for axis, low, high in ((self._x, drawing.begin, drawing.end), (self._y, 0.0, drawing.top)):
            with axis.hold_sync():
                axis.min, axis.max = low, high
        self._values.tick_values = [0.0, drawing.top / 2, drawing.top]
        self._seconds.tick_values = _ticks(drawing.begin, drawing.end)
        for line, values in zip(self._lines, drawing.lines, strict=True):
            with line.hold_sync():
                line.x, line.y = drawing.x, values
        places, heights = [mark.second for mark in drawing.marks], [drawing.top] * len(drawing.marks)
        with self._rules.hold_sync():
            self._rules.x, self._rules.y = [[place, place] for place in places], [[0.0, high] for high in heights]
        with self._letters.hold_sync():
            self._letters.x, self._letters.y = places, heights
            self._letters.text = [mark.letter for mark in drawing.marks]


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The part of an experiment that fits: from second ``begin`` to ``end``, values from 0 to ``top``."""

    begin: float
    end: float
    top: float
    x: tuple[float, ...]
    lines: tuple[tuple[float, ...], ...]
    marks: tuple[ChartMark, ...]


def _drawing(x: Sequence[float], lines: Sequence[Sequence[float]], marks: Sequence[ChartMark]) -> _Drawing:
    end = max([60.0, *x[-1:]])
    begin = max(0.0, end - _SPAN)
    first = next((index for index, second in enumerate(x) if second >= begin), len(x))
    shown = tuple(tuple(line[first:]) for line in lines)
    highest = max((value for line in shown for value in line if not math.isnan(value)), default=0.0)
    inside = tuple(mark for mark in marks if begin <= mark.second <= end)
    return _Drawing(begin, end, round_up(highest), tuple(x[first:]), shown, inside)


def _ticks(begin: float, end: float) -> list[float]:
    """Return the seconds to write under the chart: every tenth, or every thirtieth of a longer experiment."""
    step = 10 if end - begin <= 90 else 30
    return [float(second) for second in range(math.ceil(begin / step) * step, int(end) + 1, step)]


def framed(
    title: str, across: str, marks: Sequence[bq.Mark], axes: Sequence[bq.Axis], *, height: int = 150, right: int = 12
) -> tuple[ipw.HBox, Html]:
    """Return a drawing under its heading with the numbers beside it, and the numbers; sizes are in pixels."""
    figure = bq.Figure(
        marks=list(marks),
        axes=list(axes),
        fig_margin={"top": 8, "bottom": 24, "left": 44, "right": right},
        padding_x=0,
        padding_y=0,
        display_toolbar=False,
        layout=ipw.Layout(width="100%", height=f"{height}px"),
    )
    drawing = ipw.VBox([Html(html("<h5>{} <span>{}</span></h5>", title, across)), figure])
    drawing.add_class("wt-drawing")
    numbers = Html()
    numbers.add_class("wt-numbers")
    box = ipw.HBox([drawing, numbers])
    box.add_class("wt-chart")
    return box, numbers


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 ... that leaves a little room above ``value``."""
    if value <= 0:
        return 1.0
    wanted = value * 1.1
    power = 10 ** math.floor(math.log10(wanted))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= wanted * 0.999))
