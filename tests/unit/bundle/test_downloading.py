"""The file for this machine is found, whatever its release calls the machine, and taken out of its archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from wavetank.bundle.downloading import place_for, take_out
from wavetank.errors import BundleError


@pytest.mark.parametrize(
    ("system", "machine", "places", "found"),
    [
        ("Linux", "x86_64", ("linux-amd64", "linux-arm64"), "linux-amd64"),
        ("Linux", "aarch64", ("linux-amd64", "linux-arm64"), "linux-arm64"),
        ("Darwin", "arm64", ("darwin-amd64", "darwin-arm64"), "darwin-arm64"),
        ("Darwin", "arm64", ("linux-arm64", "osx-arm64"), "osx-arm64"),
        ("Linux", "riscv64", ("any",), "any"),
    ],
)
def test_the_file_for_a_machine_is_found_by_its_releases_words(
    system: str, machine: str, places: tuple[str, ...], found: str
) -> None:
    assert place_for("ctl", dict.fromkeys(places), system, machine) == found


def test_a_machine_that_the_release_has_nothing_for_is_told_what_there_is() -> None:
    with pytest.raises(BundleError, match=r"there is no ctl for linux-riscv64") as caught:
        place_for("ctl", dict.fromkeys(["linux-amd64", "osx-arm64"]), "Linux", "riscv64")
    assert caught.value.help.expected == "one of linux-amd64, osx-arm64"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "ctl-1.0").write_text("a program")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README").touch()
    with tarfile.open(tmp_path / "archive", "w:gz") as tar:
        for name in ("ctl-1.0", "docs"):
            tar.add(tmp_path / name, name)
    return tmp_path / "archive"


def test_one_file_is_taken_out_of_an_archive(archive: Path, tmp_path: Path) -> None:
    take_out(archive, "ctl-1.0", tmp_path / "ctl")
    assert (tmp_path / "ctl").read_text() == "a program"


@pytest.mark.parametrize("member", ["ctl", "docs"])
def test_what_an_archive_does_not_have_is_refused_by_name(archive: Path, tmp_path: Path, member: str) -> None:
    with pytest.raises(BundleError, match=f"there is no {member} in what was downloaded") as caught:
        take_out(archive, member, tmp_path / "ctl")
    assert caught.value.help.observed == "it has ctl-1.0, docs/README"
    assert not (tmp_path / "ctl").exists()
