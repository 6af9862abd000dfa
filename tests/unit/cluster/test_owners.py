"""Several owners on one engine: each gets a name and ports of its own, and nobody touches what is another's."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.basin import Basin, free_ports

from wavetank.cluster import ClusterSpec, Ports, down, kubeconfig_path, settled, status, up, used_berth
from wavetank.cluster.berth import choose
from wavetank.cluster.doctor import gather, judge
from wavetank.cluster.owner import built, own_id
from wavetank.errors import ClusterError, StepError
from wavetank.steps import StepEvent

MOVABLE = frozenset(asdict(Ports()))
THEIRS = {"dev.wavetank.cluster": "basin", "dev.wavetank.owner": "somebody", "dev.wavetank.who": "anna, /home/anna"}


@pytest.fixture
def movable(basin: Basin) -> ClusterSpec:
    """The basin's spec, its ports nobody's choice."""
    for name in replace(basin.spec, engine_name="basin-2").node_names:
        basin.put_node(name)
    return replace(basin.spec, movable=MOVABLE)


@contextmanager
def owner(basin: Basin, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be another owner: one with a state folder of their own."""
    with monkeypatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(basin.folder / name))
        yield basin.folder / name


def bring_up(basin: Basin, spec: ClusterSpec) -> dict[str, str]:
    events: list[StepEvent] = []
    up(spec, basin.bundle, report=events.append)
    return {event.step: event.note for event in events if event.state == "done"}


def take_down(spec: ClusterSpec, *, keep_images: bool = False) -> str:
    events: list[StepEvent] = []
    down(spec, keep_images=keep_images, report=events.append)
    return events[-1].note


def on_the_engine(basin: Basin) -> tuple[dict[str, Any], ...]:
    engine = basin.engine
    return ({name: each["Id"] for name, each in engine.containers.items()}, dict(engine.networks), dict(engine.volumes))


def put_theirs(basin: Basin, ports: Ports, **more: str) -> None:
    """Have another owner's cluster on the engine, called as ours."""
    told = " ".join(f"{key}={port}" for key, port in asdict(ports).items())
    labels = {**THEIRS, "dev.wavetank.ports": told, **more}
    basin.engine.networks["basin"] = {"Id": "theirs", "Name": "basin", "Labels": labels, "Created": "2026-01-01"}
    for name in ("basin-control-plane", "basin-worker"):
        kind = {"io.x-k8s.kind.cluster": "basin", "io.x-k8s.kind.role": name.removeprefix("basin-")}
        basin.engine.add_container(name, labels=kind)


