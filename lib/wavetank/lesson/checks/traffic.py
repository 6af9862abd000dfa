"""Checks under traffic: what requests met while a load ran, and what the cluster did about it.

Checks of one exercise that name the same load (and the same disturbance) share one run of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.kube import Obj
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check
from wavetank.lesson.disturbance import in_words as while_
from wavetank.lesson.pods import field_at, in_words, restarts
from wavetank.lesson.result import CheckResult
from wavetank.traffic import Summary
from wavetank.traffic.record import is_ok

__all__ = ["Available", "Latency", "Recovery", "Replicas", "Restarts"]


@dataclass(frozen=True, slots=True)
class Available(Check):
    """At most a share of the requests of a load fails."""

    load: str
    during: Mapping[str, Any] | None = None
    failed_share: float = 0.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        share = f"at most {self.failed_share:.1%} of requests fail" if self.failed_share else "no request fails"
        return f"under the load {self.load}{while_(self.during)}, {share}"

    def run(self, bench: Bench) -> CheckResult:
        """Let the load run until it has ended, or too many have failed already, and count."""
        may_fail = self.failed_share * bench.lab.load(self.load).requests
        wave = bench.load(self.load, self.during)
        summary = wave.to_the_end(may_fail)
        so_far = "" if wave.ended.is_set() else f" in the first {summary.seconds} s"
        saw, look = f"{_outcomes(summary)}{so_far}", bench.kubectl("get", "events", "--sort-by=.lastTimestamp")
        if summary.sent == 0 or summary.error_share > self.failed_share:
            expected = f"at most {self.failed_share:.1%} failed" if self.failed_share else "none failed"
            return self.result(False, saw, expected, look)
        shows = wave.shows()
        return self.result(not shows, f"{saw}; {shows}" if shows else saw, "none that is answered by luck", look)


@dataclass(frozen=True, slots=True)
class Latency(Check):
    """A percentile of a load's latency stays below a bound in seconds."""

    load: str
    percentile: float
    below: float
    during: Mapping[str, Any] | None = None

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        bound = f"p{self.percentile:g} stays below {self.below * 1000:g} ms"
        return f"under the load {self.load}{while_(self.during)}, {bound}"

    def run(self, bench: Bench) -> CheckResult:
        """Let the load run to its end and look at its latencies, which count unless it was late itself."""

        def fits(summary: Summary) -> bool:
            found = summary.latencies.percentile(self.percentile)
            return found is not None and found < self.below

        summary = bench.measure(self.load, fits, self.during)
        measured = summary.latencies.percentile(self.percentile)
        return self.result(
            fits(summary),
            "no request was answered" if measured is None else f"p{self.percentile:g} was {measured * 1000:.0f} ms",
            f"below {self.below * 1000:g} ms",
            bench.kubectl("top", "pods"),
        )


@dataclass(frozen=True, slots=True)
class Recovery(Check):
    """After a fault under a load, requests stop failing within some seconds."""

    load: str
    fault: str
    within: float

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"under the load {self.load}, requests fail for at most {self.within:g} s after the fault {self.fault}"

    def run(self, bench: Bench) -> CheckResult:
        """Let the load run to its end, the fault in the midst of it, and find the last failure."""
        wave = bench.load(self.load, {"fault": self.fault})
        summary = wave.to_the_end()
        recovery = wave.recovery()
        last = "they still failed at its end" if recovery is None else f"the last of them {recovery:g} s after it"
        return self.result(
            recovery is not None and recovery <= self.within and summary.sent > 0,
            f"{_outcomes(summary)}; {last}" if summary.failed else _outcomes(summary),
            f"none later than {self.within:g} s after the fault, and traffic well again before the load ends",
            bench.kubectl("describe", "fault", self.fault),
        )


