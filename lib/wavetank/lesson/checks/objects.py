"""Checks that look at objects: rollouts, pods, events, fields. None needs traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.kube import Obj
from wavetank.kube.pods import is_ready
from wavetank.kube.rollout import asked_to_wait, rollout_state
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check, with_trouble
from wavetank.lesson.pods import APPLICATION, field_at, in_words, reasons
from wavetank.lesson.result import CheckResult
from wavetank.lesson.stuck import given_up_when_stuck

__all__ = ["Events", "Field", "Ready", "Rollout", "Spread", "State"]


@dataclass(frozen=True, slots=True)
class Rollout(Check):
    """A Deployment is rolled out, by the rules of ``kubectl rollout status``.

    What its manifest itself asks to wait for comes on top of ``within``.
    """

    deployment: str
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"{self.deployment} is rolled out"

    def run(self, bench: Bench) -> CheckResult:
        """Wait until the rollout is complete, or a pod can never start."""
        only = f"metadata.name={self.deployment}"
        within = self.within + sum(map(asked_to_wait, bench.kube.list("Deployment", bench.namespace, fields=only)))
        with given_up_when_stuck(bench.kube, bench.namespace, self.deployment, within) as stuck:
            found = bench.until(
                "Deployment",
                lambda deployments: any(rollout_state(deployment).done for deployment in deployments),
                within,
                fields=only,
                waiting_for=f"the rollout of {self.deployment}",
                stop=stuck,
            )
        state = rollout_state(found[0]) if found else None
        saw = state.words if state else f"there is no Deployment {self.deployment}"
        if state and not state.done:
            saw = with_trouble(saw, bench, found[0]["spec"]["selector"].get("matchLabels", {}))
        return self.result(
            state is not None and state.done,
            saw,
            f"every replica of the newest template available within {within:g} s",
            bench.kubectl("describe", "deployment", self.deployment),
        )


@dataclass(frozen=True, slots=True)
class Ready(Check):
    """So many pods are ready."""

    selector: dict[str, str]
    at_least: int = 1
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"at least {self.at_least} pods of {in_words(self.selector)} are ready"

    def run(self, bench: Bench) -> CheckResult:
        """Wait until enough pods are ready."""
        pods = bench.until_pods(
            self.selector, lambda pods: len(_ready(pods)) >= self.at_least, self.within, waiting_for=self.claim
        )
        passed = len(_ready(pods)) >= self.at_least
        saw = f"{len(_ready(pods))} of {len(pods)} pods are ready"
        return self.result(
            passed,
            saw if passed else with_trouble(saw, bench, self.selector),
            f"at least {self.at_least} within {self.within:g} s",
            bench.kubectl("get", "pods", "-l", in_words(self.selector)),
        )


@dataclass(frozen=True, slots=True)
class Spread(Check):
    """The ready pods are spread evenly over so many nodes."""

    selector: dict[str, str]
    nodes: int
    within: float = 30.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"the pods of {in_words(self.selector)} are spread over {self.nodes} nodes"

    def run(self, bench: Bench) -> CheckResult:
        """Wait until the pods lie as they should."""
        pods = bench.until_pods(
            self.selector, lambda pods: self._even(_by_node(pods)), self.within, waiting_for=self.claim
        )
        by_node = _by_node(pods)
        return self.result(
            self._even(by_node),
            ", ".join(f"{count} on {node}" for node, count in sorted(by_node.items())) or "no pod is ready",
            f"ready pods on {self.nodes} nodes, none with more than one above another",
            bench.kubectl("get", "pods", "-o", "wide", "-l", in_words(self.selector)),
        )

    def _even(self, by_node: Counter[str]) -> bool:
        return len(by_node) >= self.nodes and max(by_node.values()) - min(by_node.values()) <= 1


@dataclass(frozen=True, slots=True)
class State(Check):
    """A container is, or was before its last restart, in a state with this reason."""

    selector: dict[str, str]
    reason: str
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"a container of {in_words(self.selector)} shows {self.reason}"

    def run(self, bench: Bench) -> CheckResult:
        """Wait until the reason shows."""
        pods = bench.until_pods(
            self.selector, lambda pods: self.reason in reasons(pods), self.within, waiting_for=self.claim
        )
        return self.result(
            self.reason in reasons(pods),
            ", ".join(reasons(pods)) or f"{len(pods)} pods, their containers running or not yet created",
            f"{self.reason} within {self.within:g} s",
            bench.kubectl("describe", "pods", "-l", in_words(self.selector)),
        )


@dataclass(frozen=True, slots=True)
class Events(Check):
    """Events with this reason were recorded in the lab's namespace."""

    reason: str
    about: str = ""
    at_least: int = 1
    within: float = 30.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        about = f" about {self.about}" if self.about else ""
        return f"an event {self.reason}{about} was seen"

    def run(self, bench: Bench) -> CheckResult:
        """Wait until enough such events are there."""
        events = bench.until(
            "Event",
            lambda events: self._times(events) >= self.at_least,
            self.within,
            fields=f"reason={self.reason}",
            waiting_for=self.claim,
        )
        return self.result(
            self._times(events) >= self.at_least,
            f"{self._times(events)} such events",
            f"at least {self.at_least} within {self.within:g} s",
            bench.kubectl("get", "events", f"--field-selector=reason={self.reason}"),
        )

    def _times(self, events: Sequence[Obj]) -> int:
        return sum(
            event.get("count") or (event.get("series") or {}).get("count") or 1
            for event in events
            if event["involvedObject"].get("name", "").startswith(self.about)
        )


@dataclass(frozen=True, slots=True)
class Field(Check):
    """A field of an object has a value, or lies between two numbers."""

    kind: str
    name: str
    path: list[str | int]
    equals: Any = None
    at_least: float | None = None
    at_most: float | None = None
    within: float = 10.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"{self.kind}/{self.name} has {'.'.join(map(str, self.path))} {self._wanted}"

    @property
    def _wanted(self) -> str:
        if self.at_least is None and self.at_most is None:
            return f"= {self.equals!r}"
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)

    def run(self, bench: Bench) -> CheckResult:
        """Wait until the field is as it should be."""
        services = bench.kube.list("Service", bench.namespace) if APPLICATION in self.path else []
        found = bench.until(
            self.kind,
            lambda objects: any(self._fits(obj, services) for obj in objects),
            self.within,
            fields=f"metadata.name={self.name}",
            waiting_for=self.claim,
        )
        saw = repr(field_at(found[0], self.path, services)) if found else f"there is no {self.kind} {self.name}"
        look = bench.kubectl("get", self.kind.lower(), self.name, "-o", "yaml")
        return self.result(bool(found) and self._fits(found[0], services), saw, self._wanted, look)

    def _fits(self, obj: Obj, services: Sequence[Obj]) -> bool:
        value = field_at(obj, self.path, services)
        if self.at_least is None and self.at_most is None:
            return bool(value == self.equals)
        if not isinstance(value, int | float):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def _ready(pods: Sequence[Obj]) -> list[Obj]:
    return [pod for pod in pods if is_ready(pod)]


def _by_node(pods: Sequence[Obj]) -> Counter[str]:
    return Counter(pod["spec"]["nodeName"] for pod in _ready(pods))