def test_two_owners_each_have_a_cluster_and_take_down_their_own(
    basin: Basin, movable: ClusterSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner(basin, "one", monkeypatch) as one:
        bring_up(basin, movable)
        first = on_the_engine(basin)
    with owner(basin, "two", monkeypatch):
        note = bring_up(basin, movable)["name and ports"]
        moved = {key: port + 10 for key, port in asdict(movable.ports).items()}
        assert note.startswith("taken by others, so its own: the name basin-2, ingress ")
        assert asdict(settled(movable).ports) == moved
        assert {name for name in basin.engine.containers if name.startswith("basin-2-")} == {
            "basin-2-control-plane",
            "basin-2-worker",
            "basin-2-worker2",
        }
        seen = status(movable)
        assert (seen.state, seen.on_engine) == ("up", "basin-2")
        assert f"not yours   cluster basin of {basin.engine.networks['basin']['Labels']['dev.wavetank.who']}" in str(
            seen
        )
        assert take_down(movable) == ""
    assert on_the_engine(basin) == first
    with owner(basin, "one", monkeypatch):
        assert [node.name for node in status(movable).nodes] == [*basin.spec.node_names]
        take_down(movable)
    assert on_the_engine(basin) == ({}, {}, {})
    assert list(one.rglob("*")) == list((basin.folder / "two").rglob("*")) == []


def test_down_of_who_has_none_leaves_anothers_of_that_name_and_says_so(basin: Basin) -> None:
    put_theirs(basin, basin.spec.ports)
    before = on_the_engine(basin)
    assert take_down(basin.spec) == "left alone: cluster basin of anna, /home/anna"
    assert on_the_engine(basin) == before
    seen = status(basin.spec)
    assert seen.state == "absent"
    assert "cluster basin of anna, /home/anna, with the ports" in str(seen)


def test_images_that_another_owner_has_built_or_called_after_the_same_registry_stay(
    basin: Basin, movable: ClusterSpec
) -> None:
    bring_up(basin, movable.with_addons(("registry",)))
    other = movable.registry
    basin.engine.images |= {
        "mine:latest": "sha256:1",
        "theirs:latest": "sha256:2",
        f"{other}/tidewater/web:v1": "sha256:3",
        f"{other}/tidewater/web:v2": "sha256:4",
        "another-cluster-of-mine:latest": "sha256:5",
    }
    whose = {"1": f"{own_id()}/basin", "2": "somebody/basin", "4": "somebody/basin", "5": f"{own_id()}/pond"}
    basin.engine.image_labels |= {f"sha256:{id_}": {"dev.wavetank.build": by} for id_, by in whose.items()}
    take_down(movable)
    left = {ref for ref, id_ in basin.engine.images.items() if id_ in {f"sha256:{number}" for number in range(6)}}
    assert left == {"theirs:latest", f"{other}/tidewater/web:v2", "another-cluster-of-mine:latest"}
    assert (basin.state / "wavetank" / "owner").exists(), "an image still carries it"


@pytest.mark.parametrize("what", ["cluster", "network", "container", "volume"])
def test_a_name_that_is_somebodys_is_left_to_them(basin: Basin, movable: ClusterSpec, what: str) -> None:
    match what:
        case "cluster":
            labels = {"io.x-k8s.kind.cluster": "basin", "io.x-k8s.kind.role": "control-plane"}
            basin.engine.add_container("basin-control-plane", labels=labels)
        case "network":
            basin.engine.networks["basin"] = {"Id": "n1", "Name": "basin", "Labels": {}}
        case "container":
            basin.engine.add_container("basin-registry")
        case "volume":
            basin.engine.volumes["basin-registry"] = {}
    before = on_the_engine(basin)
    assert bring_up(basin, movable)["name and ports"] == "taken by others, so its own: the name basin-2"
    assert basin.engine.networks["basin-2"]["Labels"]["dev.wavetank.cluster"] == "basin"
    take_down(movable)
    assert on_the_engine(basin) == before


def test_ports_that_something_listens_on_are_left_to_it(basin: Basin, movable: ClusterSpec) -> None:
    with socket.create_server(("127.0.0.1", movable.ports.gateway)):
        note = bring_up(basin, movable)["name and ports"]
        assert note == f"taken by others, so its own: gateway {movable.ports.gateway + 10}"
        assert settled(movable).ports == replace(movable.ports, gateway=movable.ports.gateway + 10)
        assert status(movable).on_engine == "basin"
        again = bring_up(basin, movable)["name and ports"]
        assert again == note, "it keeps what it has"


def test_a_port_that_a_person_has_written_is_never_another(basin: Basin) -> None:
    put_theirs(basin, basin.spec.ports)
    with pytest.raises(StepError) as caught:
        bring_up(basin, basin.spec)
    port = basin.spec.ports.ingress
    assert f"port {port} on 127.0.0.1 is taken by cluster basin of anna, /home/anna" in caught.value.summary
    assert set(basin.engine.networks) == {"basin"}
    assert [path for path in basin.state.rglob("*") if path.is_file()] == []


def test_ports_after_whose_registry_anothers_images_are_called_are_left_to_them() -> None:
    spec = ClusterSpec("kind", "1.36", ports=free_ports(), movable=MOVABLE, addons=("registry",))
    taken = {spec.ports.registry: "theirs", spec.ports.registry + 10: "theirs too"}
    assert choose(spec, {"wavetank", "wavetank-2"}, taken.get) == (
        "wavetank-3",
        replace(spec.ports, registry=spec.ports.registry + 20),
    )
    assert choose(replace(spec, movable=frozenset(), addons=()), (), taken.get) == ("wavetank", spec.ports)
    with pytest.raises(ClusterError, match=f"port {spec.ports.registry} on 127.0.0.1 is taken by theirs"):
        choose(replace(spec, movable=frozenset()), (), taken.get)


def test_who_claims_the_same_ports_a_moment_later_takes_others(
    basin: Basin, movable: ClusterSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(movable, (), lambda port: None)
    once = iter([chosen])

    def at_the_same_moment(*arguments: Any) -> tuple[str, Ports]:
        if (blind := next(once, None)) is None:
            return choose(*arguments)
        put_theirs(basin, movable.ports)
        basin.engine.networks["pond"] = basin.engine.networks.pop("basin")  # only the ports are the same
        return blind

    monkeypatch.setattr("wavetank.cluster.providers.kind_claim.choose", at_the_same_moment)
    bring_up(basin, movable)
    assert settled(movable).ports.ingress == movable.ports.ingress + 10


def test_the_berth_lies_beside_the_kubeconfig(
    basin: Basin, movable: ClusterSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_theirs(basin, movable.ports)
    bring_up(basin, movable)
    berth = json.loads((kubeconfig_path("basin").parent / "berth.json").read_text())
    assert (berth["cluster"], berth["name"], berth["owner"]) == ("basin", "basin-2", own_id())
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_path("basin")))
    monkeypatch.setenv("XDG_STATE_HOME", str(basin.folder / "elsewhere"))
    assert used_berth().registry == f"localhost:{movable.ports.registry + 10}"
    assert used_berth().owner == berth["owner"], "what is built for a cluster is whose the cluster is"


def test_a_cluster_from_before_there_were_owners_is_whose_state_knows_it(
    basin: Basin, movable: ClusterSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up(basin, movable)
    basin.engine.networks["basin"]["Labels"] = {"dev.wavetank.cluster": "basin"}
    (kubeconfig_path("basin").parent / "berth.json").unlink()
    with owner(basin, "two", monkeypatch):
        assert status(movable).state == "absent"
        assert "somebody with an older Wavetank" in str(status(movable))
    assert bring_up(basin, movable)["nodes"] == "there already"
    take_down(movable)
    assert basin.engine.networks == basin.engine.containers == {}


def test_an_engine_without_a_free_range_of_addresses_says_so_and_nothing_is_left(
    basin: Basin, movable: ClusterSpec
) -> None:
    said = "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"
    basin.engine.refuse("POST", "/networks/create", 400, said)
    with pytest.raises(StepError, match="the engine has no range of addresses left") as caught:
        bring_up(basin, movable)
    assert "docker network prune" in caught.value.help.hint
    take_down(movable)
    assert basin.engine.containers == basin.engine.networks == {}
    assert list(basin.state.rglob("*")) == []


def test_an_owner_has_one_id_however_many_ask_at_once(basin: Basin) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: own_id(), range(32)))
    assert len(ids) == 1
    assert [path.name for path in (basin.state / "wavetank").iterdir()] == ["owner"]


