"""The power agent: stops and starts nodes because the cluster's API asks for it.

A node cannot be silenced from within the cluster, so a Fault of kind ``node-stop`` only writes on the Node until when
it shall be off (`POWER_OFF_UNTIL`), and this agent, a container beside the nodes, does it, and says so. It keeps the
deadlines in memory: a node comes back on time even when nobody can be asked any more.

It holds the engine's socket, which is all of the engine. In the cluster it may read Nodes and write one Lease.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wavetank.clock import sleepless
from wavetank.cluster.provider import Node
from wavetank.errors import ClusterError, KubeError, WavetankError
from wavetank.kube import Kube
from wavetank.kube.mark import is_made_here
from wavetank.kube.power import BEATS_EVERY, POWER_OFF_UNTIL, beat

__all__ = ["LONGEST_OFF", "Desk", "PowerAgent", "listen", "off_until", "run", "speak"]

LONGEST_OFF = timedelta(hours=1)
UNASKED = timedelta(seconds=60)
"""How long a node found stopped stays so when nobody says why, as after the agent's own restart."""
TICK_SECONDS = 0.2
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

_log = logging.getLogger("wavetank.power")


class Desk(Protocol):
    """The part of a provider that the agent needs."""

    def nodes(self, name: str) -> tuple[Node, ...]:
        """Return the nodes of cluster ``name``."""
        ...

    def stop_node(self, name: str, node: str) -> None:
        """Silence a node."""
        ...

    def start_node(self, name: str, node: str) -> None:
        """Bring a node back."""
        ...


def off_until(annotations: Mapping[str, str] | None, now: datetime) -> datetime | None:
    """Read until when a node shall be off: at most an hour from ``now``; None when on, past or unreadable."""
    text = (annotations or {}).get(POWER_OFF_UNTIL)
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        return None
    if until.tzinfo is None or until <= now:
        return None
    return min(until, now + LONGEST_OFF)


class PowerAgent:
    """The wish for each node and the switch. `ask` may be called from another thread than `tick`.

    Deadlines are kept on ``clock``, in seconds: one that nobody sets, for a machine's date may jump, and that goes on
    while the machine sleeps.
    """

    def __init__(self, cluster: str, desk: Desk, clock: Callable[[], float] = sleepless) -> None:
        self.cluster = cluster
        self.desk = desk
        self._clock = clock
        self._asked: dict[str, str] = {}
        self._off_until: dict[str, float] = {}
        self._stopped: set[str] = set()
        self.switched = threading.Event()
        """Set when a node was switched off or on, for whoever tells of that."""
        self._lock = threading.Lock()

    @property
    def off(self) -> frozenset[str]:
        """Which nodes are off."""
        with self._lock:
            return frozenset(self._stopped)

    def recover(self) -> None:
        """Take over the nodes that are stopped already, as by an agent before this one."""
        for node in self.desk.nodes(self.cluster):
            if node.role == "worker" and node.state == "paused":
                self._stopped.add(node.name)
                self._off_until[node.name] = self._clock() + UNASKED.total_seconds()

    def ask(self, node: str, annotations: Mapping[str, str] | None, now: datetime) -> None:
        """Want ``node`` off or on as its ``annotations`` say at the date ``now``.

        Said again, the same changes nothing: a node is off for an hour at most, not for an hour from each event.
        """
        text = (annotations or {}).get(POWER_OFF_UNTIL, "")
        with self._lock:
            if text and text == self._asked.get(node):
                return
            self._asked[node] = text
            if until := off_until(annotations, now):
                self._off_until[node] = self._clock() + (until - now).total_seconds()
            else:
                self._off_until.pop(node, None)

    def tick(self) -> None:
        """Start and stop what is not as it is wanted now; what fails is tried again with the next tick."""
        with self._lock:
            wanted = {node for node, until in self._off_until.items() if until > self._clock()}
        for node in sorted(self._stopped - wanted):  # first: one that cannot be stopped keeps no other one off
            if self._switched(node, "starting", self.desk.start_node):
                self._note(node, off=False)
        for node in sorted(wanted - self._stopped):
            if self._switched(node, "stopping", self.desk.stop_node):
                self._note(node, off=True)

    def _note(self, node: str, *, off: bool) -> None:
        with self._lock:
            (self._stopped.add if off else self._stopped.discard)(node)
        self.switched.set()

    def _switched(self, node: str, doing: str, switch: Callable[[str, str], None]) -> bool:
        _log.info("%s %s", doing, node)
        try:
            switch(self.cluster, node)
        except WavetankError as error:
            _log.warning("%s %s: %s", doing, node, error)
            return False
        return True


def run(cluster: str, stop: threading.Event | None = None) -> None:
    """Serve ``cluster`` until ``stop`` is set; the entry point of the agent's container.

    Raises `ClusterError` when nodes cannot be listened for any more: the engine then starts the container again.
    """
    from wavetank.cluster.providers.kind import KindProvider

    stop = stop or threading.Event()
    agent = PowerAgent(cluster, KindProvider(in_place_of_owner=True))
    agent.recover()
    _log.info("serving %s", cluster)
    kube = Kube.connect()
    threads = [threading.Thread(target=task, args=(agent, kube, stop), daemon=True) for task in (listen, speak)]
    for thread in threads:
        thread.start()
    while not stop.wait(TICK_SECONDS):
        agent.tick()
        if not all(thread.is_alive() for thread in threads):
            raise ClusterError("the power agent hears of nodes no more", command=f"docker logs {cluster}-power")


def listen(agent: PowerAgent, kube: Kube, stop: threading.Event) -> None:
    """Tell ``agent`` what the cluster asks of its nodes until ``stop`` is set: of workers that Wavetank has made."""
    for change, node in kube.watch("Node", timeout=None, stop=stop, resume=True):
        if change in ("LOST", "BACK"):
            _log.warning("the API server is %s; deadlines hold all the same", change.lower())
        elif change != "DELETED" and is_made_here(node) and CONTROL_PLANE not in node["metadata"]["labels"]:
            agent.ask(node["metadata"]["name"], node["metadata"].get("annotations"), datetime.now(UTC))


def speak(agent: PowerAgent, kube: Kube, stop: threading.Event) -> None:
    """Say until ``stop`` is set that the agent is there, and at once which nodes it has switched off."""
    heard = True
    while not stop.is_set():
        agent.switched.clear()
        try:
            beat(kube, agent.cluster, agent.off)
            heard = True
        except (KubeError, ClusterError) as error:  # deadlines hold all the same
            if heard:
                _log.warning("nobody hears which nodes are off: %s", error.summary)
            heard = False
        agent.switched.wait(BEATS_EVERY if heard else TICK_SECONDS * 5)
