"""Of this user's bundles one is current, and each goes when it is told to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.bundles import small_bundle

from wavetank.bundle import bundles, open_bundle, remove
from wavetank.bundle.index import read_index
from wavetank.bundle.store import bundles_path, drop_superseded, keep, workplace
from wavetank.errors import BundleError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def kept(tmp_path: Path, name: str) -> Path:
    (tmp_path / f"make-{name}").mkdir()
    with workplace() as folder:
        small_bundle(tmp_path / f"make-{name}").rename(folder / name)
        return keep(folder / name).path


def test_a_folder_of_another_name_beside_the_bundles_stops_nothing(tmp_path: Path) -> None:
    (bundles_path() / ".unfinished-mine").mkdir(parents=True)
    with workplace() as folder:
        assert folder.is_dir()
    assert (bundles_path() / ".unfinished-mine").is_dir()


def test_without_a_bundle_it_says_how_to_get_one() -> None:
    assert bundles() == []
    with pytest.raises(BundleError, match="there is no bundle yet") as caught:
        open_bundle()
    assert caught.value.help.command == "wavetank bundle build"


def test_the_one_that_came_last_is_current_and_listed_first(tmp_path: Path) -> None:
    kept(tmp_path, "b-old")
    newest = kept(tmp_path, "a-new")
    assert open_bundle().path == newest
    assert [bundle.name for bundle in bundles()] == ["a-new", "b-old"]
    kept_again = kept(tmp_path, "c-newest")
    assert [bundle.name for bundle in bundles()] == ["c-newest", "a-new", "b-old"]
    assert open_bundle().path == kept_again


def test_a_removed_bundle_is_gone_and_no_longer_current(tmp_path: Path) -> None:
    kept(tmp_path, "old")
    kept(tmp_path, "new")
    remove("new")
    assert [bundle.name for bundle in bundles()] == ["old"]
    with pytest.raises(BundleError, match="there is no bundle yet"):
        open_bundle()


@pytest.mark.parametrize("name", ["nothing", "..", "../bundles", "current"])
def test_what_is_no_bundle_of_this_user_is_not_removed(tmp_path: Path, name: str) -> None:
    kept(tmp_path, "mine")
    with pytest.raises(BundleError, match="there is no bundle"):
        remove(name)
    assert [bundle.name for bundle in bundles()] == ["mine"]


def test_superseded_ones_go_but_for_those_to_keep(tmp_path: Path) -> None:
    paths = [kept(tmp_path, name) for name in ("source-1", "source-2", "source-3", "loaded")]
    drop_superseded("source-", keep=paths[1:3])
    assert {bundle.name for bundle in bundles()} == {"source-2", "source-3", "loaded"}


def test_what_a_killed_process_left_behind_goes_and_what_a_living_one_works_on_stays() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    dead = bundles_path() / f".unfinished-{child}-x"
    alive = bundles_path() / f".unfinished-{os.getpid()}-x"
    for folder in (dead, alive):
        folder.mkdir(parents=True)
    with workplace() as mine:
        assert {path.name for path in bundles_path().iterdir()} == {alive.name, mine.name}
    assert not mine.exists()


def test_a_whole_bundle_takes_the_place_of_one_of_its_name_that_is_not(tmp_path: Path) -> None:
    path = kept(tmp_path, "same")
    index = read_index(path)
    replace(index, stages=("containers",)).write(path)
    assert open_bundle().stages == ("containers",)
    (tmp_path / "again").mkdir()
    with workplace() as folder:
        small_bundle(tmp_path / "again").rename(folder / "same")
        keep(folder / "same")
    assert open_bundle().stages == index.stages
