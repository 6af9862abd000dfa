"""Each kind of engine, by what it answers.

The shape is that of Docker's Engine API (``/version``, ``/info``) and, for Podman, of its compatible API; Docker 20.10
and Podman 4.3 were recorded, the products' names are those that they give their machines.
"""

from typing import Any

import pytest

from wavetank.engine import Address
from wavetank.engine.kinds import KINDS, About, about_from

DOCKER = {"Version": "28.0.0", "Components": [{"Name": "Engine"}, {"Name": "containerd"}, {"Name": "runc"}]}
PODMAN = {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}, {"Name": "Conmon"}, {"Name": "OCI Runtime"}]}
INFO: dict[str, Any] = {
    "ServerVersion": "28.0.0",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "MemTotal": 16 << 30,
    "DockerRootDir": "/var/lib/docker",
    "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    "Name": "laptop",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
    "MemoryLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
}
ROOTLESS = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}


def about(version: dict[str, Any] = DOCKER, platform: str = "linux", **info: Any) -> About:
    return about_from(version, INFO | info, platform)


@pytest.mark.parametrize(
    ("found", "kind", "title"),
    [
        (about(), "docker", "Docker Engine 28.0.0"),
        (about(**ROOTLESS), "docker-rootless", "Docker Engine 28.0.0 without root"),
        (about(PODMAN, ServerVersion="4.3.1"), "podman", "Podman 4.3.1"),
        (about(PODMAN, ServerVersion="5.4.0", **ROOTLESS), "podman-rootless", "Podman 5.4.0 without root"),
        (about(OperatingSystem="Docker Desktop", Name="docker-desktop"), "machine", "Docker Desktop 28.0.0"),
        (about(OperatingSystem="OrbStack", Name="orbstack"), "machine", "OrbStack 28.0.0"),
        (about(OperatingSystem="Ubuntu 24.04.1 LTS", Name="colima"), "machine", "Colima 28.0.0"),
        (about(OperatingSystem="Alpine Linux v3.20", Name="lima-rancher-desktop"), "machine", "Rancher Desktop 28.0.0"),
        (
            about(PODMAN, "darwin", ServerVersion="5.4.0", OperatingSystem="fedora coreos"),
            "machine",
            "Podman machine 5.4.0",
        ),
        (about(PODMAN, ServerVersion="5.4.0", OperatingSystem="fedora coreos"), "podman", "Podman 5.4.0"),
    ],
)
def test_each_kind_is_told_by_what_it_answers(found: About, kind: str, title: str) -> None:
    assert (found.kind, found.title) == (kind, title)
    assert kind in KINDS


def test_a_version_counts_by_whose_it_is() -> None:
    assert not about(PODMAN, ServerVersion="4.3.1").too_old
    assert about(PODMAN, ServerVersion="3.4.4").too_old
    assert about(ServerVersion="19.03.9").too_old
    assert not about(ServerVersion="20.10.24+dfsg1").too_old


def test_what_an_engine_cannot_limit_is_told() -> None:
    assert about().no_limits == ()
    assert about(MemoryLimit=False, PidsLimit=False).no_limits == ("memory", "pids")


def test_kind_is_told_of_the_same_engine() -> None:
    socket = Address("unix:///s.sock", environment={"DOCKER_CONTEXT": "colima"})
    assert about().environment_of_kind(socket, "tank") == {
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        "KIND_EXPERIMENTAL_DOCKER_NETWORK": "tank",
        "DOCKER_CONTEXT": "colima",
    }
    podman = {"KIND_EXPERIMENTAL_PROVIDER": "podman", "KIND_EXPERIMENTAL_PODMAN_NETWORK": "tank"}
    assert about(PODMAN).environment_of_kind(socket, "tank", uid=0) == podman
    assert about(PODMAN, **ROOTLESS).environment_of_kind(socket, "tank", uid=1000) == podman
    others = podman | {"CONTAINER_HOST": "unix:///s.sock"}
    assert about(PODMAN).environment_of_kind(socket, "tank", uid=1000) == others
    assert about(PODMAN, "darwin").environment_of_kind(socket, "tank", uid=501) == others


@pytest.mark.parametrize(
    ("found", "path", "seen"),
    [
        (about(), "/var/run/docker.sock", "/var/run/docker.sock"),
        (about(**ROOTLESS), "/run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
        (about(PODMAN), "/run/podman/podman.sock", "/run/podman/podman.sock"),
        (about(Name="colima"), "/home/me/.colima/default/docker.sock", "/var/run/docker.sock"),
        (about(platform="darwin"), "/Users/me/.docker/run/docker.sock", "/var/run/docker.sock"),
        (about(), None, "/var/run/docker.sock"),
    ],
)
def test_the_socket_is_where_the_engines_own_machine_has_it(found: About, path: str | None, seen: str) -> None:
    assert found.socket_seen_by_containers(path) == seen
