"""A project's recipes become images; what has not changed is not made again."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import yaml

from wavetank.bundle.assembly import Assembly, Tools, collect
from wavetank.bundle.cache import Cache
from wavetank.bundle.graph import Graph
from wavetank.bundle.images import Image
from wavetank.bundle.recipe import Collected, load_recipes
from wavetank.bundle.versions import load_versions
from wavetank.errors import BundleError, InputError
from wavetank.steps import StepEvent, run_steps

VERSIONS = "components:\n  base: {version: 1.0.0}\n  web: {version: 2.0.0}\n  other: {version: 3.0.0}\n"
RECIPES = {
    "base": """
images:
  example.dev/base:v{base}:
    layers:
      - texts: {/etc/motd: "version {base}"}
        links: {/bin: usr/bin}
        directories: {/tmp: "1777"}
    environment: {PATH: /usr/bin}
""",
    "web": """
images:
  example.dev/web:v{web}:
    base: example.dev/base:v{base}
    layers:
      - project: {/opt/web: web}
    command: [python3, /opt/web/main.py]
""",
    "other": """
images:
  example.dev/other:v{other}:
    dockerfile: other/Dockerfile
    arguments: {BASE: "example.dev/base:v{base}"}
""",
}
DOCKERFILE = "ARG BASE\nFROM ${BASE}\nCOPY data /data\nUSER 5\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "versions.yaml": VERSIONS,
        "web/main.py": "print('web')\n",
        "other/Dockerfile": DOCKERFILE,
        "other/data": "1",
    }
    files |= {f"source/{name}/recipe.yaml": text for name, text in RECIPES.items()}
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def build(project: Path) -> tuple[Graph, dict[str, str]]:
    """Build everything and return the graph, and each step with its note."""
    graph = Graph(Cache(project.parent / "cache"))
    recipes = load_recipes(project / "source", load_versions(project / "versions.yaml"))
    Assembly(graph, project, recipes, Tools("arm64"))
    notes: dict[str, str] = {}

    def report(event: StepEvent) -> None:
        notes[event.step] = event.note

    run_steps(graph.steps(graph.artifacts), report)
    return graph, notes


def files_of(image: Image) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for digest in image.layout.blobs_of(image.manifest.digest)[2:]:
        with tarfile.open(image.layout.blob(digest)) as layer:
            found |= {member.name: layer.extractfile(member).read() for member in layer if member.isfile()}  # type: ignore[union-attr]
    return found


def config_of(image: Image) -> dict[str, object]:
    document = image.layout.read_json(image.layout.blobs_of(image.manifest.digest)[1])
    return {"architecture": document["architecture"], **document["config"]}


def test_recipes_become_images(project: Path) -> None:
    graph, _ = build(project)
    web = graph.image("example.dev/web:v2.0.0")
    files = files_of(web)
    assert files["etc/motd"] == b"version 1.0.0"
    assert files["opt/web/main.py"] == b"print('web')\n"
    assert any(name.startswith("opt/web/__pycache__/main.") for name in files), "modules are compiled beforehand"
    assert config_of(web) == {
        "architecture": "arm64",
        "Env": ["PATH=/usr/bin"],
        "Cmd": ["python3", "/opt/web/main.py"],
    }
    other = graph.image("example.dev/other:v3.0.0")
    assert files_of(other)["data"] == b"1"
    assert config_of(other)["User"] == "5"


def test_a_second_build_makes_nothing(project: Path) -> None:
    first, _ = build(project)
    second, notes = build(project)
    assert set(notes.values()) == {"cached"}
    assert second.missing() == []
    assert second.whole_key() == first.whole_key()


@pytest.mark.parametrize(
    ("path", "text", "made"),
    [
        ("web/main.py", "print('new')\n", {"web"}),
        ("other/data", "2", {"other"}),
        ("source/base/recipe.yaml", RECIPES["base"].replace("version", "release"), {"base", "web", "other"}),
        ("versions.yaml", VERSIONS.replace("3.0.0", "3.0.1"), {"other"}),
    ],
)
def test_only_what_a_change_touches_is_made_again(project: Path, path: str, text: str, made: set[str]) -> None:
    before, _ = build(project)
    (project / path).write_text(text)
    after, notes = build(project)
    assert {step.split("/")[1].split(":")[0] for step, note in notes.items() if note != "cached"} == made
    assert before.whole_key() != after.whole_key()


def test_two_builds_of_the_same_are_the_same_bytes(project: Path, tmp_path: Path) -> None:
    first, _ = build(project)
    digests = [first.image(ref).manifest.digest for ref in REFS]
    (tmp_path / "cache").rename(tmp_path / "cache-before")
    second, _ = build(project)
    assert [second.image(ref).manifest.digest for ref in REFS] == digests


REFS = ("example.dev/base:v1.0.0", "example.dev/web:v2.0.0", "example.dev/other:v3.0.0")


def test_a_base_that_no_recipe_makes_is_refused(project: Path) -> None:
    path = project / "source" / "web" / "recipe.yaml"
    path.write_text(RECIPES["web"].replace("example.dev/base", "example.dev/bsae"))
    with pytest.raises(InputError, match=r"no recipe makes the image example\.dev/bsae:v1\.0\.0"):
        build(project)


# -- manifests that lie in Go modules ----------------------------------------------------------------------------------


def test_a_manifest_is_collected_of_files_and_whole_folders_in_order(tmp_path: Path) -> None:
    for name in ("web/crds/b.yaml", "web/crds/a/z.yaml", "web/crds/doc.go", "web/other.yaml", "kit/config/map.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of: {name}")
    named = Collected({"example.dev/web": ("other.yaml", "crds"), "example.dev/kit": ("config",)})
    collected = collect(named, lambda module: tmp_path / module.removeprefix("example.dev/"))
    assert [document["of"] for document in yaml.safe_load_all(collected)] == [
        "web/other.yaml",
        "web/crds/a/z.yaml",
        "web/crds/b.yaml",
        "kit/config/map.yaml",
    ]


@pytest.mark.parametrize("path", ["gone.yaml", "empty"])
def test_a_place_without_a_manifest_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match=path) as caught:
        collect(Collected({"example.dev/web": (path,)}), lambda _: tmp_path)
    assert "example.dev/web" in caught.value.help.expected
