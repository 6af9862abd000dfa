import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.waiting import eventually

from wavetank.cluster import Node
from wavetank.cluster.power import LONGEST_OFF, POWER_OFF_UNTIL, UNASKED, PowerAgent, listen, off_until, run
from wavetank.errors import ClusterError, EngineError
from wavetank.kube import Kube
from wavetank.kube.mark import NODE_LABEL

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)


class Desk:
    """Nodes as switches; those in ``refuse`` cannot be switched."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.refuse: set[str] = set()

    def nodes(self, name: str) -> tuple[Node, ...]:
        roles = {"captain": "control-plane"}
        return tuple(Node(node, roles.get(node, "worker"), state) for node, state in self.states.items())

    def stop_node(self, name: str, node: str) -> None:
        self._switch(node, "paused")

    def start_node(self, name: str, node: str) -> None:
        self._switch(node, "running")

    def _switch(self, node: str, state: str) -> None:
        if node in self.refuse:
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


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def off(until: datetime) -> dict[str, str]:
    return {POWER_OFF_UNTIL: until.isoformat()}


def test_a_node_is_off_until_its_time_though_nobody_asks_again(clock: Clock) -> None:
    desk = Desk(w1="running", w2="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    assert desk.states == {"w1": "paused", "w2": "running"}
    clock.seconds += 29.9
    agent.tick()
    assert desk.states["w1"] == "paused"
    clock.seconds += 0.1
    agent.tick()
    assert desk.states["w1"] == "running"


def test_a_date_that_is_set_while_a_node_is_off_changes_nothing(clock: Clock) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    clock.seconds += 10
    agent.ask("w1", off(SOON), NOW - timedelta(days=1))
    clock.seconds += 20
    agent.tick()
    assert desk.states["w1"] == "running"


def test_a_far_date_is_an_hour_from_when_it_was_first_told(clock: Clock) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk, clock)
    for minutes in range(0, 60, 10):
        agent.ask("w1", off(NOW + timedelta(days=1)), NOW + timedelta(minutes=minutes))
        agent.tick()
        assert desk.states["w1"] == "paused"
        clock.seconds += 600
    agent.tick()
    assert desk.states["w1"] == "running"


def test_taking_the_annotation_away_brings_the_node_back_at_once(clock: Clock) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    agent.ask("w1", None, NOW)
    agent.tick()
    assert desk.states["w1"] == "running"


def test_a_later_deadline_replaces_the_earlier_one(clock: Clock) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    agent.ask("w1", off(SOON + timedelta(seconds=30)), NOW)
    clock.seconds += 30
    agent.tick()
    assert desk.states["w1"] == "paused"


def test_a_start_that_fails_is_tried_again(clock: Clock) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    clock.seconds += 30
    desk.refuse.add("w1")
    agent.tick()
    assert desk.states["w1"] == "paused"
    desk.refuse.clear()
    agent.tick()
    assert desk.states["w1"] == "running"


def test_a_node_that_cannot_be_stopped_keeps_no_other_one_off(clock: Clock) -> None:
    desk = Desk(w1="running", w2="running", w3="running")
    agent = PowerAgent("basin", desk, clock)
    agent.ask("w3", off(SOON), NOW)
    agent.tick()
    desk.refuse.add("w1")
    agent.ask("w1", off(SOON + timedelta(minutes=5)), NOW)
    agent.ask("w2", off(SOON + timedelta(minutes=5)), NOW)
    clock.seconds += 30
    agent.tick()
    assert desk.states == {"w1": "running", "w2": "paused", "w3": "running"}


def test_a_node_that_an_agent_before_left_stopped_comes_back(clock: Clock) -> None:
    desk = Desk(captain="running", w1="paused", w2="running")
    agent = PowerAgent("basin", desk, clock)
    agent.recover()
    agent.tick()
    assert desk.states["w1"] == "paused"
    clock.seconds += UNASKED.total_seconds()
    agent.tick()
    assert desk.states == {"captain": "running", "w1": "running", "w2": "running"}


def test_a_node_found_stopped_stays_so_while_its_annotation_says_so(clock: Clock) -> None:
    desk = Desk(w1="paused")
    agent = PowerAgent("basin", desk, clock)
    agent.recover()
    agent.ask("w1", off(NOW + timedelta(minutes=5)), NOW)
    clock.seconds += UNASKED.total_seconds()
    agent.tick()
    assert desk.states["w1"] == "paused"


def test_asking_from_many_threads_loses_nothing() -> None:
    desk = Desk(**{f"w{number}": "running" for number in range(20)})
    agent = PowerAgent("basin", desk)
    threads = [threading.Thread(target=agent.ask, args=(node, off(SOON), NOW)) for node in desk.states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    agent.tick()
    assert set(desk.states.values()) == {"paused"}


def test_an_agent_that_hears_of_nodes_no_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(agent: PowerAgent, kube: object, stop: threading.Event) -> None:
        """Return at once, as after a defect."""

    monkeypatch.setattr("wavetank.cluster.providers.kind.KindProvider", lambda in_place_of_owner: Desk(w1="running"))
    monkeypatch.setattr("wavetank.cluster.power.Kube.connect", lambda: None)
    monkeypatch.setattr("wavetank.cluster.power.listen", broken)
    with pytest.raises(ClusterError, match="hears of nodes no more"):
        run("basin")


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
            agent.tick()
            return desk.states["w1"] == "paused"  # it is told of last

        eventually(stopped, "the worker to be stopped")
        stop.set()
        listening.join(10)
    assert desk.states == {"captain": "running", "w1": "paused", "gpu": "running"}
