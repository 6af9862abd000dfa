"""AutoscaleView: an autoscaler's metric and target, and the replicas it wants and has, over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from wavetank.widgets.charts import TimeChart, key
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.markup import Html, Markup
from wavetank.widgets.models.autoscale import AutoscalePicture, Sample, after
from wavetank.widgets.style import note, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["AutoscaleView"]


class AutoscaleView(LiveView):
    """The autoscaler called ``name`` (by default the first of the namespace), live."""

    def __init__(self, place: Place, name: str = "") -> None:
        super().__init__("Autoscaler", name or f"namespace {place.namespace}")
        watched = [Watched("HorizontalPodAutoscaler", place.namespace)]
        self._feed = self.following(Feed(place.kube, watched, AutoscalePicture(name), after, self.touch))
        self._replicas = TimeChart("Pods", lines=2, steps=True)
        self._metric = TimeChart("What it measures", lines=2, steps=True)
        self._words = Html()
        self.body.children = (self._replicas.box, self._metric.box, self._words)

    def text(self) -> str:
        """Return the autoscaler's latest state in words."""
        return self._feed.picture.text()

    def draw(self) -> None:
        """Show the samples so far, the last one up to now."""
        picture = self._feed.picture
        if not picture.target:
            self.tell("no autoscaler yet")
            return
        samples = picture.samples
        latest = samples[-1]
        self.tell(f"{picture.target}: has {latest.real}, wants {latest.wanted} pods")
        began = samples[0].at
        seconds = [(sample.at - began).total_seconds() for sample in samples]
        seconds.append((datetime.now(UTC) - began).total_seconds())
        lasting = [*samples, latest]
        real, wanted = ([float(sample.real) for sample in lasting], [float(sample.wanted) for sample in lasting])
        self._replicas.show(seconds, (real, wanted), numbers=_pods(latest))
        self._metric.show(seconds, (_measured(lasting), _aimed_at(lasting)), numbers=_metrics(latest))
        self._words.value = note("; ".join(filter(None, [latest.words, picture.rivals])))


def _pods(latest: Sample) -> Markup:
    rows = [
        (key(0, "there are"), f"{latest.real}"),
        (key(1, "it wants"), f"{latest.wanted}"),
        ("it may have", f"{latest.least} to {latest.most}"),
    ]
    return table(("", "pods"), rows, caption="pods")


def _metrics(latest: Sample) -> Markup:
    rows = []
    for index, metric in enumerate(latest.metrics):
        measured = "-" if metric.current is None else f"{metric.current:.0f}"
        name, unit = (key(0, metric.name), metric.unit) if index == 0 else (metric.name, metric.unit)
        rows.append((name, f"{measured} {unit}"))
        rows.append((key(1, "target") if index == 0 else "target", f"{metric.target:.0f} {unit}"))
    return table(("", "now"), rows, caption="what the autoscaler measures")


def _measured(samples: Sequence[Sample]) -> list[float]:
    """Return the first metric over time: a chart has one unit; the others are in the table."""
    firsts = (sample.metrics[0].current if sample.metrics else None for sample in samples)
    return [math.nan if value is None else float(value) for value in firsts]


def _aimed_at(samples: Sequence[Sample]) -> list[float]:
    return [float(sample.metrics[0].target) if sample.metrics else math.nan for sample in samples]
