"""An autoscaler's doing over time: what it measures, what it aims at, how many pods it wants and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wavetank.kube import Obj
from wavetank.kube.quantity import quantity
from wavetank.widgets.models.change import Change, merged

__all__ = ["AutoscalePicture", "Metric", "Sample", "after"]

_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured of ``name`` (None: nothing yet) and what is aimed at, both in ``unit``."""

    name: str
    unit: str
    current: float | None
    target: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The autoscaler at one moment."""

    at: datetime
    real: int
    wanted: int
    least: int
    most: int
    metrics: tuple[Metric, ...]
    words: str
    """Why it wants what it wants, or cannot."""


@dataclass(frozen=True, slots=True)
class AutoscalePicture:
    """The autoscaler called ``name`` (empty: the first there is) and its samples, oldest first."""

    name: str = ""
    there: Mapping[str, Obj] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()

    @property
    def autoscaler(self) -> Obj | None:
        """The autoscaler looked at; None while there is none."""
        return self.there.get(self.name) if self.name else next(iter(self.there.values()), None)

    @property
    def target(self) -> str:
        """What is scaled, such as ``Deployment web``; empty while there is no autoscaler."""
        if self.autoscaler is None:
            return ""
        scaled = self.autoscaler["spec"]["scaleTargetRef"]
        return f"{scaled['kind']} {scaled['name']}"

    @property
    def rivals(self) -> str:
        """That other autoscalers have the same target, in words; empty when none has."""
        mine = self.autoscaler
        if mine is None:
            return ""
        target = mine["spec"]["scaleTargetRef"]
        others = [one for one in self.there.values() if one is not mine and one["spec"]["scaleTargetRef"] == target]
        names = ", ".join(sorted(one["metadata"]["name"] for one in others))
        return f"{names} scales it too, and each undoes what the other does" if names else ""

    def text(self) -> str:
        """Return the latest sample in words."""
        if not self.target:
            return f"no autoscaler {self.name}".rstrip()
        now = self.samples[-1]
        lines = [f"{self.target}: has {now.real}, wants {now.wanted} pods (from {now.least} to {now.most})"]
        lines += [f"  {m.name}: {_told(m.current)} of {_told(m.target)} {m.unit}" for m in now.metrics]
        return "\n".join([*lines, *(f"  {words}" for words in (now.words, self.rivals) if words)])


def after(picture: AutoscalePicture, change: Change) -> AutoscalePicture:
    """Return the picture after ``change``: one more sample when the autoscaler looked at said something new."""
    if change.kind != "HorizontalPodAutoscaler":
        return picture
    there = merged(picture.there, change, dict)
    moved = replace(picture, there=there)
    if moved.autoscaler is None or moved.autoscaler == picture.autoscaler:
        return moved
    return replace(moved, samples=(*picture.samples, _sample(moved.autoscaler, change.at))[-_REMEMBERED:])


def _sample(autoscaler: Obj, at: datetime) -> Sample:
    spec, status = autoscaler["spec"], autoscaler.get("status", {})
    measured = {_metric_name(metric): metric for metric in status.get("currentMetrics") or []}
    return Sample(
        at=at,
        real=status.get("currentReplicas", 0),
        wanted=status.get("desiredReplicas", 0),
        least=spec.get("minReplicas", 1),
        most=spec["maxReplicas"],
        metrics=tuple(_metric(wanted, measured.get(_metric_name(wanted))) for wanted in spec.get("metrics", [])),
        words=_words(status.get("conditions") or []),
    )


def _metric(wanted: Obj, measured: Obj | None) -> Metric:
    name, target = _metric_name(wanted), _source(wanted)["target"]
    current = _source(measured).get("current", {}) if measured else {}
    if share := target.get("averageUtilization"):
        return Metric(name, "% of the request", current.get("averageUtilization"), share)
    aim = "averageValue" if "averageValue" in target else "value"
    unit, scale = ("MiB a pod", 2.0**20) if name == "memory" else ("a pod", 1.0)
    now = quantity(current[aim]) / scale if aim in current else None
    return Metric(name, unit, now, quantity(target[aim]) / scale)


def _source(metric: Obj) -> dict[str, Any]:
    """Return the part of a metric that says which and how much: it is named after the metric's type."""
    type_ = metric["type"]
    source: dict[str, Any] = metric[type_[0].lower() + type_[1:]]
    return source


def _metric_name(metric: Obj) -> str:
    source = _source(metric)
    name: str = source.get("name") or source.get("metric", {}).get("name", "")
    return name


def _words(conditions: list[Obj]) -> str:
    """Return what stands in the autoscaler's way, else why it is limited, else nothing."""
    by_type = {condition["type"]: condition for condition in conditions}
    for type_, remarkable in (("ScalingActive", "False"), ("AbleToScale", "False"), ("ScalingLimited", "True")):
        condition = by_type.get(type_, {})
        if condition.get("status") == remarkable:
            return str(condition.get("message", ""))
    return ""


def _told(value: float | None) -> str:
    return "nothing measured" if value is None else f"{value:.0f}"
