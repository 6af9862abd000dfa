import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.support.apiserver import ApiServer
from tests.support.permissions import needed
from tests.support.sleeping import asleep
from tests.support.waiting import eventually

from wavetank.cluster import Node
from wavetank.cluster.power import LONGEST_OFF, UNASKED, PowerAgent, listen, off_until, run, speak
from wavetank.errors import ClusterError, EngineError
from wavetank.kube import Kube
from wavetank.kube.mark import NODE_LABEL
from wavetank.kube.power import LEASE, POWER_OFF_UNTIL, agent_word

MANIFEST = Path(__file__).parents[3] / "clusters/manifests/power.yaml"
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


@pytest.fixture
def desk() -> Desk:
    return Desk(captain="running", w1="running", w2="running", w3="running")


@pytest.fixture
def agent(desk: Desk, clock: Clock) -> PowerAgent:
    return PowerAgent("basin", desk, clock)


@pytest.fixture
def w1_off(agent: PowerAgent) -> PowerAgent:
    """An agent that has just been asked to keep w1 off for thirty seconds, and does."""
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    return agent


def off(until: datetime) -> dict[str, str]:
    return {POWER_OFF_UNTIL: until.isoformat()}


def test_a_node_is_off_until_its_time_though_nobody_asks_again(w1_off: PowerAgent, desk: Desk, clock: Clock) -> None:
    assert desk.states == {"captain": "running", "w1": "paused", "w2": "running", "w3": "running"}
    clock.seconds += 29.9
    w1_off.tick()
    assert desk.states["w1"] == "paused"
    clock.seconds += 0.1
    w1_off.tick()
    assert desk.states["w1"] == "running"


def test_a_node_is_not_off_for_longer_because_the_machine_slept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(w1="running")
    agent = PowerAgent("basin", desk)
    agent.ask("w1", off(SOON), NOW)
    agent.tick()
    assert desk.states["w1"] == "paused"
    asleep(monkeypatch, 30)
    agent.tick()
    assert desk.states["w1"] == "running"


def test_a_date_that_is_set_while_a_node_is_off_changes_nothing(w1_off: PowerAgent, desk: Desk, clock: Clock) -> None:
    clock.seconds += 10
    w1_off.ask("w1", off(SOON), NOW - timedelta(days=1))
    clock.seconds += 20
    w1_off.tick()
    assert desk.states["w1"] == "running"


def test_a_far_date_is_an_hour_from_when_it_was_first_told(agent: PowerAgent, desk: Desk, clock: Clock) -> None:
    for minutes in range(0, 60, 10):
        agent.ask("w1", off(NOW + timedelta(days=1)), NOW + timedelta(minutes=minutes))
        agent.tick()
        assert desk.states["w1"] == "paused"
        clock.seconds += 600
    agent.tick()
    assert desk.states["w1"] == "running"


def test_taking_the_annotation_away_brings_the_node_back_at_once(w1_off: PowerAgent, desk: Desk) -> None:
    w1_off.ask("w1", None, NOW)
    w1_off.tick()
    assert desk.states["w1"] == "running"


def test_a_later_deadline_replaces_the_earlier_one(w1_off: PowerAgent, desk: Desk, clock: Clock) -> None:
    w1_off.ask("w1", off(SOON + timedelta(seconds=30)), NOW)
    clock.seconds += 30
    w1_off.tick()
    assert desk.states["w1"] == "paused"


def test_a_start_that_fails_is_tried_again(w1_off: PowerAgent, desk: Desk, clock: Clock) -> None:
    clock.seconds += 30
    desk.refuse.add("w1")
    w1_off.tick()
    assert desk.states["w1"] == "paused"
    desk.refuse.clear()
    w1_off.tick()
    assert desk.states["w1"] == "running"


def test_a_node_that_cannot_be_stopped_keeps_no_other_one_off(w1_off: PowerAgent, desk: Desk, clock: Clock) -> None:
    desk.refuse.add("w2")
    w1_off.ask("w2", off(SOON + timedelta(minutes=5)), NOW)
    w1_off.ask("w3", off(SOON + timedelta(minutes=5)), NOW)
    clock.seconds += 30
    w1_off.tick()
    assert desk.states == {"captain": "running", "w1": "running", "w2": "running", "w3": "paused"}


