"""Where the truth of a prediction is read: the vocabulary of ``truth`` in ``lab.yaml``."""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.errors import InputError
from wavetank.kube.pods import is_ready
from wavetank.lesson.bench import Bench
from wavetank.lesson.escape import lab_function
from wavetank.lesson.lab import Number, Prediction
from wavetank.lesson.pods import APPLICATION, field_at, reasons, restarts
from wavetank.lesson.predictions import Truth, fitting
from wavetank.traffic import LoadRun, Second, Summary

__all__ = ["gap", "read_truth"]

_STATE_WITHIN = 30.0
"""Seconds until a state that is among the answers shows: a container has to be killed first, say."""


def read_truth(prediction: Prediction, bench: Bench) -> Truth:
    """Return what the cluster says.

    Raises `InputError` when a load it is read from has not run, or when only the notebook can measure it, `KubeError`
    when that load broke off or stood still.
    """
    asked, parameters = prediction.truth.name, prediction.truth.parameters
    match asked:
        case "failed":
            return Summary.of(_seconds(parameters["load"], bench)).failed
        case "failed_share":
            return Summary.of(_seconds(parameters["load"], bench)).error_share
        case "gap":
            return gap(_seconds(parameters["load"], bench))
        case "percentile":
            latency = Summary.of(_seconds(parameters["load"], bench)).latencies.percentile(parameters["percentile"])
            return float("nan") if latency is None else latency * 1000
        case "restarts":
            return restarts(bench.pods(parameters["selector"]))
        case "ready":
            return sum(is_ready(pod) for pod in bench.pods(parameters["selector"]))
        case "state":
            return _state(prediction, bench)
        case "field":
            return _field(prediction, bench)
        case "python":
            measured: Truth = lab_function(bench.lab.folder, parameters)(bench)
            return measured
        case _:
            raise InputError(
                f"the truth of the prediction {prediction.id!r} is measured in the notebook: {parameters}",
                where=prediction.truth.where,
                expected=f"lab.outcome({prediction.id!r}, what was measured)",
            )


def gap(seconds: Sequence[Second]) -> int:
    """Return the seconds from the first second with a failed request to the end of the last one; 0 without failures."""
    failed = [second.t for second in seconds if second.failed]
    return failed[-1] + 1 - failed[0] if failed else 0


def _seconds(load: str, bench: Bench) -> list[Second]:
    """Return all seconds of the last run of a load, waiting for its end if it is still under way."""
    if bench.kube.find("Load", load, bench.namespace) is None:
        raise InputError(
            f"the load {load} has not run yet",
            expected="a run to read the truth from",
            hint=f"lab.load({load!r}), then ask again",
        )
    seconds = list(LoadRun(bench.kube, load, bench.namespace).follow())
    Summary.of(seconds).require_awake(load)
    return seconds


def _state(prediction: Prediction, bench: Bench) -> str:
    choices = () if isinstance(prediction.answers, Number) else prediction.answers
    pods = bench.until_pods(
        prediction.truth.parameters["selector"],
        lambda pods: fitting(choices, reasons(pods)) is not None,
        _STATE_WITHIN,
        waiting_for="a container to be in one of the states among the answers",
    )
    return fitting(choices, reasons(pods)) or ", ".join(reasons(pods)) or "running"


def _field(prediction: Prediction, bench: Bench) -> Truth:
    asked = prediction.truth.parameters
    services = bench.kube.list("Service", bench.namespace) if APPLICATION in asked["path"] else []
    value = field_at(bench.kube.get(asked["kind"], asked["name"], bench.namespace), asked["path"], services)
    if not isinstance(value, str | int | float):
        raise InputError(
            f"{asked['kind']}/{asked['name']} has {value!r} at {'.'.join(map(str, asked['path']))}",
            where=prediction.truth.where,
            expected="a number, a word, true or false",
        )
    return value
