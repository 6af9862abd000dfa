"""Asking a service a counted number of times, from a pod of another one, and counting what it answered.

A Load measures what passengers feel; this counts exactly: nine of a hundred, every one with this header, none from
there. Requests are sent one after the other, or a few at once, each on its own connection.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from wavetank.document import read_json, shaped
from wavetank.durations import parse_duration
from wavetank.errors import KubeError
from wavetank.kube import Kube, application_container, is_ready
from wavetank.waves import require

__all__ = ["Answer", "Answers", "Question", "ask"]

_SCRIPT = Path(__file__).with_name("asker.py")
_START_SECONDS = 15.0
MOST = 1000
MOST_TOLD = 200
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request and how often it is sent: ``at_once`` at the same time, each within ``timeout`` seconds."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    times: int = 1
    at_once: int = 1
    timeout: float = 10.0

    def __post_init__(self) -> None:
        require(self.url.startswith("http://"), "url", self.url, "http://SERVICE/PATH")
        require(0 < self.times <= MOST, "times", self.times, f"from 1 to {MOST}")
        require(0 < self.at_once <= 50, "at_once", self.at_once, "from 1 to 50")
        require(0 < self.timeout <= 60, "timeout", self.timeout, "more than 0 and at most 60 seconds")

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Question:
        """Read a question of a lab file. Raises `InputError` naming the field."""
        timeout = parse_duration(spec.get("timeout", "10s"), "timeout")
        return cls(**{key: value for key, value in spec.items() if key not in ("from", "timeout")}, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the ``status``, 0 when nothing did (then ``error`` says why), after how many ``seconds``."""

    status: int
    seconds: float
    body: str = ""
    error: str = ""

    def field(self, name: str) -> Any:
        """Return a field of the body, None where it is not a JSON object or has no such field."""
        try:
            document = read_json(self.body)
        except ValueError:
            return None
        return document.get(name) if isinstance(document, dict) else None


class Answers(tuple[Answer, ...]):
    """All answers to a question, in the order of asking."""

    __slots__ = ()

    @classmethod
    def from_output(cls, output: str) -> Answers:
        """Read what `asker` has printed. Raises `ValueError` for anything else."""
        told = read_json(output)
        if not isinstance(told, list):
            raise ValueError("not a list of answers")
        return cls(shaped(Answer, one) for one in told)

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came; 0 is no answer."""
        return Counter(answer.status for answer in self)

    def counted(self, name: str) -> Counter[Any]:
        """Return how often a field of the body had which value; a list or an object counts as its JSON."""
        values = (answer.field(name) for answer in self)
        return Counter(json.dumps(value) if isinstance(value, list | dict) else value for value in values)

    def share(self, **wanted: Any) -> float:
        """Return the share of answers, from 0 to 1, with this ``status`` or with these values of the body's fields."""
        fits = [
            answer
            for answer in self
            if all(
                (answer.status if name == "status" else answer.field(name)) == value for name, value in wanted.items()
            )
        ]
        return len(fits) / len(self) if self else 0.0

    @property
    def seconds(self) -> list[float]:
        """How long each took."""
        return [answer.seconds for answer in self]

    def __repr__(self) -> str:
        if not self:
            return "nothing was asked"
        words = ", ".join(
            f"{count} x {status or _why(self, status)}" for status, count in sorted(self.statuses.items())
        )
        low, high = min(self.seconds), max(self.seconds)
        return (
            f"{len(self)} asked: {words}; {low:.3f} to {high:.3f} s, half of them within {median(self.seconds):.3f} s"
        )


def _why(answers: Answers, status: int) -> str:
    return f"no answer ({next(answer.error for answer in answers if answer.status == status)})"


def ask(kube: Kube, namespace: str, workload: str, question: Question) -> Answers:
    """Ask from a ready pod of the Deployment ``workload``, whose image has Python, and return all answers.

    Raises `KubeError` when no pod is ready or it cannot run Python, `WaitTimeoutError` when not all answers are there
    in the time that they may take.
    """
    deployment = kube.get("Deployment", workload, namespace)
    labels = deployment["spec"]["selector"]["matchLabels"]
    pods = kube.list("Pod", namespace, selector=",".join(f"{key}={value}" for key, value in labels.items()))
    pod = next((pod for pod in pods if is_ready(pod)), None)
    if pod is None:
        raise KubeError(
            f"no pod of {workload} is ready to ask from",
            observed=f"{len(pods)} pods, none of them ready",
            command=kube.connection.kubectl("-n", namespace, "get", "pods"),
        )
    container = application_container(pod, kube.list("Service", namespace))["name"]
    command = ["python3", "-c", _SCRIPT.read_text(encoding="utf-8"), json.dumps(asdict(question))]
    longest = math.ceil(question.times / question.at_once) * question.timeout + _START_SECONDS
    name = pod["metadata"]["name"]
    ended = kube.exec(name, namespace, command, container=container, timeout=longest)
    if ended.exit_code:
        raise KubeError(
            f"{name} could not ask",
            observed=f"exit code {ended.exit_code}",
            logs=ended.stderr.splitlines()[-5:],
            expected="an image with python3",
        )
    try:
        return Answers.from_output(ended.stdout)
    except ValueError as error:
        raise KubeError(
            f"{name} asked, and did not say what was answered",
            observed=f"{error}"[:MOST_TOLD],
            logs=[line[:MOST_TOLD] for line in (ended.stdout + ended.stderr).splitlines()[-5:]],
            expected="a line of JSON",
            hint=f"does something else print there? python3 -c 1 in the container {container} should print nothing",
        ) from error
