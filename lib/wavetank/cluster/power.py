"""The power agent: stops and starts nodes because the cluster's API asks for it.

A node cannot be silenced from within the cluster, so a Fault of kind ``node-stop`` only writes on the Node until when
it shall be off (`POWER_OFF_UNTIL`), and this agent, a container beside the nodes, does it. It keeps the deadlines in
memory: a node comes back on time even when nobody can be asked any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wavetank.cluster.provider import Node
from wavetank.errors import WavetankError
from wavetank.kube import Kube
from wavetank.kube.mark import is_made_here

__all__ = ["LONGEST_OFF", "POWER_OFF_UNTIL", "Desk", "PowerAgent", "listen", "off_until", "run"]

POWER_OFF_UNTIL = "wavetank.dev/power-off-until"
"""The annotation of a Node: until when it shall be off, RFC 3339 in UTC."""

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
    """The wish for each node and the switch. `ask` may be called from another thread than `tick`."""

    def __init__(self, cluster: str, desk: Desk) -> None:
        self.cluster = cluster
        self.desk = desk
        self._off_until: dict[str, datetime] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    def recover(self, now: datetime) -> None:
        """Take over the nodes that are stopped already, as by an agent before this one."""
        for node in self.desk.nodes(self.cluster):
            if node.role == "worker" and node.state == "paused":
                self._stopped.add(node.name)
                self._off_until[node.name] = now + UNASKED

    def ask(self, node: str, until: datetime | None) -> None:
        """Want ``node`` off until then, or on for None."""
        with self._lock:
            if until is not None:
                self._off_until[node] = until
            else:
                self._off_until.pop(node, None)

    def tick(self, now: datetime) -> None:
        """Stop and start what is not as it is wanted ``now``; what fails is tried again with the next tick."""
        with self._lock:
            wanted = {node for node, until in self._off_until.items() if until > now}
        for node in wanted - self._stopped:
            _log.info("stopping %s", node)
            self.desk.stop_node(self.cluster, node)
            self._stopped.add(node)
        for node in self._stopped - wanted:
            _log.info("starting %s", node)
            self.desk.start_node(self.cluster, node)
            self._stopped.discard(node)


def run(cluster: str, stop: threading.Event | None = None) -> None:
    """Serve ``cluster`` until ``stop`` is set; the entry point of the agent's container."""
    from wavetank.cluster.providers.kind import KindProvider

    stop = stop or threading.Event()
    agent = PowerAgent(cluster, KindProvider())
    agent.recover(datetime.now(UTC))
    _log.info("serving %s", cluster)
    threading.Thread(target=listen, args=(agent, Kube.connect(), stop), daemon=True).start()
    while not stop.wait(TICK_SECONDS):
        try:
            agent.tick(datetime.now(UTC))
        except WavetankError as error:
            _log.warning("%s", error)


def listen(agent: PowerAgent, kube: Kube, stop: threading.Event) -> None:
    """Tell ``agent`` what the cluster asks of its nodes until ``stop`` is set: of workers that Wavetank has made."""
    for change, node in kube.watch("Node", timeout=None, stop=stop, resume=True):
        if change in ("LOST", "BACK"):
            _log.warning("the API server is %s; deadlines hold all the same", change.lower())
        elif change != "DELETED" and is_made_here(node) and CONTROL_PLANE not in node["metadata"]["labels"]:
            until = off_until(node["metadata"].get("annotations"), datetime.now(UTC))
            agent.ask(node["metadata"]["name"], until)
