"""What was used while a day was replayed: the requests that were answered, and the pods that were there for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from wavetank.observe.billing.prices import Size

__all__ = ["PodInterval", "Replay", "Request", "requests_of"]


@dataclass(frozen=True, slots=True)
class Request:
    """``count`` requests that took ``seconds`` each and had ended at second ``ended`` of the replay."""

    ended: float
    seconds: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class PodInterval:
    """One pod from ``began`` to ``ended``, in seconds of the replay; None while it is there.

    It began when it was given a node, which then held ``reserved`` for all its containers, until it was gone: a pod
    that is ``leaving`` holds it still. ``kept`` is how many pods the min-scale of its revision keeps, whatever happens.
    """

    name: str
    revision: str
    began: float
    reserved: Size
    kept: int = 0
    leaving: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A day that was replayed in ``duration`` seconds, to containers that ask for ``size`` each."""

    duration: float
    size: Size
    requests: tuple[Request, ...] = ()
    pods: tuple[PodInterval, ...] = ()


class Latencies(Protocol):
    """Latencies, as `wavetank.traffic.histogram` keeps them."""

    def values(self) -> Iterable[tuple[float, int]]:
        """Return latencies in seconds, each with how often it was counted."""
        ...


class Second(Protocol):
    """One second of what a load has measured: a `wavetank.traffic.Second` is one."""

    @property
    def t(self) -> int:
        """Which second it is, from 0."""
        ...

    @property
    def latencies(self) -> Latencies:
        """How long took what ended in it."""
        ...


def requests_of(second: Second) -> Iterator[Request]:
    """Yield what ended in one second of a load.

    Its latencies are the visitor's, from the moment a request was due: a cold start is in them, as it is in a bill.
    Requests that were refused before anybody could answer have none, and cost nothing.
    """
    for seconds, count in second.latencies.values():
        yield Request(second.t + 1, seconds, count)
