"""`up` and `down` of the kind provider on a make-believe machine: everything that can go wrong on a real one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.basin import ADDON_IMAGE, APPLICATION_IMAGE, IMAGES, NODE_IMAGE, Basin, small_bundle
from tests.support.proxied import ENVIRONMENTS, docker_settings, surround
from tests.support.waiting import eventually

from wavetank.cluster import down, kubeconfig_path, status, up
from wavetank.cluster.providers.kind import KindProvider
from wavetank.errors import ClusterError, EngineError, InputError, NotSupportedError, StepError
from wavetank.kube import Kube
from wavetank.kube.mark import Mark, is_made_here, read_mark
from wavetank.steps import StepEvent

NODES = {"basin-control-plane", "basin-worker", "basin-worker2"}


def silent(_: StepEvent) -> None:
    pass


def bring_up(basin: Basin, *addons: str) -> list[StepEvent]:
    events: list[StepEvent] = []
    up(basin.spec.with_addons(addons), basin.bundle, report=events.append)
    return [event for event in events if event.state == "done"]


def failure(basin: Basin, *addons: str) -> StepError:
    with pytest.raises(StepError) as caught:
        bring_up(basin, *addons)
    return caught.value


# -- as it should be ---------------------------------------------------------------------------------------------------


def test_up_makes_the_nodes_on_a_network_that_says_whose_it_is(basin: Basin) -> None:
    bring_up(basin)
    assert set(basin.engine.containers) == NODES
    labels = basin.engine.networks["basin"]["Labels"]
    assert labels["dev.wavetank.cluster"] == "basin"
    assert labels["dev.wavetank.owner"] == (basin.state / "wavetank" / "owner").read_text().strip()
    assert labels["dev.wavetank.who"].endswith(f", {basin.state / 'wavetank'}")
    assert labels["dev.wavetank.ports"] == " ".join(f"{key}={port}" for key, port in asdict(basin.spec.ports).items())
    assert NODE_IMAGE in basin.engine.images


@pytest.mark.parametrize("named", ["upper case", "loopback left out as a network"])
def test_proxies_stand_in_nobodys_way_and_reach_no_container(
    basin: Basin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    docker_settings(monkeypatch, tmp_path)
    bring_up(basin, "registry", "operator")
    assert set(basin.engine.containers) == NODES | {"basin-registry", "basin-power"}
    for name, container in basin.engine.containers.items():
        assert "proxy" not in json.dumps(container["Asked"]).lower(), name


def test_up_has_the_cluster_say_whose_it_is_before_anything_else_is_written(basin: Basin) -> None:
    bring_up(basin, "metrics-server")
    first, second, *_ = (asked for asked in basin.api.requests if asked[0] != "GET")
    assert first == ("POST", "/api/v1/namespaces?fieldManager=wavetank")
    assert second[1].startswith("/api/v1/namespaces/wavetank-system/configmaps/wavetank-cluster?")
    assert read_mark(Kube.connect(kubeconfig_path("basin")).connection) == Mark("basin", "up")


def test_a_cluster_from_before_there_were_marks_gets_one_and_so_do_its_nodes(basin: Basin) -> None:
    bring_up(basin)
    basin.api.delete("ConfigMap", "wavetank-cluster", "wavetank-system")
    for name in NODES:
        basin.api.delete("Node", name, "")
        basin.put_node(name)
    assert {event.step: event.note for event in bring_up(basin)}["mark"] == ""
    assert all(is_made_here(node) for node in basin.api.objects("Node"))
    assert basin.api.get("ConfigMap", "wavetank-cluster", "wavetank-system")
    assert {event.step: event.note for event in bring_up(basin)}["mark"] == "there already"


def test_a_node_that_somebody_added_is_not_taken_for_ours(basin: Basin) -> None:
    basin.put_node("joined-by-hand")
    bring_up(basin)
    ours = {node["metadata"]["name"] for node in basin.api.objects("Node") if is_made_here(node)}
    assert ours == NODES


def test_the_kubeconfig_is_the_clusters_own_and_private(basin: Basin) -> None:
    bring_up(basin)
    path = kubeconfig_path("basin")
    assert path.is_relative_to(basin.state)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "current-context: basin" in path.read_text()


def test_up_again_does_nothing_a_second_time(basin: Basin) -> None:
    bring_up(basin, "metrics-server")
    made = {name: container["Id"] for name, container in basin.engine.containers.items()}
    notes = {event.step: event.note for event in bring_up(basin, "metrics-server")}
    assert {name: container["Id"] for name, container in basin.engine.containers.items()} == made
    for step in ("name and ports", "nodes", "application images", "metrics-server images"):
        assert notes[step] == "there already"


def test_images_go_only_where_pods_of_theirs_may_run(basin: Basin) -> None:
    bring_up(basin, "metrics-server")
    assert basin.imported == {
        "basin-control-plane": {ADDON_IMAGE},
        "basin-worker": {APPLICATION_IMAGE},
        "basin-worker2": {APPLICATION_IMAGE},
    }


def test_what_one_step_moves_to_a_node_no_other_moves_there_too(basin: Basin) -> None:
    bring_up(basin)
    provider = KindProvider()
    moving, go_on = threading.Event(), threading.Event()
    imports: list[str] = []
    execute = basin.engine.on_exec

    def slowly(container: dict[str, Any], command: list[str], given: bytes) -> tuple[int, str]:
        if "import" in command:
            imports.append(container["Name"])
            moving.set()
            go_on.wait(10)
        return execute(container, command, given)

    basin.engine.on_exec = slowly
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(provider.load_images, "basin", basin.bundle, [ADDON_IMAGE], ["basin-worker"])
        assert moving.wait(10)
        second = pool.submit(provider.load_images, "basin", basin.bundle, [ADDON_IMAGE], ["basin-worker"])
        with pytest.raises(TimeoutError):  # it looks, and waits for what is under way
            second.result(0.5)
        go_on.set()
        assert (first.result(10), second.result(10)) == ("", "")
    assert imports == ["/basin-worker"]


def test_addons_come_on_demand(basin: Basin) -> None:
    bring_up(basin)
    assert status(basin.spec).addons == {}
    bring_up(basin, "metrics-server")
    assert status(basin.spec).addons == {"metrics-server": "ready"}


def test_the_registry_and_the_power_agent_stand_beside_the_nodes(basin: Basin) -> None:
    spec = basin.spec.with_addons(("registry", "operator"))
    provider = basin.provider()
    spec, _ = provider.claim(spec, basin.bundle)
    for step in provider.create_steps(spec, basin.bundle):  # the steps alone: the operator's own pods are not at stake
        step.action()
    asked = basin.engine.containers["basin-registry"]["Asked"]
    assert asked["HostConfig"]["PortBindings"] == {
        "5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(spec.ports.registry)}]
    }
    assert b"current-context: basin" in basin.engine.archives["basin-power"][0]
    assert "ExposedPorts" not in basin.engine.containers["basin-power"]["Asked"]


def test_the_power_agent_has_an_account_of_its_own_and_nothing_it_does_not_need(basin: Basin) -> None:
    admin = yaml.safe_load(basin.engine.files["/etc/kubernetes/admin.conf"])
    admin["users"][0]["user"] = {"token": "the-administrators"}
    basin.engine.files["/etc/kubernetes/admin.conf"] = yaml.safe_dump(admin).encode()
    for _ in range(2):
        provider = basin.provider()
        spec, _ = provider.claim(basin.spec.with_addons(("operator",)), basin.bundle)
        for step in provider.create_steps(spec, basin.bundle):
            step.action()
    given = basin.engine.archives["basin-power"]
    assert len(given) == 1, "its token is the same, and so it is the same container"
    assert b"agent-token" in given[0]
    assert b"the-administrators" not in given[0]
    config = basin.engine.containers["basin-power"]["Asked"]["HostConfig"]
    assert config["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in config["SecurityOpt"]
    assert config["Memory"] == 256 << 20
    assert config["PidsLimit"] == 64


def test_down_leaves_nothing(basin: Basin) -> None:
    bring_up(basin, "registry", "metrics-server")
    basin.engine.add_container("somebody-elses")
    mine, theirs = f"{basin.spec.registry}/tidewater/web:v1", "localhost:5000/somebody/elses:v1"
    basin.engine.images |= {mine: "sha256:1", theirs: "sha256:2"}
    down(basin.spec, report=silent)
    assert set(basin.engine.containers) == {"somebody-elses"}
    assert basin.engine.networks == basin.engine.volumes == {}
    assert mine not in basin.engine.images
    assert theirs in basin.engine.images
    assert list(basin.state.rglob("*")) == []


def test_images_survive_down_when_asked_to(basin: Basin) -> None:
    bring_up(basin, "registry")
    mine = f"{basin.spec.registry}/tidewater/web:v1"
    basin.engine.images[mine] = "sha256:1"
    down(basin.spec, keep_images=True, report=silent)
    assert mine in basin.engine.images
    assert set(basin.engine.volumes) == {"basin-registry"}
    down(basin.spec, report=silent)
    assert basin.engine.volumes == {}


def test_down_of_nothing_is_fine(basin: Basin) -> None:
    down(basin.spec, report=silent)


def test_another_process_finds_the_cluster(basin: Basin) -> None:
    bring_up(basin)
    other = basin.provider()
    assert list(other.list()) == ["basin"]
    assert [(node.name, node.state) for node in other.nodes("basin")] == [
        (name, "running") for name in ("basin-control-plane", "basin-worker", "basin-worker2")
    ]


def test_a_lost_kubeconfig_is_written_again(basin: Basin) -> None:
    bring_up(basin)
    kubeconfig_path("basin").unlink()
    bring_up(basin)
    assert kubeconfig_path("basin").is_file()


def test_stopped_and_paused_nodes_are_started_again(basin: Basin) -> None:
    bring_up(basin)
    basin.engine.containers["basin-worker"]["State"]["Status"] = "paused"
    basin.engine.containers["basin-worker2"]["State"]["Status"] = "exited"
    notes = {event.step: event.note for event in bring_up(basin)}
    assert notes["nodes"] == "started again: basin-worker, basin-worker2"
    assert {each["State"]["Status"] for each in basin.engine.containers.values()} == {"running"}


def test_a_bundle_for_another_architecture_is_refused_before_anything_is_made(basin: Basin) -> None:
    basin.engine.version["Arch"] = "arm64"
    error = failure(basin)
    assert "another architecture" in error.summary
    assert error.help.observed == "the bundle is for amd64, the engine for arm64"
    assert basin.engine.containers == basin.engine.networks == {}


# -- interrupted -------------------------------------------------------------------------------------------------------

INTERRUPTED = """
import json, sys
from pathlib import Path
from wavetank.cluster import ClusterSpec, Ports, up
from wavetank.bundle.bundle import Bundle
from wavetank.bundle.index import Index, BundleImage
told = json.loads(sys.argv[1])
images = tuple(BundleImage(**image) for image in told["images"])
bundle = Bundle(Path(told["path"]), Index("0.1.0", "amd64", "source", images[0].ref, images, ()))
up(ClusterSpec(provider="kind", kubernetes="1.36", name="basin", ports=Ports(**told["ports"])), bundle)
"""


def test_ctrl_c_while_nodes_are_made_ends_kind_and_up_again_works(basin: Basin) -> None:
    told: dict[str, object] = {"path": str(basin.bundle.path), "ports": asdict(basin.spec.ports)}
    told["images"] = [asdict(image) for image in basin.bundle.images]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, json.dumps(told)],
        env={**os.environ, "FAKE_KIND": "hang"},
        cwd=Path(__file__).parents[3],
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: "basin-control-plane" in basin.engine.containers, "the first node", within=30)
    programs = _children(process.pid)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert programs
    assert not any(Path(f"/proc/{pid}").exists() for pid in programs)
    first = basin.engine.containers["basin-control-plane"]["Id"]
    bring_up(basin)
    assert set(basin.engine.containers) == NODES
    assert basin.engine.containers["basin-control-plane"]["Id"] != first


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # a process may end while its line is being read
            if entry.name.isdigit() and f"PPid:\t{pid}\n" in (entry / "status").read_text():
                found.append(int(entry.name))
    return found


def test_after_a_failure_up_again_works(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "the kubelet did not start")
    error = failure(basin)
    assert error.summary.startswith("nodes: kind create cluster failed")
    assert any("the kubelet did not start" in line for line in error.help.logs)
    assert "KIND_EXPERIMENTAL_DOCKER_NETWORK=basin" in error.help.command
    monkeypatch.delenv("FAKE_KIND")
    bring_up(basin)
    assert set(basin.engine.containers) == NODES


def test_a_node_whose_runtime_never_answers_is_named(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavetank.cluster.providers.kind_creation.RUNTIME_SECONDS", 0.2)
    execute = basin.engine.on_exec

    def refused(container: dict[str, Any], command: list[str], given: bytes) -> tuple[int, str]:
        if container["Name"] == "/basin-worker" and command[-1] == "version":
            return 1, "connection refused"
        return execute(container, command, given)

    basin.engine.on_exec = refused
    error = failure(basin)
    assert error.summary == "node runtimes: containerd does not answer on basin-worker"
    assert "docker exec basin-worker journalctl -u containerd" in error.help.command


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "the engine went away"),
        ("Bind for 127.0.0.1:8080 failed: port is already allocated", "a port is taken"),
        ("write /var/lib/docker/tmp: no space left on device", "the disk is full"),
    ],
)
def test_what_kind_complains_of_is_told_in_words(
    basin: Basin, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    monkeypatch.setenv("FAKE_KIND", said)
    error = failure(basin)
    assert error.summary.startswith(f"nodes: {told}")
    assert any(said in line for line in error.help.logs)
    assert error.help.hint


def test_down_removes_what_an_interrupted_up_left(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "broken")
    failure(basin)
    down(basin.spec, report=silent)
    assert basin.engine.containers == {}
    assert basin.engine.networks == {}
    assert list(basin.state.rglob("*")) == []


# -- refused -----------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_named_with_who_has_it(basin: Basin) -> None:
    with socket.create_server(("127.0.0.1", basin.spec.ports.ingress)):
        error = failure(basin)
    assert f"port {basin.spec.ports.ingress} on 127.0.0.1 is taken" in error.summary
    assert f"process {os.getpid()}" in error.summary
    assert basin.engine.networks == {}


def test_a_version_the_bundle_does_not_have_is_refused_before_anything_is_made(basin: Basin) -> None:
    with pytest.raises(StepError) as caught:
        up(replace(basin.spec, kubernetes="1.29"), basin.bundle, report=silent)
    assert isinstance(caught.value.__cause__, InputError)
    assert "1.29" in caught.value.summary
    assert 'kubernetes: "1.36"' in caught.value.help.expected
    assert basin.engine.networks == {}


def test_another_number_of_workers_asks_for_down_first(basin: Basin) -> None:
    bring_up(basin)
    with pytest.raises(StepError) as caught:
        up(replace(basin.spec, workers=1), basin.bundle, report=silent)
    assert "other nodes" in caught.value.summary
    assert "wavetank down" in caught.value.help.hint


def test_no_engine(basin: Basin) -> None:
    basin.engine.stop()
    with pytest.raises(EngineError, match="no engine answers"):
        bring_up(basin)


def test_an_engine_that_dies_in_the_middle(basin: Basin) -> None:
    provider = basin.provider()
    spec, _ = provider.claim(basin.spec, basin.bundle)
    steps = {step.name: step for step in provider.create_steps(spec, basin.bundle)}
    basin.engine.stop()
    with pytest.raises(EngineError, match="went away"):
        steps["node image"].action()


def test_a_full_disk_while_an_image_is_loaded(basin: Basin) -> None:
    basin.engine.refuse("POST", "/images/load", 500, "write /var/lib/docker/x: no space left on device")
    error = failure(basin)
    assert re.match("(base|node) image: the disk is full", error.summary)  # both are loaded at once
    assert error.help.command == "docker system df"


def test_an_image_that_is_not_in_the_bundle_is_named(basin: Basin) -> None:
    basin.bundle = small_bundle(basin.folder / "less", [image for image in IMAGES if image != ADDON_IMAGE])
    error = failure(basin, "metrics-server")
    assert ADDON_IMAGE in error.summary
    assert "wavetank bundle build" in error.help.hint


def test_no_kind_program_at_all(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(basin.folder))
    assert "the kind program is missing" in failure(basin).summary


def test_a_kubeconfig_that_cannot_be_read(basin: Basin) -> None:
    bring_up(basin)
    kubeconfig_path("basin").write_text("{ not a kubeconfig")
    with pytest.raises(InputError, match="kubeconfig"):
        status(basin.spec)


def test_stopping_the_control_plane_is_refused(basin: Basin) -> None:
    bring_up(basin)
    with pytest.raises(NotSupportedError, match="never stopped"):
        basin.provider().stop_node("basin", "basin-control-plane")


def test_stopping_a_node_that_is_not_there(basin: Basin) -> None:
    bring_up(basin)
    with pytest.raises(ClusterError, match="no node 'basin-worker9'"):
        basin.provider().stop_node("basin", "basin-worker9")


def test_stopping_and_starting_twice_is_fine(basin: Basin) -> None:
    bring_up(basin)
    provider = basin.provider()
    states = []
    for verb in (provider.stop_node, provider.stop_node, provider.start_node, provider.start_node):
        verb("basin", "basin-worker")
        states.append(basin.engine.containers["basin-worker"]["State"]["Status"])
    assert states == ["paused", "paused", "running", "running"]


def test_logs_are_collected_even_from_a_node_that_is_frozen(basin: Basin, tmp_path: Path) -> None:
    bring_up(basin)
    basin.provider().stop_node("basin", "basin-worker")
    basin.provider().collect_logs("basin", tmp_path / "logs")
    assert "paused" in (tmp_path / "logs" / "basin-worker" / "kubelet.log").read_text()
    assert (tmp_path / "logs" / "basin-control-plane" / "objects.txt").exists()
    assert (tmp_path / "logs" / "kind.log").exists()


def test_with_podman_the_volumes_that_kind_has_named_go_with_their_nodes(basin: Basin) -> None:
    basin.engine.version["Components"] = [{"Name": "Podman Engine"}]
    bring_up(basin, "operator")
    basin.engine.volumes |= {"4af": {"basin-worker2": "true"}, "5b0": {"basin-worker-of-somebody": "true"}}
    assert basin.engine.containers["basin-power"]["Asked"]["HostConfig"]["RestartPolicy"]["Name"] == "always"
    down(basin.spec, report=silent)
    assert set(basin.engine.volumes) == {"5b0"}