@dataclass(frozen=True, slots=True)
class Restarts(Check):
    """How often containers were restarted: while a load ran, or ever."""

    selector: dict[str, str]
    at_least: int | None = None
    at_most: int | None = None
    load: str = ""
    during: Mapping[str, Any] | None = None
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        under = f"under the load {self.load}{while_(self.during)}, " if self.load else ""
        times = _bounds(self.at_least, self.at_most)
        return f"{under}the containers of {in_words(self.selector)} are restarted {times} times"

    def run(self, bench: Bench) -> CheckResult:
        """Count; with ``at_least``, wait for them."""
        before = restarts(bench.pods(self.selector)) if self.load else 0
        if self.load:
            bench.load(self.load, self.during).to_the_end()
        pods = bench.until_pods(
            self.selector,
            lambda pods: restarts(pods) - before >= (self.at_least or 0),
            self.within,
            waiting_for=self.claim,
        )
        count = restarts(pods) - before
        return self.result(
            bool(pods) and _between(count, self.at_least, self.at_most),
            f"{count} restarts in {len(pods)} pods",
            _bounds(self.at_least, self.at_most),
            bench.kubectl("describe", "pods", "-l", in_words(self.selector)),
        )


@dataclass(frozen=True, slots=True)
class Replicas(Check):
    """The ready replicas of a Deployment are between two numbers - or get up to one, and back down to another."""

    deployment: str
    at_least: int | None = None
    at_most: int | None = None
    back_to: int | None = None
    load: str = ""
    during: Mapping[str, Any] | None = None
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        under = f"under the load {self.load}{while_(self.during)}, " if self.load else ""
        back = "" if self.back_to is None else f", and back to {self.back_to} afterwards"
        return f"{under}{self.deployment} has {_bounds(self.at_least, self.at_most)} ready replicas{back}"

    def run(self, bench: Bench) -> CheckResult:
        """Watch the Deployment, while the load runs if there is one, and after it if it has to come back."""
        return self._under_load(bench) if self.load else self._at_rest(bench)

    def _at_rest(self, bench: Bench) -> CheckResult:
        ready = self._watch(bench, lambda ready: _between(ready, self.at_least, self.at_most), self.within)[-1]
        return self._answer(bench, _between(ready, self.at_least, self.at_most), f"{ready} ready replicas")

    def _under_load(self, bench: Bench) -> CheckResult:
        wave = bench.load(self.load, self.during)
        seen = self._watch(bench, self._need_not_look_on, wave.longest, wave.ended)
        if wave.ended.is_set() or self.back_to is not None:
            wave.to_the_end()
        saw = f"up to {max(seen)} ready replicas under load"
        if self.back_to is None or not _between(max(seen), self.at_least, self.at_most):
            return self._answer(bench, _between(max(seen), self.at_least, self.at_most), saw)
        back_to = self.back_to
        after = self._watch(bench, lambda ready: ready <= back_to, self.within)[-1]
        return self._answer(bench, after <= back_to, f"{saw}, {after} after it")

    def _need_not_look_on(self, ready: int) -> bool:
        """Without an upper bound to keep, reaching the lower one settles it before the load has ended."""
        return self.at_most is None and _between(ready, self.at_least, None)

    def _watch(
        self, bench: Bench, enough: Callable[[int], bool], within: float, stop: threading.Event | None = None
    ) -> list[int]:
        """Return the numbers of ready replicas seen until ``enough`` likes one, time is up or ``stop`` is set."""
        seen: list[int] = []

        def look(deployments: Sequence[Obj]) -> bool:
            seen.append(sum(field_at(deployment, ["status", "readyReplicas"]) or 0 for deployment in deployments))
            return enough(seen[-1])

        only = f"metadata.name={self.deployment}"
        bench.until("Deployment", look, within, fields=only, waiting_for=self.claim, stop=stop)
        return seen

    def _answer(self, bench: Bench, passed: bool, saw: str) -> CheckResult:
        back = "" if self.back_to is None else f", then {self.back_to} within {self.within:g} s of the load's end"
        expected = f"{_bounds(self.at_least, self.at_most)}{back}"
        return self.result(passed, saw, expected, bench.kubectl("describe", "hpa,deployment", self.deployment))


def _outcomes(summary: Summary) -> str:
    """Say how many requests failed, and in which ways."""
    ways = ", ".join(f"{outcome}: {count}" for outcome, count in sorted(summary.status.items()) if not is_ok(outcome))
    return f"{summary.failed} of {summary.status.total()} requests failed" + (f" ({ways})" if ways else "")


def _between(number: int, at_least: int | None, at_most: int | None) -> bool:
    return (at_least is None or number >= at_least) and (at_most is None or number <= at_most)


def _bounds(at_least: int | None, at_most: int | None) -> str:
    bounds = (("at least", at_least), ("at most", at_most))
    return " and ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)
