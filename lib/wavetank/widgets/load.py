"""LoadPanel: start and stop a load, and see what it measures: rate, latencies, errors, and what happened meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase

from wavetank.lesson import LabSession
from wavetank.traffic import PROFILES, LoadStatus, Mark, Summary
from wavetank.traffic.record import not_held
from wavetank.traffic.resource import MAX_DURATION, MAX_RATE
from wavetank.traffic.series import Snapshot
from wavetank.widgets.charts import ChartMark, TimeChart, key
from wavetank.widgets.controls import button, choice, number, row
from wavetank.widgets.following import LoadDesk
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.style import list_items, table
from wavetank.widgets.view import LiveView

__all__ = ["LoadPanel"]

_SHAPES = [name for name in PROFILES if name != "trace"]
"""The profiles that need nothing beyond a rate and a duration."""
_BEFORE = -3.0
"""What happened up to three seconds before the first request belongs to the load."""


class LoadPanel(LiveView):
    """The latest load of the lab's namespace, whoever started it, and a form that starts another."""

    def __init__(self, lab: LabSession) -> None:
        super().__init__("Load", f"namespace {lab.namespace}")
        self._loads = lab.model.loads
        self.desk = self.following(LoadDesk(lab.kube, lab.namespace, self.touch))
        self._load = choice("load", list(self._loads), width="170px")
        self._profile = choice("profile", list(PROFILES), width="150px")
        self._rate = number("requests a second", 20, 1, MAX_RATE)
        self._seconds = number("seconds", 60, 1, MAX_DURATION)
        self._start = button("Start", self._press_start, css="wt-primary", explained="start this load")
        self._stop = button("Stop", self._press_stop, explained="end the running load now")
        self._load.observe(lambda _: self._fill_in(), "value")
        self._fill_in()
        self._rates = TimeChart("Requests a second", lines=2)
        self._latencies = TimeChart("Latency in ms from the scheduled send", lines=3)
        self._marks = Html()
        self.body.children = (
            row(self._load, self._profile, self._rate, self._seconds, self._start, self._stop),
            self._rates.box,
            self._latencies.box,
            self._marks,
        )

    def text(self) -> str:
        """Return what the latest load has measured so far, and what happened meanwhile."""
        status = self.desk.status
        if status is None:
            return "no load yet"
        marks = [f"  at {mark.second:.0f} s: {mark.text}" for mark in _of_the_load(self.desk.series.snapshot())]
        return "\n".join([f"load {status.name} ({status.phase.lower()}): {self.desk.series}", *marks])

    def draw(self) -> None:
        """Show the latest second."""
        status = self.desk.status
        self._stop.disabled = status is None or status.ended
        self.tell(_status(status))
        snapshot, summary = self.desk.series.snapshot(), self.desk.series.summary()
        marks = _of_the_load(snapshot)
        letters = [ChartMark(max(0.0, mark.second), letter) for mark, letter in _lettered(marks)]
        rates, latencies = (snapshot.rate, snapshot.answered), (snapshot.p50, snapshot.p95, snapshot.p99)
        self._rates.show(snapshot.seconds, rates, letters, numbers=_rates(snapshot, summary))
        self._latencies.show(snapshot.seconds, latencies, letters, numbers=_latencies(snapshot, summary))
        self._marks.value = _what_happened(marks)

    def notice(self) -> str:
        """Return what went wrong while the load was followed, or with the load itself."""
        summary = self.desk.series.summary()
        return self.desk.trouble or (not_held(summary.unsent, summary.still) if summary.still else "")

    def _fill_in(self) -> None:
        """Put the chosen load's own figures into the form."""
        if load := self._loads.get(self._load.value):
            self._profile.options = [name for name in PROFILES if name in (load.profile.name, *_SHAPES)]
            self._profile.value = load.profile.name
            self._rate.value, self._seconds.value = round(load.rate), round(load.duration)

    def _press_start(self) -> None:
        declared = self._loads[self._load.value]
        same = self._profile.value == declared.profile.name
        profile = declared.profile if same else PROFILES[self._profile.value]()
        load = replace(declared, profile=profile, rate=float(self._rate.value), duration=float(self._seconds.value))
        self.in_background(lambda: self.desk.begin(load), busy=[self._start])

    def _press_stop(self) -> None:
        self.in_background(self.desk.stop, busy=[self._stop])


def _status(status: LoadStatus | None) -> str:
    if status is None:
        return "no load yet"
    wanted = f"{status.profile}, {status.rate:g} requests a second for {status.duration}"
    return f"{status.name} ({wanted}): {status.phase.lower()}"


def _of_the_load(snapshot: Snapshot) -> list[Mark]:
    return [mark for mark in snapshot.marks if mark.second >= _BEFORE]


def _lettered(marks: Sequence[Mark]) -> list[tuple[Mark, str]]:
    """Give each mark a letter; after Z, letters begin anew."""
    return [(mark, ascii_uppercase[index % 26]) for index, mark in enumerate(marks)]


def _rates(snapshot: Snapshot, summary: Summary) -> Markup:
    answered = summary.status.total() - summary.failed
    share = snapshot.error_share[-1] if snapshot.error_share else math.nan
    rows = [
        (key(0, "sent"), _last(snapshot.rate), f"{summary.sent}"),
        (key(1, "answered well"), _last(snapshot.answered), f"{answered}"),
        ("failed", "", f"{summary.failed}"),
        ("failed share", _percent(share), _percent(summary.error_share if summary.status else math.nan)),
    ]
    return table(("", "last second", "in all"), rows, caption="requests a second")


def _latencies(snapshot: Snapshot, summary: Summary) -> Markup:
    named = (
        ("half of them (p50)", snapshot.p50, 50.0),
        ("95 % of them (p95)", snapshot.p95, 95.0),
        ("99 % of them (p99)", snapshot.p99, 99.0),
    )
    rows = [
        (key(line, name), _last(values), _milliseconds(summary.latencies.percentile(percent)))
        for line, (name, values, percent) in enumerate(named)
    ]
    return table(("answers came within", "last second", "in all"), rows, caption="latency in milliseconds")


def _what_happened(marks: Sequence[Mark]) -> Markup:
    items = (
        html("<li><time>{}, at {:.0f} s</time><span>{}: {}</span></li>", letter, mark.second, mark.kind, mark.text)
        for mark, letter in _lettered(marks)
    )
    listed = list_items(items, "wt-log", "marks on the time line")
    return html("<h5>Marks on the time line</h5>{}", listed) if listed else NOTHING


def _last(values: Sequence[float]) -> str:
    return "-" if not values or math.isnan(values[-1]) else f"{values[-1]:.0f}"


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"
