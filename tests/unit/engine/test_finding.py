import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.context import ContextAPI
from docker.tls import TLSConfig

from wavetank.engine import Address, find_engine
from wavetank.errors import EngineError

HOME_SOCKETS = {
    "Docker Desktop": ".docker/run/docker.sock",
    "Colima": ".colima/default/docker.sock",
    "Rancher Desktop": ".rd/docker.sock",
    "OrbStack": ".orbstack/run/docker.sock",
}


class Home:
    """A user's home with the docker command's files, and sockets where products put them."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.sockets = path, list[socket.socket]()
        self.default = path / "var-run-docker.sock"
        self.environment = {"HOME": str(path), "XDG_RUNTIME_DIR": str(path / "run")}
        self.config(currentContext="default")
        monkeypatch.setenv("DOCKER_CONFIG", str(path / ".docker"))

    def config(self, **fields: str) -> None:
        folder = self.path / ".docker"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(fields))

    def listen(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.sockets.append(socket.socket(socket.AF_UNIX))
        self.sockets[-1].bind(str(path))

    def find(self, **variables: str) -> Address:
        return find_engine(self.environment | variables, self.default)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("h"), monkeypatch)  # short: a socket's path has 108 letters at most
    yield home
    for each in home.sockets:
        each.close()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("not looked into here")
    return tmp_path


def test_docker_host_comes_first_and_the_docker_command_is_told_the_same(home: Home) -> None:
    home.listen(home.default)
    home.config(currentContext="colima")
    found = home.find(DOCKER_HOST="tcp://127.0.0.1:2375", DOCKER_CONTEXT="other")
    assert (found.host, found.tls, found.socket) == ("tcp://127.0.0.1:2375", None, None)
    assert found.environment == {"DOCKER_HOST": "tcp://127.0.0.1:2375"}


def test_tls_variables_go_with_docker_host(home: Home, certificates: Path) -> None:
    asked = {
        "DOCKER_HOST": "tcp://10.0.0.1:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(certificates),
    }
    found = home.find(**asked)
    assert found.host == "tcp://10.0.0.1:2376"
    assert found.tls is not None
    assert found.tls.cert == (str(certificates / "cert.pem"), str(certificates / "key.pem"))
    assert found.environment == asked
    assert found.elsewhere


def test_certificates_that_are_not_there_are_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="certificates") as caught:
        home.find(DOCKER_HOST="tcp://10.0.0.1:2376", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(tmp_path / "none"))
    assert "DOCKER_CERT_PATH" in caught.value.help.hint


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_context_is_found_by_the_variable_and_in_the_docker_commands_own_file(home: Home, by_variable: bool) -> None:
    home.listen(home.default)
    ContextAPI.create_context("colima", host="unix:///home/me/.colima/default/docker.sock")
    home.config(currentContext="gone" if by_variable else "colima")
    found = home.find(DOCKER_CONTEXT="colima") if by_variable else home.find()
    assert found.socket == "/home/me/.colima/default/docker.sock"
    assert found.environment == {"DOCKER_CONTEXT": "colima"}
    assert "colima" in found.said_by


def test_a_context_brings_its_own_certificates(home: Home, certificates: Path) -> None:
    tls = TLSConfig(
        client_cert=(str(certificates / "cert.pem"), str(certificates / "key.pem")),
        ca_cert=str(certificates / "ca.pem"),
        verify=True,
    )
    ContextAPI.create_context("lab", host="tcp://lab.example:2376", tls_cfg=tls)
    found = home.find(DOCKER_CONTEXT="lab")
    assert found.tls is not None
    assert found.tls.ca_cert.endswith("ca.pem")
    assert "contexts/tls" in found.tls.ca_cert


def test_a_context_that_does_not_exist_is_named_and_nothing_else_is_taken_instead(home: Home) -> None:
    home.listen(home.default)
    home.config(currentContext="gone")
    with pytest.raises(EngineError, match="'gone'") as caught:
        home.find()
    assert caught.value.help.command == "docker context ls"


def test_the_default_context_is_the_default_socket(home: Home) -> None:
    home.listen(home.default)
    home.listen(home.path / HOME_SOCKETS["Colima"])
    found = home.find(DOCKER_CONTEXT="default", CONTAINER_HOST="unix:///run/podman/podman.sock")
    assert found.socket == str(home.default)


def test_without_the_default_socket_podmans_own_variable_counts(home: Home) -> None:
    home.listen(home.path / HOME_SOCKETS["Colima"])
    assert home.find(CONTAINER_HOST="unix:///tmp/podman.sock").socket == "/tmp/podman.sock"


@pytest.mark.parametrize(("product", "path"), HOME_SOCKETS.items())
def test_the_sockets_of_products_are_found_by_name(home: Home, product: str, path: str) -> None:
    home.listen(home.path / path)
    found = home.find()
    assert found.socket == str(home.path / path)
    assert product in found.said_by
    assert found.environment == {"DOCKER_HOST": f"unix://{home.path / path}"}


@pytest.mark.parametrize(("product", "path"), [("Docker", "run/docker.sock"), ("Podman", "run/podman/podman.sock")])
def test_engines_without_root_are_found_where_their_user_has_them(home: Home, product: str, path: str) -> None:
    home.listen(home.path / path)
    assert home.find().said_by == f"the socket of rootless {product}"


def test_a_file_that_is_no_socket_is_no_engine(home: Home) -> None:
    path = home.path / HOME_SOCKETS["Colima"]
    path.parent.mkdir(parents=True)
    path.touch()
    assert "Colima" not in home.find().said_by


@pytest.mark.parametrize("by_variable", [True, False])
def test_an_engine_behind_ssh_is_refused_with_what_to_do_instead(home: Home, by_variable: bool) -> None:
    if by_variable:
        variables = {"DOCKER_HOST": "ssh://me@lab"}
    else:
        ContextAPI.create_context("lab", host="ssh://me@lab")
        variables = {"DOCKER_CONTEXT": "lab"}
    with pytest.raises(EngineError, match="SSH") as caught:
        home.find(**variables)
    assert "ssh -L" in caught.value.help.hint
