"""The vocabulary of behaviours an exercise can ask for: one class each, named in ``lab.yaml`` as in `CHECKS`.

A check says in words what it claims, looks at the cluster - under traffic where its parameters name a load - for a
bounded time, and answers what it saw, what it expected and where to look. It never changes the application, except for
what ``during`` says, and never looks at the text of a manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from wavetank.durations import parse_duration
from wavetank.errors import InputError, KubeError
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.asked import Asked
from wavetank.lesson.checks.base import Check
from wavetank.lesson.checks.http import Http
from wavetank.lesson.checks.images import Pipeline, Recipe, Running
from wavetank.lesson.checks.objects import Events, Field, Ready, Rollout, Spread, State
from wavetank.lesson.checks.share import Share
from wavetank.lesson.checks.traffic import Available, Latency, Recovery, Replicas, Restarts
from wavetank.lesson.escape import lab_function
from wavetank.lesson.lab import Named
from wavetank.lesson.result import CheckResult

__all__ = ["CHECKS", "Check", "run_check", "run_checks"]

CHECKS: Mapping[str, type[Check]] = {
    "rollout": Rollout,
    "ready": Ready,
    "spread": Spread,
    "restarts": Restarts,
    "state": State,
    "events": Events,
    "field": Field,
    "http": Http,
    "asked": Asked,
    "share": Share,
    "recipe": Recipe,
    "running": Running,
    "pipeline": Pipeline,
    "available": Available,
    "latency": Latency,
    "replicas": Replicas,
    "recovery": Recovery,
}
"""Every check by its name in ``lab.yaml``; its parameters, described in lab.schema.json, are the class's fields."""

_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
_DURATIONS = ("within", "below", "slower", "faster")


def run_checks(checks: Iterable[Named], claim: str, bench: Bench) -> CheckResult:
    """Run ``checks`` in order; return the first answer that is "not yet", or that ``claim`` holds."""
    seen = []
    for check in checks:
        result = run_check(check, bench)
        if not result.passed:
            return result
        seen.append(f"{result.claim} ({result.saw})" if result.saw else result.claim)
    return CheckResult(True, claim, "; ".join(seen))


def run_check(check: Named, bench: Bench) -> CheckResult:
    """Run one check of a lab's exercise."""
    if check.name == "python":
        result = lab_function(bench.lab.folder, check.parameters)(bench)
        if not isinstance(result, CheckResult):
            raise InputError(
                f"{check.parameters} answered {result!r}", where=check.where, expected="a wavetank.lesson.CheckResult"
            )
        return result
    parameters = {
        name: parse_duration(value, name) if name in _DURATIONS else value for name, value in check.parameters.items()
    }
    looking = CHECKS[check.name](**parameters)
    try:
        return looking.run(bench)
    except KubeError as error:
        if error.status not in _REFUSED:
            raise
        # What a check needs, a load or a fault, was refused for what the learner has made: that is a verdict.
        saw = "; ".join(filter(None, (error.summary, error.help.observed)))
        return looking.result(False, saw, error.help.expected, error.help.command or bench.kubectl("get", "all"))
