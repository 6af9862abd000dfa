"""go.mod is read as the go command writes it, and this project's own fits the rows of versions.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavetank.bundle.gomod import GoMod, read_go_mod
from wavetank.bundle.versions import Versions, load_versions

CLUSTERS = Path(__file__).parents[3] / "clusters"
GO_MOD = """\
// What it is for.
module wavetank.dev/source

go 1.26.4

tool (
	example.dev/mesh/cmd/agent
	example.dev/meshes
	example.dev/server/v3
	wavetank.dev/source/web/controller
)

require example.dev/mesh v1.2.3

require (
	example.dev/api v0.1.0 // indirect
	example.dev/chain v0.2.0
	example.dev/server/v3 v3.6.8 // indirect
)

replace example.dev/api => example.dev/api v0.9.9

replace example.dev/chain => ./web/chain
"""


@pytest.fixture
def go_mod(tmp_path: Path) -> GoMod:
    (tmp_path / "go.mod").write_text(GO_MOD)
    return read_go_mod(tmp_path / "go.mod")


def test_versions_are_those_that_count(go_mod: GoMod) -> None:
    assert go_mod.requires == {
        "example.dev/mesh": "1.2.3",
        "example.dev/api": "0.9.9",
        "example.dev/chain": "0.2.0",
        "example.dev/server/v3": "3.6.8",
    }
    assert (go_mod.module, go_mod.go) == ("wavetank.dev/source", "1.26.4")
    assert go_mod.local == {"example.dev/chain": "./web/chain"}
    assert GO_MOD.splitlines()[go_mod.lines["example.dev/api"] - 1].startswith("replace example.dev/api")


def test_a_component_has_the_programs_of_its_module_and_of_its_folder(go_mod: GoMod) -> None:
    assert go_mod.tools_of("mesh", "example.dev/mesh") == ("example.dev/mesh/cmd/agent",)
    assert go_mod.tools_of("etcd", "example.dev/server/v3") == ("example.dev/server/v3",)
    assert go_mod.tools_of("web", "example.dev/api") == ("wavetank.dev/source/web/controller",)
    assert go_mod.tools_of("pause", "") == ()


def test_where_there_is_none_nothing_is_built(tmp_path: Path) -> None:
    assert read_go_mod(tmp_path / "go.mod").tools == ()


# This project's own.


@pytest.fixture(scope="module")
def own() -> GoMod:
    return read_go_mod(CLUSTERS / "source" / "go.mod")


@pytest.fixture(scope="module")
def versions() -> Versions:
    return load_versions(CLUSTERS / "versions.yaml")


@pytest.mark.parametrize("apart", ["contour"])
def test_a_go_mod_of_its_own_shares_every_version_it_can(own: GoMod, apart: str) -> None:
    kubernetes = ("k8s.io/", "sigs.k8s.io/")
    go_mod = read_go_mod(CLUSTERS / "source" / apart / "go.mod")
    others = {
        f"{module}@v{own.requires[module]}": version
        for module, version in go_mod.requires.items()
        if own.requires.get(module, version) != version and not module.startswith(kubernetes)
    }
    assert others == {}, f"cd {go_mod.folder} && go get {' '.join(others)} && go mod tidy"


def test_every_program_belongs_to_one_component(own: GoMod, versions: Versions) -> None:
    owned = [tool for row in versions.components.values() for tool in own.tools_of(row.name, row.module)]
    assert sorted(owned) == sorted(own.tools)


def test_kubernetes_staging_modules_are_of_its_release(own: GoMod, versions: Versions) -> None:
    version = versions.components["kubernetes"].version
    published = f"0.{version.minor}.{version.split('.')[2]}"
    lines = own.path.read_text().splitlines()
    staged = {line.split()[0]: line.split()[-1] for line in lines if line.startswith("\tk8s.io/") and "=>" in line}
    assert "k8s.io/client-go" in staged
    assert set(staged.values()) == {f"v{published}"}


def test_the_pinned_go_is_new_enough(own: GoMod, versions: Versions) -> None:
    def numbers(version: str) -> list[int]:
        return [int(number) for number in version.split(".")]

    assert numbers(versions.components["go"].version) >= numbers(own.go)
