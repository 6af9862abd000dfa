"""scripts/engine.sh on machines of a test's own: what it asks, what it says, and how an engine is started."""

import os
import subprocess
from pathlib import Path

import pytest

AGREED = 10
SCRIPT = Path(__file__).parents[2] / "scripts" / "engine.sh"


class Shell:
    """A machine of some distribution on which no engine answers, whose user has this number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program("docker", "echo 'docker: not found' >&2; exit 1")

    def program(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def file(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def ask(self, release: str, uid: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run(["ask"], release, uid, **variables)

    def start(self) -> subprocess.CompletedProcess[str]:
        return self.run([], "ID=debian\n", WAVETANK_ENGINE="yes")

    def run(
        self, arguments: list[str], release: str, uid: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        self.file("etc/os-release", release)
        self.file("var/log/wavetank-engine.log", "")
        self.program("id", f"case $1 in -u) echo {uid};; *) echo me;; esac")
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self.folder}/none.sock",
            "WAVETANK_MACHINE": str(self.folder),
            **variables,
        }
        return subprocess.run(
            ["/bin/bash", str(SCRIPT), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("ID=debian\n", "docker.io"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "docker.io"),
        ("ID=fedora\n", "podman"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "podman"),
        ("ID=arch\n", "docker"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "docker"),
    ],
)
def test_what_the_distribution_has_is_offered_to_root(shell: Shell, release: str, package: str) -> None:
    asked = shell.ask(release)
    assert f"its distribution's {package} and start it" in asked.stdout
    assert asked.returncode == AGREED


def test_who_has_agreed_already_is_not_asked_again(shell: Shell) -> None:
    asked = shell.ask("ID=debian\n", WAVETANK_ENGINE="yes")
    assert (asked.returncode, asked.stdout) == (AGREED, "")


def test_anybody_but_root_is_told_what_to_do_instead(shell: Shell) -> None:
    asked = shell.ask("ID=fedora\n", uid=1000, WAVETANK_ENGINE="yes")
    assert asked.returncode == 1
    assert "dnf install -y podman && systemctl enable --now podman.socket" in asked.stderr


def test_a_mac_is_told_what_there_is_for_it(shell: Shell) -> None:
    shell.program("uname", "echo Darwin")
    asked = shell.ask("", uid=501)
    assert asked.returncode == 1
    assert "colima start" in asked.stderr


def test_an_unknown_system_is_given_nothing(shell: Shell) -> None:
    asked = shell.ask("ID=nixos\n")
    assert asked.returncode == 1
    assert "as your distribution does it" in asked.stderr


PID_FILES = {"dockerd": "var/run/docker.pid", "containerd": "var/run/docker/containerd/containerd.pid"}


@pytest.mark.parametrize("program", PID_FILES)
def test_a_number_that_another_program_has_got_since_is_not_taken_for_the_engine(shell: Shell, program: str) -> None:
    stale = shell.file(PID_FILES[program], str(os.getpid()))
    shell.program("dockerd", "true")
    shell.start()
    assert not stale.exists()


@pytest.mark.parametrize("program", PID_FILES)
def test_an_engine_that_lives_keeps_its_number(shell: Shell, program: str) -> None:
    shell.program("dockerd", "true")
    shell.program(program, "read line" if program == "containerd" else 'test "$1" != wait || read line')
    with subprocess.Popen([shell.folder / "bin" / program, "wait"], stdin=subprocess.PIPE) as living:
        kept = shell.file(PID_FILES[program], str(living.pid))
        shell.start()
        assert kept.exists()
        living.communicate(b"\n")


def test_an_engine_that_ends_at_once_is_told_with_its_last_words(shell: Shell) -> None:
    shell.program("dockerd", "echo 'failed to start: no space left on device'")
    started = shell.start()
    assert started.returncode == 1
    assert "has ended; its last words:\nfailed to start: no space left on device" in started.stderr
