"""A check that asks the application over HTTP, the way its visitors do: through a Service, or through an Ingress."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from wavetank.errors import KubeError, UnreachableError
from wavetank.kube import HttpAnswer
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check
from wavetank.lesson.result import CheckResult

__all__ = ["Http"]

DOOR, DOOR_NAMESPACE = "service:envoy:80", "projectcontour"
"""The Service in front of the ingress controller's proxy: what a request from outside reaches first."""

_EVERY = 0.5
"""Seconds between two requests: nothing in the API tells that an answer has changed, so it is asked again."""


@dataclass(frozen=True, slots=True)
class Http(Check):
    """A GET is answered with a status, and with a body that contains something."""

    service: str = ""
    ingress: str = ""
    port: int = 80
    path: str = "/"
    status: int = 200
    contains: str = ""
    within: float = 20.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        through = f"Service {self.service}" if self.service else f"Ingress {self.ingress}"
        return f"GET {self.path} through {through} answers {self._wanted}"

    @property
    def _wanted(self) -> str:
        return f"{self.status}" + (f" with {self.contains!r} in it" if self.contains else "")

    def run(self, bench: Bench) -> CheckResult:
        """Ask until the answer is as it should be."""
        end = time.monotonic() + self.within
        passed, saw = self._ask(bench)
        if not passed:
            bench.say(f"waiting up to {self.within:g} s: {self.claim}")
        while not passed and time.monotonic() < end:
            time.sleep(_EVERY)
            passed, saw = self._ask(bench)
        about = "service,endpointslices" if self.service else "ingress,service,endpointslices"
        return self.result(passed, saw, f"{self._wanted} within {self.within:g} s", bench.kubectl("get", about))

    def _ask(self, bench: Bench) -> tuple[bool, str]:
        try:
            answers = list(self._answers(bench))
        except UnreachableError:
            raise
        except KubeError as error:
            return False, error.summary
        if not answers:
            return False, f"there is no Ingress {self.ingress}"
        answer = next(filter(self._fits, answers), answers[0])
        return self._fits(answer), f"{answer.status}: {' '.join(answer.text.split())[:120]}"

    def _fits(self, answer: HttpAnswer) -> bool:
        return answer.status == self.status and self.contains in answer.text

    def _answers(self, bench: Bench) -> Iterator[HttpAnswer]:
        """Yield what the Service answers, or the Ingress for the host of each of its rules; nothing without one."""
        if self.service:
            yield bench.kube.request(f"service:{self.service}:{self.port}", self.path, bench.namespace)
        elif ingress := bench.kube.find("Ingress", self.ingress, bench.namespace):
            hosts = [rule.get("host") for rule in ingress["spec"].get("rules") or [{}]]
            for host in dict.fromkeys(hosts):
                yield bench.kube.request(DOOR, self.path, DOOR_NAMESPACE, headers={"Host": host} if host else None)
