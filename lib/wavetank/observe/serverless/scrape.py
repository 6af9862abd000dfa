"""Knative's own metrics, as each of its pods tells them in Prometheus' text format.

They are there when the ConfigMap config-observability of Knative's namespace says ``metrics-protocol: prometheus``.
OpenTelemetry's names become Prometheus' by its exporter: ``kn.revision.pods.desired`` is ``kn_revision_pods_desired``,
a duration in seconds gets the suffix ``_seconds``, and its histogram's number of values ``_seconds_count``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from wavetank.errors import KubeError, NotSupportedError, UnreachableError
from wavetank.kube import Kube, is_ready

__all__ = ["Sample", "Scraped", "samples", "scrape", "untold"]

_ANSWER_WITHIN = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric, and its labels."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Scraped:
    """What one pod has said; ``uid`` tells it from another of its name."""

    uid: str
    text: str


def samples(text: str, names: Collection[str]) -> Iterator[Sample]:
    """Yield the values of the metrics called ``names`` in what a pod has said.

    Only their lines are parsed: Go's runtime and the client of the API server tell ten times as much. What is no line
    of the format is passed over.
    """
    for line in text.split("\n"):
        if line.partition("{")[0].partition(" ")[0] in names:
            yield from _samples(line)


def _samples(line: str) -> list[Sample]:
    """Return the value in one line; none where it is no number, or the line is not of the format."""
    try:
        told = [sample for family in text_string_to_metric_families(f"{line}\n") for sample in family.samples]
    except ValueError:
        return []
    return [Sample(one.name, one.labels, one.value) for one in told if math.isfinite(one.value)]


def scrape(kube: Kube, namespace: str, selector: str, port: int) -> list[Scraped]:
    """Return what the ready pods that ``selector`` finds say at ``port``, each asked from within itself.

    Who does not answer is left out: a pod may be gone before it is asked.
    """
    pods = [pod for pod in kube.list("Pod", namespace, selector) if is_ready(pod)]
    with ThreadPoolExecutor(max(1, len(pods))) as pool:
        told = list(pool.map(lambda pod: _ask(kube, namespace, pod["metadata"]["name"], port), pods))
    return [Scraped(pod["metadata"]["uid"], text) for pod, text in zip(pods, told, strict=True) if text]


def untold(kube: Kube, namespace: str, who: str) -> NotSupportedError:
    """Return the error for a Knative none of whose pods tells metrics; ``who`` should have."""
    return NotSupportedError(
        f"{who} does not say what it has counted",
        observed=f"no ready pod in {namespace} answers with metrics",
        expected="metrics in Prometheus' format",
        command=kube.connection.kubectl("-n", namespace, "get", "configmap", "config-observability", "-o", "yaml"),
        hint="set metrics-protocol: prometheus there; pods made after that tell their metrics",
    )


def _ask(kube: Kube, namespace: str, pod: str, port: int) -> str:
    """Return what a pod says; nothing when it does not."""
    try:
        answer = kube.request(f"pod:{pod}:{port}", "/metrics", namespace, timeout=_ANSWER_WITHIN)
    except UnreachableError:
        raise
    except KubeError:
        return ""
    return answer.text if answer.status == 200 else ""