def test_the_id_stays_as_long_as_something_carries_it(basin: Basin, movable: ClusterSpec) -> None:
    bring_up(basin, movable.with_addons(("registry",)))
    known = own_id()
    take_down(movable, keep_images=True)
    assert own_id() == known
    assert set(basin.engine.volumes) == {"basin-registry"}
    take_down(movable)
    assert list(basin.state.rglob("*")) == []


def test_what_is_built_gets_one_label_for_the_rewriting_of_images_leaves_out_one_step(basin: Basin) -> None:
    assert built("basin") == {"dev.wavetank.build": f"{own_id()}/basin"}


def test_the_doctor_says_whose_a_port_is_and_which_one_is_taken_instead(basin: Basin, movable: ClusterSpec) -> None:
    put_theirs(basin, movable.ports)
    found = [finding for finding in judge(gather(movable)) if finding.name == "port"]
    assert {finding.level for finding in found} == {"warning"}
    ingress = movable.ports.ingress
    told = f"{ingress} on 127.0.0.1 is taken by cluster basin of anna, /home/anna: `wavetank up` takes {ingress + 10}"
    assert (found[0].seen, found[0].mend) == (told, "")
    assert {finding.level for finding in judge(gather(basin.spec)) if finding.name == "port"} == {"problem"}
