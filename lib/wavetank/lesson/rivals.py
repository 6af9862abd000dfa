"""Two that would each do the same to one target, and get into each other's way: autoscalers, disruption budgets."""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.faults.switch import label_selector
from wavetank.kube import Kube, Obj

__all__ = ["budgets_of", "scalers_of"]


def scalers_of(kube: Kube, namespace: str, deployment: str) -> list[str]:
    """Return the names of the autoscalers of a Deployment; more than one take turns in scaling it up and down."""
    target = ("Deployment", deployment)
    scalers = kube.list("HorizontalPodAutoscaler", namespace)
    return sorted(str(one["metadata"]["name"]) for one in scalers if _target(one) == target)


def budgets_of(kube: Kube, namespace: str, pods: Sequence[Obj]) -> list[str]:
    """Return the names of the disruption budgets of the first of ``pods`` that has more than one, else nothing.

    The API evicts no pod that has two.
    """
    found: dict[str, list[str]] = {}
    for budget in kube.list("PodDisruptionBudget", namespace):
        selector = budget["spec"].get("selector")
        if selector is not None:  # an empty one is for every pod
            for pod in kube.list("Pod", namespace, label_selector({"matchLabels": {}, **selector})):
                found.setdefault(pod["metadata"]["name"], []).append(str(budget["metadata"]["name"]))
    several = (found.get(pod["metadata"]["name"], []) for pod in pods)
    return next((sorted(names) for names in several if len(names) > 1), [])


def _target(scaler: Obj) -> tuple[str, str]:
    target = scaler["spec"]["scaleTargetRef"]
    return target["kind"], target["name"]
