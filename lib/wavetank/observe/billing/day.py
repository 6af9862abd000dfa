"""The day a replay stands for.

A day of 24 hours is replayed in, say, two minutes by shortening time and nothing else. At each moment requests come as
often a second as they do at the moment of the day it stands for, and each takes as long as it takes. So with the
factor F by which time was shortened (720 for two minutes):

- the day has F times the requests, each as long as in the replay, so F times the execution time in all;
- as many requests are under way at once as in the replay, and as many pods are there, each F times as long;
- rates do not change: the busiest second of the replay has the rate of the day's busiest hour.

One thing does not shorten with the day: how long pods take to start, and how long the autoscaler waits until it lets
one go. Between requests that is as it should be, for requests are as far apart as in the day. But each time the traffic
as a whole comes or goes, it counts F times what it would. That touches what pods cost on nodes of one's own that nobody
asked to keep, and by its cold starts a little the execution time; idle time that nobody pays for stays unpaid.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from wavetank.observe.billing.prices import Size
from wavetank.observe.billing.usage import PodInterval, Replay

__all__ = ["DAY", "Day", "Slice"]

DAY = 86_400.0
"""Seconds of a day."""

Stay = tuple[float, float, float]
"""From when until when something was there, and its weight."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one second of a replay stands for, in seconds of the day: pods that were ``there``, or ``busy``, added up.

    Each request is taken to have a pod of its own while it runs. ``kept`` are those of the pods that a min-scale keeps,
    and ``reserved`` is what all pods held: vCPU-seconds and GiB-seconds.
    """

    busy: float
    there: float
    kept: float
    reserved: Size

    def idle(self, times: float = 1.0) -> float:
        """Return the seconds in which kept instances serve nobody, were there ``times`` as many requests."""
        return max(0.0, self.kept - times * self.busy)


@dataclass(frozen=True, slots=True)
class Day:
    """A whole day of requests to containers that ask for ``size`` each.

    ``peak`` is the highest rate, in requests per second. ``lengths`` are the requests' execution times in seconds, each
    with how many of the day's requests took so long.
    """

    factor: float
    size: Size
    peak: float
    lengths: tuple[tuple[float, float], ...]
    slices: tuple[Slice, ...]

    @classmethod
    def of(cls, replay: Replay) -> Day:
        """Return the day that ``replay`` stands for."""
        duration, factor = replay.duration, DAY / replay.duration
        lengths: Counter[float] = Counter()
        for request in replay.requests:
            lengths[request.seconds] += request.count
        stays = [(pod.began, _first(pod.ended, duration), pod.reserved) for pod in replay.pods]
        columns = (
            _spread(((one.ended - one.seconds, one.ended, one.count) for one in replay.requests), duration),
            _spread(((came, left, 1) for came, left, _ in stays), duration),
            _spread(_kept(replay.pods, duration), duration),
            _spread(((came, left, size.vcpu) for came, left, size in stays), duration),
            _spread(((came, left, size.gib) for came, left, size in stays), duration),
        )
        slices = (
            Slice(busy * factor, there * factor, kept * factor, Size(vcpu * factor, gib * factor))
            for busy, there, kept, vcpu, gib in zip(*columns, strict=True)
        )
        return cls(
            factor=factor,
            size=replay.size,
            peak=_peak(replay),
            lengths=tuple((length, count * factor) for length, count in sorted(lengths.items())),
            slices=tuple(slices),
        )

    @property
    def requests(self) -> float:
        """How many requests a day there are."""
        return sum(count for _, count in self.lengths)

    @property
    def execution(self) -> float:
        """How many seconds a day requests run."""
        return sum(length * count for length, count in self.lengths)


def _peak(replay: Replay) -> float:
    """Return the highest rate at which requests began, second by second, the last of which may be shorter than one."""
    last = math.ceil(replay.duration) - 1
    begun: Counter[int] = Counter()
    for request in replay.requests:
        begun[min(max(0, math.floor(request.ended - request.seconds)), last)] += request.count
    return max((count / min(1.0, replay.duration - second) for second, count in begun.items()), default=0.0)


def _spread(stays: Iterable[Stay], duration: float) -> list[float]:
    """Return for each second of a replay how much of the stays is in it: each its time times its weight."""
    seconds = [0.0] * math.ceil(duration)
    for came, left, weight in stays:
        begin, end = max(0.0, came), min(left, duration)
        for second in range(math.floor(begin), math.ceil(end)):
            seconds[second] += weight * (min(second + 1, end) - max(second, begin))
    return seconds


def _kept(pods: Iterable[PodInterval], duration: float) -> Iterator[Stay]:
    """Yield how many pods the min-scale of their revision keeps, and when: never more than there are."""
    keeping = sorted((pod for pod in pods if pod.kept), key=lambda pod: pod.revision)
    for _, group in groupby(keeping, key=lambda pod: pod.revision):
        stays = [(pod.began, _first(pod.leaving, pod.ended, duration), pod.kept) for pod in group]
        changes = {moment for came, left, _ in stays for moment in (came, left)}
        for one, other in pairwise(sorted(changes)):
            there = [kept for came, left, kept in stays if came <= one and other <= left]
            yield one, other, min(len(there), max(there, default=0))


def _first(*moments: float | None) -> float:
    """Return the first of those moments that have come."""
    return min(moment for moment in moments if moment is not None)
