"""Looking at a mesh again and again: what a notebook, a check and a view hold in their hands."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from wavetank.kube import Kube
from wavetank.observe.ledger import Ledger, entered, periods
from wavetank.observe.scrape import AT_A_GLANCE, look
from wavetank.observe.signals import Mtls
from wavetank.observe.survey import survey
from wavetank.observe.topology import Topology

__all__ = ["WINDOW", "Mesh", "watch"]

WINDOW = 10.0
"""Seconds that the signals of "now" cover, looks being as frequent: two of Envoy's updates of latencies fit in."""
_PATIENTLY = 5.0
"""Seconds that a proxy is waited for where numbers have to be exact."""
_LEAST = 1.0
"""Seconds below which there is no rate worth telling."""


def watch(kube: Kube, namespace: str) -> Mesh:
    """Return the mesh of ``namespace``, looked at for the first time. Raises as `wavetank.observe.scrape.look` does."""
    return Mesh(kube, namespace)


class Mesh:
    """Who calls whom in a namespace, from now on. Safe to use from several threads.

    Nothing happens between two calls: whoever asks looks. Asked once a second, as its view does, `topology` is about
    the last ten seconds, and no restart in between costs more than a second's counts.
    """

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube, self.namespace = kube, namespace
        self._lock = threading.Lock()
        self._protection: dict[tuple[str, str], Mtls] = {}
        self._ledgers: list[Ledger] = []
        self._look_again(_PATIENTLY)
        self._mark = self._ledgers[-1]

    def topology(self) -> Topology:
        """Look, and return what happened since the first look of the last ten seconds, else since the last before.

        Waits until that is a second ago.
        """
        with self._lock:
            now = time.monotonic()
            then = next((ledger for ledger in self._ledgers if ledger.at >= now - WINDOW), self._ledgers[-1])
            time.sleep(max(0.0, then.at + _LEAST - now))
            self._look_again(AT_A_GLANCE)
            return self._told(then)

    def mark(self) -> None:
        """Look, and count from here."""
        with self._lock:
            self._look_again(_PATIENTLY)
            self._mark = self._ledgers[-1]

    def since_mark(self) -> Topology:
        """Look, and return everything since `mark`, or since the beginning: the numbers of requests are exact.

        Latencies may lack the last five seconds, so long does Envoy take to count them.
        """
        with self._lock:
            self._look_again(_PATIENTLY)
            return self._told(self._mark)

    def _look_again(self, within: float) -> None:
        self._look = look(self._kube, self.namespace, within)
        ledger = entered(self._ledgers[-1] if self._ledgers else Ledger(), self._look)
        self._ledgers = [*(earlier for earlier in self._ledgers if earlier.at >= ledger.at - WINDOW), ledger]

    def _told(self, then: Ledger) -> Topology:
        """Return what happened since ``then``; where no connection was made meanwhile, protection is what it was."""
        now = self._ledgers[-1]
        told = survey(self._look, periods(then, now), now.at - then.at)
        self._protection |= {(edge.source, edge.target): edge.signals.mtls for edge in told.edges if edge.signals.mtls}
        edges = [
            replace(edge, signals=replace(edge.signals, mtls=self._protection.get((edge.source, edge.target))))
            for edge in told.edges
        ]
        return replace(told, edges=tuple(edges))
