"""The command line says what was done, and nothing it refuses ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.bundles import NODE, WEB, small_bundle

from wavetank.cli.bundle import bundle
from wavetank.errors import BundleError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return small_bundle(tmp_path / "made")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(bundle, [str(word) for word in words])


def test_a_bundle_goes_from_one_machine_to_another(made: Path, tmp_path: Path) -> None:
    archive = tmp_path / "class.tar.gz"
    assert run("save", archive, "--bundle", made).output.startswith(f"{archive}: ")
    assert run("load", archive).output.startswith("small: 2 images in ")
    listed = run("ls").output
    assert listed.startswith("* small  (amd64)\n")
    assert NODE in listed
    assert WEB in listed
    assert run("verify").output.endswith("all as they should be\n")
    assert run("rm", "small").output == "small is removed\n"
    assert run("ls").output == "no bundle yet; `wavetank bundle build` makes one\n"


def test_verify_fails_for_a_damaged_bundle(made: Path) -> None:
    (made / "manifests" / "crds.yaml").write_text("changed")
    result = run("verify", made)
    assert result.exit_code != 0
    assert isinstance(result.exception, BundleError)


def test_build_knows_its_sources() -> None:
    result = run("build", "--from", "nowhere")
    assert result.exit_code == 2
    assert "'source', 'registry'" in result.output