def test_a_node_that_an_agent_before_left_stopped_comes_back(agent: PowerAgent, desk: Desk, clock: Clock) -> None:
    desk.states["w1"] = "paused"
    agent.recover()
    agent.tick()
    assert desk.states["w1"] == "paused"
    clock.seconds += UNASKED.total_seconds()
    agent.tick()
    assert set(desk.states.values()) == {"running"}


def test_a_node_found_stopped_stays_so_while_its_annotation_says_so(
    agent: PowerAgent, desk: Desk, clock: Clock
) -> None:
    desk.states["w1"] = "paused"
    agent.recover()
    agent.ask("w1", off(NOW + timedelta(minutes=5)), NOW)
    clock.seconds += UNASKED.total_seconds()
    agent.tick()
    assert desk.states["w1"] == "paused"


def test_asking_from_many_threads_loses_nothing(agent: PowerAgent, desk: Desk) -> None:
    desk.states = {f"w{number}": "running" for number in range(20)}
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
    monkeypatch.setattr("wavetank.cluster.power.speak", lambda agent, kube, stop: stop.wait(10))
    with pytest.raises(ClusterError, match="hears of nodes no more"):
        run("basin")


def test_only_workers_that_wavetank_has_made_are_ever_stopped(agent: PowerAgent, desk: Desk, tmp_path: Path) -> None:
    desk.states, stop = {"captain": "running", "w1": "running", "gpu": "running"}, threading.Event()
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


def test_it_says_which_nodes_are_off_and_goes_on_saying_it_after_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavetank.cluster.power.BEATS_EVERY", 0.05)
    desk, stop = Desk(w1="running"), threading.Event()
    agent = PowerAgent("basin", desk)
    until = datetime.now(UTC) + timedelta(minutes=5)
    with ApiServer() as api:
        kube = Kube.connect(api.kubeconfig(tmp_path))
        place = {"name": LEASE, "namespace": "wavetank-system"}
        api.put({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": place})
        assert not agent_word(kube).is_there
        speaking = threading.Thread(target=speak, args=(agent, kube, stop))
        speaking.start()
        eventually(lambda: agent_word(kube).is_there, "the agent to be heard of")
        assert agent_word(kube).off == frozenset()
        agent.ask("w1", off(until), datetime.now(UTC))
        agent.tick()
        eventually(lambda: agent_word(kube).off == {"w1"}, "the agent to say that it has stopped the node")
        api.stop()
        agent.ask("w1", None, datetime.now(UTC))
        agent.tick()
        api.start()
        eventually(lambda: agent_word(kube).off == frozenset(), "the agent to say that it is on again")
        stop.set()
        speaking.join(10)
        assert not speaking.is_alive()


def test_the_agent_s_role_is_what_it_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavetank.cluster.power.BEATS_EVERY", 0.05)
    agent, stop = PowerAgent("basin", Desk(w1="running")), threading.Event()
    roles = [obj for obj in yaml.safe_load_all(MANIFEST.read_text()) if obj["kind"] in ("ClusterRole", "Role")]
    granted = {
        (group, resource, verb)
        for rule in (rule for role in roles for rule in role["rules"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    with ApiServer() as api:
        for obj in yaml.safe_load_all(MANIFEST.read_text()):
            api.put(obj)
        kube = Kube.connect(api.kubeconfig(tmp_path))
        threads = [threading.Thread(target=task, args=(agent, kube, stop)) for task in (listen, speak)]
        for thread in threads:
            thread.start()
        eventually(lambda: any("watch=" in url for _, url in api.requests), "it to listen")
        eventually(lambda: any(method == "PATCH" for method, _ in api.requests), "it to speak")
        stop.set()
        for thread in threads:
            thread.join(15)
        asked = {permission for request in api.requests for permission in needed(*request)}
    assert asked == granted
