"""A cold start taken apart: from a request that finds no pod to the first byte of its answer. Pure.

The activator takes the request and tells the autoscaler, which asks for a pod (``activator``: until the pod is there);
the scheduler finds it a node (``schedule``); the node makes its containers and says so (``container``); the activator
hears that somebody listens and hands the request over (``first byte``).

Kubernetes writes its time stamps in whole seconds, so the moments are those at which a watch brought the news to this
side, on one monotonic clock. That news can be late, then the parts are more than the whole; `ColdStart.disagreement`
says by how much. It also holds the application's own clock against them: it may tell how long its process has been up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wavetank.kube import Obj
from wavetank.kube.sidecar import SIDECAR
from wavetank.observe.columns import columns
from wavetank.spread import Spread

__all__ = ["PARTS", "ColdStart", "ColdStarts", "Moments", "Seen", "cold_start", "moments_of", "process_age"]

PARTS = ("activator", "schedule", "container", "first byte")
"""The parts of a cold start, in their order."""
_NOT_THE_USERS = ("queue-proxy", SIDECAR)


@dataclass(frozen=True, slots=True)
class Seen:
    """A pod as a watch told of it at a moment (seconds of a monotonic clock)."""

    at: float
    pod: Obj


@dataclass(frozen=True, slots=True)
class Moments:
    """When what happened, in seconds of one monotonic clock."""

    sent: float
    created: float
    scheduled: float
    running: float
    answered: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One cold start, in seconds: the ``whole`` of it, and its ``parts`` in their order.

    ``process`` is for how long the application's process had been up when it answered, by its own clock; None where
    it does not say.
    """

    whole: float
    parts: Mapping[str, float]
    process: float | None = None

    @property
    def disagreement(self) -> float:
        """How far the parts are from the whole, and the application's clock from both, as a share of the whole.

        The process has to have begun after its pod was scheduled and before it was said to run.
        """
        apart = abs(sum(self.parts.values()) - self.whole)
        if self.process is not None:
            least = self.parts["first byte"]
            most = least + self.parts["container"]
            apart = max(apart, least - self.process, self.process - most)
        return apart / self.whole

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {_ms(seconds)}" for name, seconds in self.parts.items())
        own = "" if self.process is None else f"; its process had been up for {_ms(self.process)} ms"
        return f"{_ms(self.whole)} ms: {parts}{own}"


@dataclass(frozen=True, slots=True, repr=False)
class ColdStarts:
    """Several cold starts of one service, in the order they were measured; printed, a table in milliseconds."""

    service: str
    starts: tuple[ColdStart, ...] = ()

    @property
    def whole(self) -> Spread:
        """How their whole length is spread; there has to be one at least."""
        return Spread.of([start.whole for start in self.starts])

    def part(self, name: str) -> Spread:
        """Return how one of `PARTS` is spread; there has to be one cold start at least."""
        return Spread.of([start.parts[name] for start in self.starts])

    def share(self, name: str) -> float:
        """Return which share (0 to 1) of all the time that was waited went into one of `PARTS`."""
        together = sum(sum(start.parts.values()) for start in self.starts)
        return sum(start.parts[name] for start in self.starts) / together

    def __repr__(self) -> str:
        if not self.starts:
            return f"no cold start of {self.service} measured yet"
        rows = [(name, *_spread(self.part(name)), f"{self.share(name):.0%}") for name in PARTS]
        rows.append(("the whole", *_spread(self.whole), ""))
        table = columns(("ms", "p50", "p95", "least", "most", "share"), rows, words=(0,))
        plural = "s" if len(self.starts) > 1 else ""
        return f"{len(self.starts)} cold start{plural} of {self.service}\n{table}"

    __str__ = __repr__


def cold_start(moments: Moments, process: float | None = None) -> ColdStart:
    """Return the parts between ``moments``; none is below 0, whichever news came first."""
    told = (moments.sent, moments.created, moments.scheduled, moments.running, moments.answered)
    spans = [max(0.0, later - earlier) for earlier, later in pairwise(told)]
    return ColdStart(moments.answered - moments.sent, dict(zip(PARTS, spans, strict=True)), process)


def moments_of(sent: float, answered: float, seen: Sequence[Seen]) -> Moments | None:
    """Return the moments of the first pod that ran among those ``seen``; None while none of them runs."""
    pods = {one.pod["metadata"]["uid"] for one in seen}
    told = (_moments(sent, answered, [one for one in seen if one.pod["metadata"]["uid"] == uid]) for uid in pods)
    return min((moments for moments in told if moments), key=lambda moments: moments.running, default=None)


def process_age(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds the process that answered had been up then; None if it does not say.

    Tidewater says so in ``Server-Timing`` (https://www.w3.org/TR/server-timing/): how old the process was when the
    request came, and how long the request took, in milliseconds. Names of headers are lower case.
    """
    told = headers.get("server-timing", "")
    times = [re.search(rf"(?:^|[\s,]){name};dur=([\d.]+)", told) for name in ("age", "handle")]
    return sum(float(time[1]) for time in times if time) / 1000 if all(times) else None


def _moments(sent: float, answered: float, seen: Sequence[Seen]) -> Moments | None:
    """Return the moments of one pod, told of in ``seen``; None while it does not run."""
    scheduled = next((one.at for one in seen if one.pod["spec"].get("nodeName")), None)
    running = next((one.at for one in seen if _runs(one.pod)), None)
    if scheduled is None or running is None:
        return None
    return Moments(sent, seen[0].at, scheduled, running, answered)


def _runs(pod: Obj) -> bool:
    """Tell whether every container of the application runs."""
    told = (pod.get("status") or {}).get("containerStatuses") or ()
    own = [container for container in told if container["name"] not in _NOT_THE_USERS]
    return bool(own) and all("running" in container.get("state", {}) for container in own)


def _spread(spread: Spread) -> tuple[str, ...]:
    return tuple(_ms(seconds) for seconds in (spread.p50, spread.p95, spread.least, spread.most))


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"
