"""The bench a check works at: the cluster, the lab, and traffic that several checks of one exercise share."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

from wavetank.errors import InputError, KubeError
from wavetank.faults import FaultRun
from wavetank.images.pipeline.target import Target
from wavetank.kube import Kube, Obj
from wavetank.kube.pods import is_ready
from wavetank.lesson.disturbance import Cover, Disturbance, exchanging, faulty
from wavetank.lesson.lab import Lab
from wavetank.lesson.pods import in_words
from wavetank.lesson.runs import fault_anew, load_anew
from wavetank.lesson.workshop import Workshop
from wavetank.traffic import Answers, LoadRun, Second, Summary, ask

__all__ = ["Bench", "Wave"]

CALM = 3
"""Seconds of undisturbed traffic before something is done to the application, to see that it was well before."""
_START_AND_END = 90.0
"""Seconds a load may take on top of its duration: its pod has to start, and to say its last words."""


class Wave:
    """A load under way, and the one thing done to the application meanwhile (None for calm water)."""

    def __init__(self, run: LoadRun, duration: float, disturbance: Disturbance | None) -> None:
        self.run, self._duration, self._disturbance = run, duration, disturbance
        self._stop = threading.Event()
        self._news = threading.Condition()
        self.ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name=f"wave {run.name}", daemon=True)
        self.seconds: list[Second] = []
        self.disturbed_at: int | None = None
        self._thread.start()

    @property
    def longest(self) -> float:
        """How many seconds it can take at most from its creation to its last word."""
        return self._duration + _START_AND_END

    def to_the_end(self, may_fail: float = math.inf) -> Summary:
        """Wait until the load has ended, or more requests have failed than may, and return the sum of its seconds.

        Raises what went wrong with the load or with the disturbance, `KubeError` when it does not end in time or stood
        still itself: then nothing can be said of the application.
        """

        def settled() -> bool:
            return self.ended.is_set() or sum(second.failed for second in self.seconds) > may_fail

        with self._news:
            in_time = self._news.wait_for(settled, self.longest)
        if not in_time:
            raise KubeError(
                f"the load {self.run.name} has not ended",
                observed=f"{len(self.seconds)} of {self._duration:g} seconds reported",
                command=f"kubectl -n {self.run.namespace} describe load {self.run.name}",
            )
        if self._error:
            raise self._error
        summary = Summary.of(list(self.seconds))
        summary.require_awake(self.run.name)
        return summary

    def shows(self) -> str:
        """Say what the disturbance has shown beside the requests; empty when nothing is wrong. Ask after the end."""
        return self._disturbance.shows() if self._disturbance and self.disturbed_at is not None else ""

    def recovery(self) -> float | None:
        """Return the seconds from the disturbance to the end of the last second in which a request failed.

        None when they still failed as the load ended. One second is as fine as a load reports.
        """
        if self.disturbed_at is None or not self.seconds:
            return None
        failed = [second.t for second in self.seconds if second.failed and second.t >= self.disturbed_at]
        if not failed:
            return 0.0
        return None if failed[-1] == self.seconds[-1].t else float(failed[-1] + 1 - self.disturbed_at)

    def cancel(self) -> None:
        """End the load if it is still under way, and what looks on."""
        if self._disturbance:
            self._disturbance.end()
        if self._thread.is_alive():
            self._stop.set()
            self.run.stop()
            self._thread.join(_START_AND_END)

    def _follow(self) -> None:
        try:
            for second in self.run.follow(self._stop):
                with self._news:
                    self.seconds.append(second)
                    self._news.notify_all()
                if self._disturbance and self.disturbed_at is None and second.t + 1 >= CALM:
                    self.disturbed_at = second.t + 1
                    self._disturbance.act()
        except Exception as error:  # whatever it is, it is told to whoever waits for the end
            self._error = error
        finally:
            with self._news:
                self.ended.set()
                self._news.notify_all()


class Bench:
    """What one run of an exercise's checks has at hand. Leaving it ends every load and fault it began.

    ``cluster`` is asked for when the first check looks at it: there are checks that need none. ``say`` is told, in
    words, what is being waited for.
    """

    def __init__(
        self,
        cluster: Callable[[], Kube],
        lab: Lab,
        say: Callable[[str], None] = lambda words: None,
        *,
        images: Workshop | None = None,
    ) -> None:
        self._cluster, self.lab, self.namespace, self.say = cluster, lab, lab.namespace, say
        self.images = images or Workshop(lab, say=say)
        self._waves: dict[str, Wave] = {}
        self._faults: list[FaultRun] = []

    @cached_property
    def kube(self) -> Kube:
        """The cluster the lab happens on."""
        return self._cluster()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for wave in self._waves.values():
            wave.cancel()
        for fault in self._faults:
            fault.stop()

    def until(
        self,
        kind: str,
        holds: Callable[[Sequence[Obj]], bool],
        within: float,
        *,
        selector: str = "",
        fields: str = "",
        waiting_for: str,
        stop: threading.Event | None = None,
    ) -> list[Obj]:
        """Return the objects of ``kind`` in the lab's namespace as soon as ``holds`` says so of them.

        After ``within`` seconds, or when ``stop`` is set, they are returned as they are then.
        """
        found = self.kube.list(kind, self.namespace, selector, fields)
        if holds(found):
            return found
        self.say(f"waiting up to {within:g} s: {waiting_for}")
        for _ in self.kube.watch(kind, self.namespace, selector, fields, timeout=within, stop=stop):
            found = self.kube.list(kind, self.namespace, selector, fields)
            if holds(found):
                break
        return found

    def until_pods(
        self, selector: dict[str, str], holds: Callable[[Sequence[Obj]], bool], within: float, *, waiting_for: str
    ) -> list[Obj]:
        """Do as `until` does, for the pods of ``selector`` that are not on their way out."""
        found = self.until(
            "Pod",
            lambda pods: holds(_staying(pods)),
            within,
            selector=in_words(selector),
            waiting_for=waiting_for,
        )
        return _staying(found)

    def load(self, load: str, during: Mapping[str, Any] | None = None) -> Wave:
        """Return the load of this name under way, with ``during`` done to the application `CALM` seconds into it.

        Checks that ask for the same get the same wave, so that one run of traffic serves them all.
        """
        key = f"{load} {during}"
        if key not in self._waves:
            declared = self.lab.load(load)
            run = load_anew(self.kube, replace(declared, name=f"check-{load}"), self.namespace)
            self.say(f"the load {load} runs for {declared.duration:g} s")
            self._waves[key] = Wave(
                run, declared.duration, self._disturbance(during, declared.duration + _START_AND_END)
            )
        return self._waves[key]

    def measure(self, load: str, fits: Callable[[Summary], bool], during: Mapping[str, Any] | None = None) -> Summary:
        """Return the sum of a load's seconds, which ``fits``, or of which the machine is not to blame that it does not.

        One that was late itself is sent once more. Raises what `Wave.to_the_end` does, and `KubeError` when that one
        was late as well.
        """
        summary = self.load(load, during).to_the_end()
        if fits(summary) or summary.held:
            return summary
        self.say(f"{summary!r}: this is the machine's doing, so it is measured once more")
        self._waves.pop(f"{load} {during}").cancel()
        summary = self.load(load, during).to_the_end()
        if not fits(summary):
            summary.require_held(load)
        return summary

    def ask(self, name: str) -> Answers:
        """Ask one of the lab's questions and return all answers."""
        declared = self.lab.ask(name)
        return ask(self.kube, self.namespace, declared.workload, declared.question)

    def fault(self, name: str) -> FaultRun:
        """Inject one of the lab's faults, and return it once it has taken effect."""
        self._faults.append(fault_anew(self.kube, self.lab.fault(name), self.namespace))
        return self._faults[-1]

    def pods(self, selector: dict[str, str]) -> list[Obj]:
        """Return the pods of ``selector`` that are not on their way out."""
        return _staying(self.kube.list("Pod", self.namespace, in_words(selector)))

    def trouble(self, selector: dict[str, str]) -> str:
        """Return why the first pod of ``selector`` that is not ready is not, empty when there is none."""
        for pod in self.pods(selector):
            if not is_ready(pod):
                return str(self.kube.explain_pod(pod))
        return ""

    def kubectl(self, *arguments: str) -> str:
        """Return a command for the lab's namespace that can be pasted."""
        return self.kube.connection.kubectl("-n", self.namespace, *arguments)

    def _disturbance(self, during: Mapping[str, Any] | None, longest: float) -> Disturbance | None:
        match during:
            case None:
                return None
            case {"fault": name}:
                return faulty(self.kube, lambda: self.fault(name))
            case {"restart": deployment}:
                cover = Cover(self.kube, self.namespace, deployment, longest)
                return exchanging(cover, lambda: self.kube.rollout_restart(deployment, self.namespace))
            case {"scale": {"deployment": deployment, "replicas": replicas}}:
                return Disturbance(lambda: self.kube.scale(deployment, self.namespace, replicas))
            case {"release": {"deployment": deployment, "image": image}}:
                cover = Cover(self.kube, self.namespace, deployment, longest)
                target = Target(self.kube, self.namespace, deployment)
                return exchanging(cover, lambda: target.release(self.images.tag(image), f"{image} by a check"))
            case _:
                raise InputError(
                    f"during {during!r} is unknown", expected="fault, restart, scale or release, see lab.schema.json"
                )


def _staying(pods: Sequence[Obj]) -> list[Obj]:
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
