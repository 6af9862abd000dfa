"""Small readings of objects that checks and truths share. All pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wavetank.kube import Obj, application_container
from wavetank.kube.pods import container_statuses

__all__ = ["APPLICATION", "field_at", "in_words", "reasons", "restarts"]


APPLICATION = "application"
"""What stands in a path, after ``containers``, for the application's container, wherever in the pod it is."""


def in_words(selector: dict[str, str]) -> str:
    """Return a selector as ``kubectl`` takes it: ``app=web,tier=front``."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def field_at(obj: Any, path: Sequence[str | int], services: Sequence[Obj] = ()) -> Any:
    """Return what is at ``path`` in an object, None where the path leads nowhere.

    ``services``, those of its namespace, tell which container is the application's.
    """
    here = obj
    for index, key in enumerate(path):
        try:
            if key == APPLICATION and isinstance(here, list):
                here = application_container(field_at(obj, path[: index - 2]), services)
            else:
                here = here[key]
        except (KeyError, IndexError, TypeError):
            return None
    return here


def restarts(pods: Sequence[Obj]) -> int:
    """Return how often the containers of ``pods`` were restarted, all together."""
    return sum(status.get("restartCount", 0) for pod in pods for status in container_statuses(pod))


def reasons(pods: Sequence[Obj]) -> list[str]:
    """Return the reasons of the states that containers are in or were in last, and why pods wait for a node."""
    found: dict[str, None] = {}
    for pod in pods:
        conditions = pod.get("status", {}).get("conditions") or []
        for condition in conditions:
            if condition["type"] == "PodScheduled" and condition["status"] == "False" and condition.get("reason"):
                found[condition["reason"]] = None
    for status in (each for pod in pods for each in container_statuses(pod)):
        for state in (status.get("state") or {}, status.get("lastState") or {}):
            for told in state.values():
                if told.get("reason"):
                    found[told["reason"]] = None
    return list(found)
