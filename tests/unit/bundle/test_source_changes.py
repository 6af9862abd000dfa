"""docs/built-from-source.md says what a source build changes in each component, and is in step with go.mod."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from scripts.cross import MACHINES, elf_machine
from scripts.source_changes import PAGE, SOURCE, digest, direct_requirements, page

from wavetank.bundle.recipe import GoRecipe, Recipe, load_recipes
from wavetank.bundle.versions import Component, Version, Versions, load_versions

RELEASE = """\
module example.dev/web

go 1.26.0

require example.dev/alone v0.1.0

require (
	example.dev/api v1.0.0
	example.dev/own v0.0.0
	example.dev/same v1.1.0
	example.dev/tests v3.0.0
	example.dev/far v2.0.0 // indirect
)

replace example.dev/own => ./staging/own
"""


def test_what_a_release_requires_directly_is_read_from_its_go_mod() -> None:
    assert direct_requirements(RELEASE, ignored=["example.dev/own"]) == {
        "example.dev/alone": "0.1.0",
        "example.dev/api": "1.0.0",
        "example.dev/same": "1.1.0",
        "example.dev/tests": "3.0.0",
    }


def test_a_module_of_another_version_is_told_and_what_is_not_needed_is_not(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("require example.dev/api v1.2.0\nrequire example.dev/same v1.1.0\n")
    go = GoRecipe(("tool",), tags=("static",))
    recipe = Recipe("web", tmp_path, go_folder=tmp_path, go=go, differs=("Left out: its sources.",))
    versions = Versions(tmp_path, {"web": Component("web", Version("1.0.0"), "here")})
    released = {"web": direct_requirements(RELEASE, ignored=["example.dev/own"])}
    written = page([recipe], versions, released)
    assert "## web 1.0.0" in written
    assert "- Left out: its sources." in written
    assert "- Build tags of its own: `static`." in written
    assert "Of 2 modules that it requires directly, 1 are of another version." in written
    assert re.findall(r"^\| (example\S+) \| (\S+) \| (\S+) \|$", written, re.MULTILINE) == [
        ("example.dev/api", "1.0.0", "1.2.0")
    ]


def test_an_elf_file_names_its_machine(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF" + bytes(14) + struct.pack("<H", 183))
    assert elf_machine(program) == MACHINES["arm64"]
    program.write_text("#!/bin/sh\n")
    assert elf_machine(program) == 0


# This project's own.


@pytest.fixture(scope="module")
def written() -> str:
    return PAGE.read_text()


@pytest.fixture(scope="module")
def versions() -> Versions:
    return load_versions(SOURCE.parent / "versions.yaml")


@pytest.fixture(scope="module")
def recipes(versions: Versions) -> list[Recipe]:
    return [recipe for recipe in load_recipes(SOURCE, versions).values() if recipe.go.tools]


def test_the_page_was_made_from_these_go_mods(written: str, recipes: list[Recipe]) -> None:
    stale = "go.mod has changed since: `make changes` writes the page anew"
    assert f"<!-- made from {digest(recipes)} -->" in written, stale


def test_the_page_tells_of_every_component_as_its_recipe_does(
    written: str, recipes: list[Recipe], versions: Versions
) -> None:
    sections = dict(re.findall(r"^## (\S+ \S+)\n(.*?)(?=^## |\Z)", written, re.MULTILINE | re.DOTALL))
    assert list(sections) == [f"{recipe.name} {versions.components[recipe.name].version}" for recipe in recipes]
    for recipe, section in zip(recipes, sections.values(), strict=True):
        assert all(f"- {words}\n" in section for words in recipe.differs)
        assert all(f"`{tag}`" in section for tag in recipe.go.tags)
