"""The right Go is found, and called as the recipe says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wavetank.bundle.golang import FLAGS, Go
from wavetank.bundle.recipe import GoRecipe
from wavetank.errors import BundleError

# Answers as go does, and notes how it was called.
FAKE_GO = """#!/bin/sh
case "$1" in
  env) echo go{version}; echo arm64 ;;
  build) printf '%s\\n' "$@" > {log}; env | grep -E '^(CGO_ENABLED|GOARCH|GOTOOLCHAIN)=' | sort >> {log}
         while [ "$1" != -o ]; do shift; done; touch "$2/server" ;;
  list) printf '%s\\n' "$@" > {log}; echo false; echo true; echo true ;;
  *) echo "go: cannot find module" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (tmp_path / "bin").mkdir()
    return tmp_path


def put_go(path: Path, version: str) -> None:
    program = path / "bin" / "go"
    program.write_text(FAKE_GO.replace("{version}", version).replace("{log}", str(path / "log")))
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "found"), [("1.26.4", True), ("1.30.1", True), ("2.0", True), ("1.26.3", False), ("1.19.8", False)]
)
def test_a_go_on_the_path_is_taken_if_it_is_new_enough(path: Path, version: str, found: bool) -> None:
    put_go(path, version)
    go = Go.find(at_least="1.26.4")
    assert (go is not None) == found
    if go is not None:
        assert (go.version, go.architecture, go.native) == (f"go{version}", "arm64", True)


def test_it_builds_for_another_architecture_when_it_is_told_to(path: Path) -> None:
    put_go(path, "1.26.4")
    go = Go.find(at_least="1.26.4", architecture="amd64")
    assert go is not None
    assert not go.native
    go.build(path, GoRecipe(("example.dev/cmd/server",)), (), path)
    assert "GOARCH=amd64" in (path / "log").read_text().splitlines()


def test_without_go_none_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(path / "bin"))
    assert Go.find(at_least="1.26") is None


def test_the_go_of_a_wheel_is_found_in_it(path: Path) -> None:
    put_go(path, "1.26.6")
    (path / "wheel" / "go").mkdir(parents=True)
    (path / "bin").rename(path / "wheel" / "go" / "bin")
    assert Go.installed(path / "wheel").version == "go1.26.6"


def test_programs_are_built_as_the_recipe_says_and_with_every_tag(path: Path) -> None:
    put_go(path, "1.26.0")
    go = Go.find(at_least="1.26")
    assert go is not None
    (path / "out").mkdir()
    recipe = GoRecipe(("example.dev/cmd/server",), ("a",), {"example.dev/v.Version": "v1"}, {"server": "etcd"})
    go.build(path, recipe, ("a", "b"), path / "out")
    called = (path / "log").read_text().splitlines()
    assert called[: len(FLAGS) + 1] == ["build", *FLAGS]
    assert "-tags=a,b" in called
    assert "-ldflags=-s -w -X example.dev/v.Version=v1" in called
    assert called[-4:] == ["example.dev/cmd/server", "CGO_ENABLED=0", "GOARCH=arm64", "GOTOOLCHAIN=local"]
    assert [built.name for built in (path / "out").iterdir()] == ["etcd"]


def test_sources_are_fetched_for_the_programs_alone(path: Path) -> None:
    put_go(path, "1.26.0")
    go = Go.find(at_least="1.26")
    assert go is not None
    go.fetch(path, GoRecipe(("example.dev/cmd/server",)), ("a",))
    assert (path / "log").read_text().splitlines() == ["list", "-deps", "-tags=a", "example.dev/cmd/server"]


def test_it_tells_how_much_of_the_standard_library_is_yet_to_be_compiled(path: Path) -> None:
    put_go(path, "1.26.0")
    go = Go.find(at_least="1.26")
    assert go is not None
    assert go.stale(["net/http"]) == (2, 3)


def test_gos_own_words_are_told(path: Path) -> None:
    put_go(path, "1.26.0")
    go = Go.find(at_least="1.26")
    assert go is not None
    with pytest.raises(BundleError) as caught:
        go.module_folder(path, "example.dev/nothing")  # `go mod download` fails
    assert json.dumps(caught.value.help.logs) == '["go: cannot find module"]'
