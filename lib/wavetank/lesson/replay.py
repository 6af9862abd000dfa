"""Replaying a day to a function: a load is played, and what its requests took and which pods were there is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from wavetank.errors import KubeError
from wavetank.kube import Kube
from wavetank.lesson.runs import load_anew
from wavetank.observe.billing import PodWatch, Replay, Request, requests_of
from wavetank.observe.billing.pods import asked_for, kept_by
from wavetank.observe.serverless.revisions import REVISION, SERVICE, SERVICE_LABEL
from wavetank.traffic import Load, LoadRun, Summary
from wavetank.traffic.resource import ENDED

__all__ = ["replay_day"]

_ENDED_WITHIN = 30.0


def replay_day(
    kube: Kube,
    namespace: str,
    load: Load,
    service: str,
    *,
    say: Callable[[str], None] = lambda words: None,
    stop: threading.Event | None = None,
) -> Replay:
    """Play ``load`` to its end, as a day of the Knative Service ``service``, and return what was used.

    What the day costs follows from what the Service's own container asks for; ``say`` is told how far it is. Raises
    `KubeError` when the load does not run to its end, or stood still: half a day is none. ``stop`` is such an end.
    """
    stop = stop or threading.Event()
    template = kube.get(SERVICE, service, namespace)["spec"]["template"]
    size = asked_for(template["spec"]["containers"])
    requests: list[Request] = []
    own = f"{SERVICE_LABEL}={service}"
    with PodWatch(kube, namespace, own) as pods:
        run = load_anew(kube, load, namespace)
        began, summary = 0.0, Summary()
        for second in run.follow(stop):
            summary.add(second)
            began = second.began.timestamp() - second.t
            requests += requests_of(second)
            say(f"replaying the day: {second.t + 1} of {load.duration:g} s, {sum(r.count for r in requests)} requests")
        if stop.is_set():
            run.stop()
        _require_whole(run)
        summary.require_awake(run.name)
        # A load is over with its last request; the day is not.
        stop.wait(max(0.0, began + load.duration - time.time()))
        there = [pod for pod in pods.since(began) if pod.began < load.duration]
    kept = {revision["metadata"]["name"]: kept_by(revision) for revision in kube.list(REVISION, namespace, own)}
    there = [replace(pod, kept=kept.get(pod.revision, 0)) for pod in there]
    return Replay(load.duration, size, tuple(requests), tuple(there))


def _require_whole(run: LoadRun) -> None:
    load = run.kube.wait_for(
        "Load",
        run.name,
        run.namespace,
        lambda load: load is not None and load.get("status", {}).get("phase") in ENDED,
        timeout=_ENDED_WITHIN,
        waiting_for="the load to end",
    )
    status = load["status"]
    if status["phase"] != "Completed":
        raise KubeError(
            f"the day was not replayed to its end: the load {run.name} was {status['phase'].lower()}",
            observed=status.get("message", ""),
            expected="a whole day",
            command=run.kube.connection.kubectl("-n", run.namespace, "describe", "load", run.name),
            hint="replay it again",
        )
