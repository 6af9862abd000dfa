"""Whether web and booking are scaled as asked: what their autoscalers ask for at once, what they do in a rush hour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from wavetank.kube import Obj
from wavetank.kube.quantity import quantity
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.rivals import scalers_of

FEWEST = 2
GROWS_WITHIN = 75.0  # seconds: the autoscaler looks every 2 s, at measurements up to 15 s old
SHRINKS_WITHIN = 120.0  # seconds: measurements have to fall first, and papers are held for ten seconds
LONGEST_WINDOW = 300  # seconds: what Kubernetes waits for by itself, before it believes that the rush is over


class Asked(NamedTuple):
    """What the task asks for one Deployment: at most so many pods, so much of a resource used of what is requested."""

    most: int
    resource: str
    percent: int


SCALED = {"web": Asked(5, "cpu", 60), "booking": Asked(4, "memory", 70)}


def grow_and_shrink(bench: Bench) -> CheckResult:
    """One rush hour makes both web and booking grow; when it is over, both come back."""
    result = partial(
        CheckResult,
        claim="web and booking grow with the load, and shrink after it",
        look=bench.kubectl("describe", "hpa"),
    )
    scalers = {name: scalers_of(bench.kube, bench.namespace, name) for name in SCALED}
    expected = "a HorizontalPodAutoscaler for web, and one for booking"
    if missing := [name for name, found in scalers.items() if not found]:
        return result(False, saw=f"nothing scales {' or '.join(missing)}", expected=expected)
    if several := [f"{name} is scaled by {' and '.join(found)}" for name, found in scalers.items() if len(found) > 1]:
        return result(False, saw=f"{', '.join(several)}, each undoing what the other does", expected=expected)
    for name, asked in SCALED.items():
        if mistake := _mistake(bench, name, scalers[name][0], asked):
            return result(False, saw=mistake[0], expected=mistake[1])

    rush_hour = bench.load("rush-hour")
    peak = _highest(bench, GROWS_WITHIN)
    grew = f"up to {peak['web']} pods of web and {peak['booking']} of booking in the rush hour"
    if min(peak.values()) <= FEWEST:
        rush_hour.to_the_end()
        return result(False, saw=grew, expected=f"more than {FEWEST} of each")

    rush_hour.cancel()
    left = _wanted(
        bench.until(
            "HorizontalPodAutoscaler",
            lambda found: max(_wanted(found).values()) <= FEWEST,
            SHRINKS_WITHIN,
            waiting_for="web and booking to need two pods only",
        )
    )
    shrank = f"their autoscalers want {left['web']} and {left['booking']} after it"
    expected = f"{FEWEST} of each within {SHRINKS_WITHIN:.0f} s"
    return result(max(left.values()) <= FEWEST, saw=f"{grew}, {shrank}", expected=expected)


def _mistake(bench: Bench, name: str, scaler: str, asked: Asked) -> tuple[str, str] | None:
    """Return what an autoscaler asks for and what the task does, where these differ: no load has to show it."""
    spec = bench.kube.get("HorizontalPodAutoscaler", scaler, bench.namespace)["spec"]
    about = f"the autoscaler {scaler} of {name}"
    bounds = spec.get("minReplicas", 1), spec["maxReplicas"]
    if bounds != (FEWEST, asked.most):
        return f"{about} keeps between {bounds[0]} and {bounds[1]} pods", f"between {FEWEST} and {asked.most}"
    for direction, consequence in (("scaleUp", "grow"), ("scaleDown", "shrink")):
        rules = (spec.get("behavior") or {}).get(direction) or {}
        if rules.get("selectPolicy") == "Disabled":
            return f"{about} may never {consequence}: behavior.{direction} is Disabled", "one that may"
    window = ((spec.get("behavior") or {}).get("scaleDown") or {}).get("stabilizationWindowSeconds") or 0
    if window > LONGEST_WINDOW:
        return f"{about} keeps its pods for {window} s when the rush is over", f"at most {LONGEST_WINDOW} s"
    expected = f"{asked.percent} % of the {asked.resource} that its pods request"
    shares = _shares(bench, name, spec.get("metrics") or [])
    if shares.get(asked.resource) != asked.percent:
        held = " and ".join(f"{share:g} % of {resource}" for resource, share in shares.items()) or "no share"
        return f"{about} holds {held}", expected
    return None


def _shares(bench: Bench, name: str, metrics: Sequence[Obj]) -> dict[str, float]:
    """Return what share of their requests, in percent, pods shall use; an average value is a share of them, too."""
    shares = {}
    deployments = bench.kube.list("Deployment", bench.namespace, fields=f"metadata.name={name}")
    containers = deployments[0]["spec"]["template"]["spec"]["containers"] if deployments else []
    for metric in metrics:
        source: dict[str, Any] = metric.get("resource") or metric.get("containerResource") or {}
        target, only = source.get("target") or {}, source.get("container")
        if "averageUtilization" in target:
            shares[source["name"]] = float(target["averageUtilization"])
        elif "averageValue" in target:
            requests = [
                quantity(container.get("resources", {}).get("requests", {}).get(source["name"], "0"))
                for container in containers
                if only in (None, container["name"])
            ]
            if sum(requests):
                shares[source["name"]] = round(100 * quantity(target["averageValue"]) / sum(requests))
    return shares


def _highest(bench: Bench, within: float) -> dict[str, int]:
    """Return the most ready pods each Deployment had, as soon as all of them have grown."""
    peak = dict.fromkeys(SCALED, 0)

    def grown(deployments: Sequence[Obj]) -> bool:
        for name, ready in _ready_replicas(deployments).items():
            peak[name] = max(peak[name], ready)
        return min(peak.values()) > FEWEST

    bench.until("Deployment", grown, within, waiting_for=f"more than {FEWEST} ready pods of web, and of booking")
    return peak


def _ready_replicas(deployments: Sequence[Obj]) -> dict[str, int]:
    found = {deployment["metadata"]["name"]: deployment for deployment in deployments}
    return {name: found.get(name, {}).get("status", {}).get("readyReplicas", 0) for name in SCALED}


def _wanted(scalers: Sequence[Obj]) -> dict[str, int]:
    """Return how many pods each needs by its autoscaler's own measurements.

    What is left then is waiting: until no recommendation within its window is higher, and by the steps of its policies.
    """
    found = {scaler["spec"]["scaleTargetRef"]["name"]: scaler for scaler in scalers}
    return {name: _needed(found[name]) if name in found else 0 for name in SCALED}


def _needed(scaler: Obj) -> int:
    status = scaler.get("status") or {}
    desired, current = int(status.get("desiredReplicas", 0)), int(status.get("currentReplicas", 0))
    if desired <= FEWEST:
        return desired
    needs = []
    for asked, measured in zip(scaler["spec"]["metrics"], status.get("currentMetrics") or [], strict=False):
        key = "averageUtilization" if "averageUtilization" in str(asked) else "averageValue"
        wanted = _value(asked, "target", key)
        is_ = _value(measured, "current", key)
        needs.append(math.ceil(current * is_ / wanted) if wanted and is_ is not None else desired)
    return max(needs, default=desired)


def _value(metric: Obj, part: str, key: str) -> float | None:
    source = metric.get("resource") or metric.get("containerResource") or {}
    value = (source.get(part) or {}).get(key)
    return None if value is None else quantity(str(value))
