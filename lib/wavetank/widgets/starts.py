"""StartTimes: how long containers take to their first instruction, next to processes, measured as you watch."""

from __future__ import annotations

import threading

from wavetank.images import Engine
from wavetank.images.starts import MOST, Starts, measure
from wavetank.spread import Spread
from wavetank.widgets.controls import button, number, row
from wavetank.widgets.dots import DotChart, dot_key
from wavetank.widgets.markup import Markup, html, joined
from wavetank.widgets.style import table
from wavetank.widgets.view import LiveView

__all__ = ["StartTimes"]

_NAMES = ("a container", "a process")


class StartTimes(LiveView):
    """Measures ``count`` starts of the image ``ref``, live. In a terminal: `wavetank.images.starts.measure`."""

    def __init__(self, engine: Engine, ref: str, count: int = 100) -> None:
        super().__init__("Start times", ref.rpartition("/")[2])
        self._engine, self._ref = engine, ref
        self.starts = Starts(count)
        """What has been measured so far, in seconds."""
        self._halt, self._measuring = threading.Event(), False
        self._count = number("starts", count, 1, MOST)
        self._measure = button("Measure", self._press_measure, css="wt-primary", explained="start one after the other")
        self._stop = button("Stop", self._halt.set, explained="end with what has been measured")
        self._stop.disabled = True
        self._chart = DotChart("Milliseconds to the first instruction", "one start after the other", series=2)
        self.body.children = (row(self._count, self._measure, self._stop), self._chart.box)

    def text(self) -> str:
        """Return what has been measured, in words."""
        return str(self.starts)

    def draw(self) -> None:
        """Show what has been measured so far."""
        starts, measuring = self.starts, self._measuring
        self._stop.disabled = not measuring
        self.tell(_status(starts, measuring))
        series = [[1000 * second for second in seconds] for seconds in (starts.container, starts.process)]
        self._chart.show(series, starts.asked, numbers=_numbers(starts))

    def _press_measure(self) -> None:
        self.starts = Starts(int(self._count.value))
        self._halt.clear()
        self._measuring = True
        self.in_background(self._do_measure, busy=[self._measure])

    def _do_measure(self) -> None:
        try:
            measure(self._engine, self._ref, self.starts.asked, report=self._take, stop=self._halt)
        finally:
            self._measuring = False
            self.touch()

    def _take(self, starts: Starts) -> None:
        self.starts = starts
        self.touch()

    def _end(self) -> None:
        self._halt.set()  # the start under way is the last one
        super()._end()


def _status(starts: Starts, measuring: bool) -> str:
    if not measuring and not starts.container:
        return "nothing measured yet"
    counted = f"{len(starts.container)} of {starts.asked} starts"
    if measuring:
        return f"measuring: {counted}"
    return f"measured: {counted}" if starts.complete else f"ended early: {counted}"


def _numbers(starts: Starts) -> Markup:
    columns = [Spread.of(seconds) if seconds else None for seconds in (starts.container, starts.process)]
    named = (("half of them within (p50)", "p50"), ("95 % of them within (p95)", "p95"), ("least", "least"))
    rows = [
        (name, *("-" if column is None else f"{1000 * getattr(column, field):.1f}" for column in columns))
        for name, field in (*named, ("most", "most"))
    ]
    legend = joined((dot_key(series, name) for series, name in enumerate(_NAMES)), html(" &nbsp; "))
    return html("<p>{}</p>", legend) + table(("ms", *_NAMES), rows, caption="milliseconds to the first instruction")
