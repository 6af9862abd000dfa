"""CostMeter: a day is replayed to a function; what a month of it costs, by use or always on, and the break-even."""

from __future__ import annotations

import threading

from wavetank.lesson import LabSession
from wavetank.lesson.replay import replay_day
from wavetank.observe.billing import AlwaysOn, Meter, Point, Replay, load_prices
from wavetank.observe.billing.bill import money
from wavetank.observe.billing.meter import HEAD, rows
from wavetank.traffic.resource import MAX_RATE
from wavetank.widgets.charts import key
from wavetank.widgets.controls import button, number, row
from wavetank.widgets.curves import CurveChart
from wavetank.widgets.markup import NOTHING, Html, Markup, html, joined
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import note, table
from wavetank.widgets.view import LiveView

__all__ = ["CostMeter"]

_MOST_REPLICAS = 100
_NOTHING = "no day replayed yet"


class CostMeter(LiveView):
    """Plays the lab's load ``load`` as the day of the Knative Service ``service``; prices are the lab's prices.yaml.

    The Deployment it is held against has at least ``replicas``, each of which ``holds`` so many requests a second; both
    can be changed on the page. In a terminal: `replay`, then print it; or `wavetank.observe.billing.Meter`.
    Raises `InputError` when the price list is wrong.
    """

    def __init__(self, lab: LabSession, load: str, service: str, *, replicas: int = 1, holds: int = 50) -> None:
        super().__init__("Cost meter", f"function {service}")
        self._lab, self._load, self._service = lab, lab.model.load(load), service
        self.prices = load_prices(lab.model.folder / "prices.yaml")
        self._meter: Meter | None = None
        self._said, self._halt, self._replaying = _NOTHING, threading.Event(), False
        self._start = button("Replay the day", self._press_start, css="wt-primary", explained=f"play the load {load}")
        self._stop = button("Stop", self._press_stop, explained="end the load; half a day has no bill")
        self._replicas = number("always on: replicas, at least", replicas, 1, _MOST_REPLICAS)
        self._holds = number("requests a second that one holds", holds, 1, MAX_RATE)
        for field in (self._replicas, self._holds):
            field.observe(lambda _: self.touch(), "value")
        self._bills, self._words, self._prices = Html(), Html(), Html()
        self._chart = CurveChart(f"{self.prices.currency} a month", "over requests a day", curves=2)
        self.body.children = (
            row(self._start, self._stop, self._replicas, self._holds),
            self._words,
            self._bills,
            self._chart.box,
            self._prices,
        )

    @property
    def meter(self) -> Meter | None:
        """The bills of the day last replayed, against the Deployment that is asked for now; None before the first."""
        if self._meter and self._meter.deployment != self._deployment:
            self._meter = Meter(self._meter.replay, self.prices, self._deployment)
        return self._meter

    def replay(self) -> Replay:
        """Replay the day, to its end, and return what was used; the same as its button, for a cell or a terminal."""
        self._halt.clear()
        self._replaying = True
        try:
            lab = self._lab
            replayed = replay_day(lab.kube, lab.namespace, self._load, self._service, say=self._say, stop=self._halt)
            self._meter = Meter(replayed, self.prices, self._deployment)
            return replayed
        finally:
            self._replaying = False
            self._say("replayed" if self._meter else _NOTHING)

    def text(self) -> str:
        """Return the bills, the break-even and what min-scale costs, in words."""
        return repr(self.meter) if self.meter else f"{_NOTHING}; prices: {self.prices}"

    def draw(self) -> None:
        """Show the bills of the day last replayed, and how far the one under way is."""
        meter, replaying = self.meter, self._replaying
        self._start.disabled, self._stop.disabled = replaying, not replaying
        self.tell(self._said)
        footnote = f"{meter.footnote}. " if meter and meter.footnote else ""
        self._prices.value = html('<p class="wt-dim wt-told">{}Prices: {}.</p>', footnote, str(self.prices))
        if meter is None:
            self._chart.show([], [[], []], numbers=NOTHING)
            return
        told = f"{meter.cheaper}\n{meter.where_even}"
        self._words.value = html(
            '<p class="wt-told">{}</p>{}{}', meter.subject, note(told, Tone.GOOD), note(meter.warning)
        )
        self._bills.value = _bills(meter)
        points = meter.points
        curves = [[point.pay_per_use for point in points], [point.always_on for point in points]]
        marks = [(point.requests, letter) for letter, _, point in _marked(meter)]
        self._chart.show([point.requests for point in points], curves, marks, numbers=_numbers(meter))

    @property
    def _deployment(self) -> AlwaysOn:
        return AlwaysOn(int(self._replicas.value), float(self._holds.value))

    def _press_start(self) -> None:
        self.in_background(self.replay, busy=[self._start])

    def _press_stop(self) -> None:
        self._halt.set()

    def _say(self, words: str) -> None:
        self._said = words
        self.touch()

    def _end(self) -> None:
        self._halt.set()
        super()._end()


def _bills(meter: Meter) -> Markup:
    lines = [
        (html("&emsp;{}", what) if is_part else html("<b>{}</b>", what), much, cost)
        for bill in meter.bills
        for is_part, what, much, cost in rows(bill)
    ]
    return table((*HEAD[:2], meter.prices.currency), lines, caption="what a month costs")


def _marked(meter: Meter) -> list[tuple[str, str, Point]]:
    """Return the places that the chart marks: a letter, what is there, and what both ways cost there."""
    used, kept = meter.pay_per_use.cost, meter.always_on.cost
    marked = [("A", "this day", Point(meter.day.requests, used, kept))] if meter.day.requests else []
    if (even := meter.break_even) and even.requests:
        marked.append(("B", "break-even", Point(even.requests, even.cost, even.cost)))
    return marked


def _numbers(meter: Meter) -> Markup:
    lines = [
        (f"{letter}, {name}", f"{point.requests:,.0f}", money(point.pay_per_use), money(point.always_on))
        for letter, name, point in _marked(meter)
    ]
    legend = joined((key(line, name) for line, name in enumerate(("pay per use", "always on"))), html(" &nbsp; "))
    head = ("", "requests a day", "pay per use", "always on")
    return html("<p>{}</p>", legend) + table(head, lines, caption="pay per use and always on")
