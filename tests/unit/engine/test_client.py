import io
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from tests.support.engine import Engine
from tests.support.proxied import ENVIRONMENTS, docker_settings, everywhere, proxy, surround

from wavetank.engine import connect, feed, read_file, run_in, telling
from wavetank.errors import ClusterError, EngineError


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def test_no_engine_says_where_it_was_looked_for_and_what_to_do() -> None:
    with pytest.raises(EngineError) as caught:
        connect("tcp://127.0.0.1:9")
    assert "tcp://127.0.0.1:9" in caught.value.summary
    assert "start it" in caught.value.help.hint


def test_an_engine_one_may_not_use_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise docker.errors.DockerException("Error while fetching server API version: (13, 'Permission denied')")

    monkeypatch.setattr(docker.APIClient, "__init__", forbidden)
    with pytest.raises(EngineError) as caught:
        connect("unix:///var/run/docker.sock")
    assert "usermod -aG docker" in caught.value.help.command


def test_the_engine_of_docker_host_is_the_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    assert connect().info()["ServerVersion"] == "28.0.0"


@everywhere
def test_an_engine_on_this_machine_is_reached_without_a_proxy(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    assert connect(engine.host).info()["ServerVersion"] == "28.0.0"


def test_an_engine_elsewhere_is_reached_as_the_docker_command_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy() as between:
        surround(monkeypatch, {"HTTP_PROXY": between.url, "NO_PROXY": "127.0.0.0/8"})
        with pytest.raises(EngineError):
            connect("tcp://engine.example.com:2375")
        assert between.asked == ["GET http://engine.example.com:2375/version"]


def test_a_container_gets_no_proxy_that_the_docker_command_would_give_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker_settings(monkeypatch, tmp_path)
    connect(engine.host).containers.create("ship", name="ship", environment={"TIDE": "high"})
    assert engine.containers["ship"]["Asked"]["Env"] == ["TIDE=high"]


def test_a_build_gets_none_either(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker_settings(monkeypatch, tmp_path)
    engine.says["/build"] = [{"stream": "built"}]
    list(connect(engine.host).api.build(fileobj=io.BytesIO(b"FROM ship"), decode=True))
    assert "buildargs" not in engine.queries[-1]


def test_the_engines_own_authority_comes_before_a_companys(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    api = connect(engine.host).api
    api.verify = str(tmp_path / "engine.pem")
    settings = api.merge_environment_settings("https://127.0.0.1:2376/version", {}, None, None, None)
    assert settings["verify"] == api.verify


def test_an_engine_that_dies_in_the_middle_is_said_to_have_gone(engine: Engine) -> None:
    client = connect(engine.host)
    engine.stop()
    with pytest.raises(EngineError, match="went away while counting containers"), telling("counting containers"):
        client.containers.list()


@pytest.mark.parametrize(
    ("message", "error", "told"),
    [
        ("write /var/lib/docker/x: no space left on device", EngineError, "disk is full"),
        ("Bind for 127.0.0.1:8080 failed: port is already allocated", ClusterError, "a port is taken"),
        ("something else", ClusterError, "counting containers failed"),
    ],
)
def test_what_the_engine_refuses_is_told_in_words(
    engine: Engine, message: str, error: type[Exception], told: str
) -> None:
    engine.refuse("GET", "/containers/json", 500, message)
    client = connect(engine.host)
    with pytest.raises(error, match=told) as caught, telling("counting containers"):
        client.containers.list()
    assert message in str(caught.value)


def test_a_command_gets_its_input_and_its_output_comes_back(engine: Engine) -> None:
    engine.add_container("node")
    engine.on_exec = lambda container, command, given: (0, f"{container['Name']} {' '.join(command)} {given.decode()}")
    node = connect(engine.host).containers.get("node")
    assert run_in(node, ["cat", "/etc/hosts"]) == "/node cat /etc/hosts "
    assert feed(node, ["wc"], lambda sink: sink.write(b"many words") and None) == "/node wc many words"


def test_a_file_is_read_without_running_anything(engine: Engine) -> None:
    engine.add_container("node")
    engine.files["/etc/hosts"] = b"127.0.0.1 localhost\n"
    node = connect(engine.host).containers.get("node")
    assert read_file(node, "/etc/hosts") == "127.0.0.1 localhost\n"
    assert not any("exec" in path for _, path in engine.requests)
    with pytest.raises(ClusterError, match="reading /etc/motd in node"):
        read_file(node, "/etc/motd")


def test_a_failed_command_shows_its_last_words_and_can_be_pasted(engine: Engine) -> None:
    engine.add_container("node")
    engine.on_exec = lambda *_: (2, "first\nctr: image not found\n")
    node = connect(engine.host).containers.get("node")
    with pytest.raises(ClusterError) as caught:
        run_in(node, ["ctr", "images", "ls"])
    assert caught.value.help.logs[-1] == "ctr: image not found"
    assert caught.value.help.command == "docker exec node ctr images ls"


def test_a_command_that_fills_the_disk_says_so(engine: Engine) -> None:
    engine.add_container("node")
    engine.on_exec = lambda *_: (1, "ctr: write /var/lib: no space left on device")
    node = connect(engine.host).containers.get("node")
    with pytest.raises(EngineError, match="disk is full"):
        feed(node, ["ctr"], lambda sink: None)
