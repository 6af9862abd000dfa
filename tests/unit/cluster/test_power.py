import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.waiting import eventually

from wavetank.cluster import Node
from wavetank.cluster.power import LONGEST_OFF, POWER_OFF_UNTIL, UNASKED, PowerAgent, listen, off_until
from wavetank.errors import EngineError
from wavetank.kube import Kube
from wavetank.kube.mark import NODE_LABEL

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)


class Desk:
    """Nodes as switches; ``refuse`` makes the next switch fail."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.refuse = False

    def nodes(self, name: str) -> tuple[Node, ...]:
        roles = {"captain": "control-plane"}
        return tuple(Node(node, roles.get(node, "worker"), state) for node, state in self.states.items())

    def stop_node(self, name: str, node: str) -> None:
        self._switch(node, "paused")

    def start_node(self, name: str, node: str) -> None:
        self._switch(node, "running")

    def _switch(self, node: str, state: str) -> None:
        if self.refuse:
            self.refuse = False
            raise EngineError("the engine is busy")
        self.states[node] = state


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2026-11-23T12:00:30Z", SOON),
        ("2026-11-23T13:00:30+01:00", SOON),
        ("2026-11-23T11:59:59Z", None),
        ("2026-11-23T12:00:30", None),
        ("tomorrow", None),
        ("", None),
        ("2027-01-01T00:00:00Z", NOW + LONGEST_OFF),
    ],
)
def test_reading_the_annotation(text: str, until: datetime | None) -> None:
    assert off_until({POWER_OFF_UNTIL: text}, NOW) == until


def test_a_node_without_annotations_is_on() -> None:
    assert off_until(None, NOW) is None


def test_a_node_is_off_until_its_time_though_nobody_asks_again() -> None:
    desk = Desk(w1="running", w2="running")
    agent = PowerAgent("basin", desk)
    agent.ask("w1", SOON)
    agent.tick(NOW)
    assert desk.states == {"w1": "paused", "w2": "running"}
    agent.tick(SOON - timedelta(milliseconds=1))
    assert desk.states["w1"] == "paused"
    agent.tick(SOON)
    assert desk.states["w1"] == "running"


def test_taking_the_annotation_away_brings_the_node_back_at_once() -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk)
    agent.ask("w1", SOON)
    agent.tick(NOW)
    agent.ask("w1", None)
    agent.tick(NOW)
    assert desk.states["w1"] == "running"


def test_a_later_deadline_replaces_the_earlier_one() -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk)
    agent.ask("w1", SOON)
    agent.tick(NOW)
    agent.ask("w1", SOON + timedelta(seconds=30))
    agent.tick(SOON)
    assert desk.states["w1"] == "paused"


def test_a_start_that_fails_is_tried_again() -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk)
    agent.ask("w1", SOON)
    agent.tick(NOW)
    desk.refuse = True
    with pytest.raises(EngineError):
        agent.tick(SOON)
    agent.tick(SOON)
    assert desk.states["w1"] == "running"


def test_a_node_that_an_agent_before_left_stopped_comes_back() -> None:
    desk = Desk(captain="running", w1="paused", w2="running")
    agent = PowerAgent("basin", desk)
    agent.recover(NOW)
    agent.tick(NOW)
    assert desk.states["w1"] == "paused"
    agent.tick(NOW + UNASKED)
    assert desk.states == {"captain": "running", "w1": "running", "w2": "running"}


def test_a_node_found_stopped_stays_so_while_its_annotation_says_so() -> None:
    desk = Desk(w1="paused")
    agent = PowerAgent("basin", desk)
    agent.recover(NOW)
    agent.ask("w1", NOW + timedelta(minutes=5))
    agent.tick(NOW + UNASKED)
    assert desk.states["w1"] == "paused"


def test_asking_from_many_threads_loses_nothing() -> None:
    desk = Desk(**{f"w{number}": "running" for number in range(20)})
    agent = PowerAgent("basin", desk)
    threads = [threading.Thread(target=agent.ask, args=(node, SOON)) for node in desk.states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    agent.tick(NOW)
    assert set(desk.states.values()) == {"paused"}


def test_only_workers_that_wavetank_has_made_are_ever_stopped(tmp_path: Path) -> None:
    desk, stop = Desk(captain="running", w1="running", gpu="running"), threading.Event()
    agent = PowerAgent("basin", desk)
    annotations = {POWER_OFF_UNTIL: (datetime.now(UTC) + timedelta(minutes=5)).isoformat()}
    ours, captain = {NODE_LABEL: "basin"}, {"node-role.kubernetes.io/control-plane": ""}
    with ApiServer() as api:
        for name, labels in (("captain", ours | captain), ("gpu", {}), ("gpu2", {"disk": "ssd"}), ("w1", ours)):
            metadata = {"name": name, "labels": labels, "annotations": annotations}
            api.put({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        listening = threading.Thread(target=listen, args=(agent, Kube.connect(api.kubeconfig(tmp_path)), stop))
        listening.start()

        def stopped() -> bool:
            agent.tick(datetime.now(UTC))
            return desk.states["w1"] == "paused"  # it is told of last

        eventually(stopped, "the worker to be stopped")
        stop.set()
        listening.join(10)
    assert desk.states == {"captain": "running", "w1": "paused", "gpu": "running"}
