"""A Debian root is made by root with debootstrap, which is installed where that can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wavetank.bundle import debian
from wavetank.bundle.debian import ensure_debootstrap, make_root
from wavetank.errors import BundleError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is the only one on the PATH but for the shell's own."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "KEYRING", tmp_path / "keyring.gpg")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def put(programs: Path, name: str, script: str) -> None:
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def test_an_ordinary_user_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BundleError, match="only root") as caught:
        ensure_debootstrap()
    assert "bundle load" in caught.value.help.hint


def test_where_it_is_there_nothing_is_installed(programs: Path, tmp_path: Path) -> None:
    for tool in ("debootstrap", "gpgv"):
        put(programs, tool, "exit 1")
    (tmp_path / "keyring.gpg").touch()
    put(programs, "apt-get", "exit 1")
    assert ensure_debootstrap() == "there already"


def test_on_a_debian_without_it_it_is_installed(programs: Path, tmp_path: Path) -> None:
    put(programs, "debootstrap", "exit 1")  # without a keyring it would go on unchecked
    put(programs, "apt-get", f'echo "$DEBIAN_FRONTEND $@" >> {tmp_path}/log; : > {tmp_path}/keyring.gpg')
    put(programs, "gpgv", "exit 1")
    assert ensure_debootstrap() == "installed by apt-get"
    update, install = (tmp_path / "log").read_text().splitlines()
    assert update == "noninteractive update -qq"
    assert install == "noninteractive install -y -qq --no-install-recommends debootstrap gpgv debian-archive-keyring"


def test_when_apt_fails_its_words_are_told(programs: Path) -> None:
    put(programs, "apt-get", "echo 'E: Could not get lock' >&2; exit 100")
    with pytest.raises(BundleError, match="`apt-get` failed") as caught:
        ensure_debootstrap()
    assert list(caught.value.help.logs) == ["E: Could not get lock"]


def test_elsewhere_it_is_asked_for(programs: Path) -> None:
    with pytest.raises(BundleError, match="is not on this machine") as caught:
        ensure_debootstrap()
    assert caught.value.help.observed == f"missing: debootstrap, gpgv, {debian.KEYRING}"


def test_a_root_is_made_in_namespaces_of_its_own(programs: Path, tmp_path: Path) -> None:
    put(programs, "unshare", f'echo "$@" > {tmp_path}/log')
    make_root(tmp_path, "bookworm", ["systemd", "runc"], "arm64")
    (called,) = (tmp_path / "log").read_text().splitlines()
    assert "--mount" in called
    assert called.endswith(
        f"debootstrap --keyring={debian.KEYRING} --force-check-gpg "
        f"--variant=minbase --arch=arm64 --include=systemd,runc bookworm {tmp_path / 'root'}"
    )
