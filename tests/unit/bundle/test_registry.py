"""A bundle of what the registries have: everything by its digest, our own on top, and what was looked up on record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support.internet import GITHUB_FILES, GITHUB_IMAGES, HUB, Internet, damaged, tar_of

from wavetank.bundle import Bundle, build, making, registries_answer, verify
from wavetank.bundle import machine as machines
from wavetank.bundle.machine import Machine
from wavetank.cli.bundle import bundle as command
from wavetank.errors import BundleError, EngineError, InputError, StepError, WavetankError
from wavetank.steps import StepEvent

FILES = "https://github.com/mesh/mesh/releases/download"
NODE = "docker.io/kindest/node:v1.36.4"
CONTOUR = f"{GITHUB_IMAGES}/projectcontour/contour:v1.33.8"
VERSIONS = f"""\
# Every version.
components:
  kubernetes:
    version: 1.36.4
    registry:
      node: kindest/node:v{{kubernetes}}
      images:
        kindest/node:v{{kubernetes}}: NODE
  contour:
    version: 1.33.8
    stage: kubernetes
    registry:
      images:
        # The one that goes with Kubernetes.
        {GITHUB_IMAGES}/projectcontour/contour:v{{contour}}: CONTOUR
      files:
        contour-crds:
          kind: manifest
          parts:
            - {{url: "{FILES}/crds-{{contour}}.yaml", sha256: {{any: "CRDS"}}}}
            - {{url: "{FILES}/more-{{contour}}.yaml", sha256: {{any: "MORE"}}}}
  mesh:
    version: 1.31.0
    stage: mesh
    registry:
      files:
        meshctl:
          kind: binary
          url: {FILES}/meshctl-{{platform}}.tar.gz
          member: meshctl
          sha256: {{linux-amd64: MESHCTL, linux-arm64: null}}
  python:
    version: "3.11"
    registry:
      images:
        wavetank.dev/python:{{python}}: PYTHON
  wavetank: {{version: 0.1.0, registry: {{built: true}}}}
  tools: {{version: 1.0.0}}
"""
RECIPES = {
    "wavetank": """
images:
  wavetank.dev/wavetank:{wavetank}:
    base: wavetank.dev/python:{python}
    layers:
      - project: {/opt/wavetank: lib}
""",
    "mesh": """
binaries: [meshctl]
manifests:
  mesh: {program: meshctl, arguments: [generate, --filename, mesh.yaml, --set, "tag={mesh}"]}
""",
    "kubernetes": "{}",
    "contour": "{}",
    "python": "{}",
    "tools": "{}",
}
MESHCTL = f"""#!{sys.executable}
import sys
print("a newer release is out", file=sys.stderr)
print("#", *sys.argv[1:])
print(open(sys.argv[3]).read(), end="")
"""
BOTH = {"amd64": {"usr/bin/program": "for amd64"}, "arm64": {"usr/bin/program": "for arm64"}}


class Project:
    """A checkout, and the internet that has what its versions.yaml names."""

    def __init__(self, folder: Path, internet: Internet) -> None:
        self.folder = folder
        self.internet = internet
        self.versions = folder / "clusters" / "versions.yaml"
        for name, recipe in RECIPES.items():
            (folder / "clusters" / "source" / name).mkdir(parents=True)
            (folder / "clusters" / "source" / name / "recipe.yaml").write_text(recipe)
        (folder / "clusters" / "source" / "mesh" / "mesh.yaml").write_text("profile: default\n")
        (folder / "lib").mkdir()
        (folder / "lib" / "main.py").write_text("print('here')\n")
        self.contour = internet.publish(CONTOUR, BOTH)
        self.words = {
            "NODE": internet.publish(NODE, BOTH).removeprefix("docker.io/"),
            "CONTOUR": self.contour,
            "PYTHON": internet.publish("docker.io/library/python:3.11", BOTH),
            "CRDS": internet.has(f"{FILES}/crds-1.33.8.yaml", b"kind: CustomResourceDefinition\n"),
            "MORE": internet.has(f"{FILES}/more-1.33.8.yaml", b"kind: Gateway\n"),
        }
        self.release(MESHCTL)
        self.write()

    def release(self, program: str) -> None:
        """Have meshctl be another one."""
        for place in ("amd64", "arm64"):
            archive = tar_of({"meshctl": program})
            self.words["MESHCTL"] = self.internet.has(f"{FILES}/meshctl-linux-{place}.tar.gz", archive)

    def write(self, **words: str) -> None:
        """Write versions.yaml, with other ``words`` than those that the internet has."""
        text = VERSIONS
        for word, value in (self.words | words).items():
            text = text.replace(f": {word}", f": {value}").replace(f'"{word}"', f'"{value}"')
        self.versions.write_text(text)

    def build(self, **options: object) -> Bundle:
        """Build, silently."""
        return build("registry", silent, **options)  # type: ignore[arg-type]

    def refused(self, **options: object) -> WavetankError:
        """Return the error that a build ends with."""
        with pytest.raises(WavetankError) as caught:
            self.build(**options)
        return caught.value


def silent(event: StepEvent) -> None:
    """Report nothing."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: Callable[[str], None]) -> object:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Internet(tmp_path / "internet") as internet:
        internet.reach(monkeypatch)
        made = Project(tmp_path / "project", internet)
        monkeypatch.setattr(making, "_project", lambda: made.folder)
        on("amd64")
        yield made


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have this be a Linux machine of that architecture, and its engine, too."""

    def be(architecture: str) -> None:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
        monkeypatch.setattr(Machine, "here", lambda: Machine("Linux", machine, architecture))

    return be


def test_all_is_pulled_by_digest_and_our_own_stands_on_it(project: Project) -> None:
    bundle = project.build()
    assert (bundle.index.architecture, bundle.index.source, bundle.index.resolved) == ("amd64", "registry", ())
    assert bundle.node_image == "kindest/node:v1.36.4"
    python, wavetank = (
        bundle.layout.blobs_of(bundle.image(ref).digest)[2:]
        for ref in ("wavetank.dev/python:3.11", "wavetank.dev/wavetank:0.1.0")
    )
    assert wavetank[:1] == python
    assert len(wavetank) == 2
    assert verify(bundle) > 0


def test_a_manifest_in_parts_is_joined_in_their_order(project: Project) -> None:
    text = project.build().manifest("contour-crds").read_text()
    assert text == "kind: CustomResourceDefinition\n\n---\nkind: Gateway\n"


def test_nothing_is_fetched_twice(project: Project) -> None:
    first = project.build()
    project.internet.asked.clear()
    assert project.build().path == first.path
    assert project.internet.asked == []


def test_the_image_is_the_engines_and_the_program_this_machines(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "here", lambda: Machine("Linux", "x86_64", "arm64"))
    bundle = project.build()
    config = bundle.layout.read_json(bundle.image("kindest/node:v1.36.4").config_digest)
    assert (bundle.index.architecture, config["architecture"]) == ("arm64", "arm64")
    assert any("meshctl-linux-amd64" in asked.path for asked in project.internet.asked)


def test_while_there_is_no_engine_it_is_taken_for_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> None:
        raise EngineError("no engine answers")

    monkeypatch.setattr(machines, "connect", nobody)
    monkeypatch.setattr(machines.platform, "machine", lambda: "aarch64")
    assert Machine.here().architecture == "arm64"


def test_a_manifest_is_what_the_program_of_the_release_writes(project: Project) -> None:
    bundle = project.build()
    written = "# generate --filename mesh.yaml --set tag=1.31.0\nprofile: default\n"
    assert bundle.manifest("mesh").read_text() == written
    program = bundle.binary("meshctl")
    assert program is not None
    assert program.read_text() == MESHCTL


def test_a_manifest_is_written_again_when_a_file_that_it_is_made_from_changes(project: Project) -> None:
    project.build()
    (project.folder / "clusters" / "source" / "mesh" / "mesh.yaml").write_text("profile: ambient\n")
    assert project.build().manifest("mesh").read_text().endswith("profile: ambient\n")


def test_a_program_that_fails_is_quoted(project: Project) -> None:
    project.release(f"#!{sys.executable}\nraise SystemExit('Error: unknown profile')\n")
    project.write()
    error = project.refused()
    assert "generate mesh" in error.summary
    assert (error.help.observed, list(error.help.logs)) == ("exit code 1", ["Error: unknown profile"])


def test_a_program_that_is_not_among_the_files_is_told_with_its_row(project: Project) -> None:
    project.versions.write_text(project.versions.read_text().replace("        meshctl:", "        mashctl:"))
    with pytest.raises(InputError, match=r"versions\.yaml:\d+: meshctl, which writes the manifest 'mesh'"):
        project.build()


def test_a_file_of_another_digest_is_refused(project: Project) -> None:
    project.internet.trouble(damaged, f"{GITHUB_FILES}/mesh/mesh/releases/download/crds")
    error = project.refused()
    assert "contour-crds is not what it should be" in error.summary
    assert error.help.expected == project.words["CRDS"]


def test_what_is_not_pinned_is_looked_up_taken_by_digest_and_on_record(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    bundle = project.build()
    (resolved,) = bundle.index.resolved
    assert (resolved.what, resolved.asked) == (CONTOUR, CONTOUR)
    assert resolved.digest == project.contour.partition("@")[2]
    assert datetime.now(UTC) - datetime.fromisoformat(resolved.when) < timedelta(minutes=5)
    assert bundle.image(CONTOUR)
    listed = CliRunner().invoke(command, ["ls"]).output
    assert f"{resolved.when}  {resolved.digest}  {CONTOUR}" in listed
    assert project.build().path == bundle.path


def test_only_a_tag_that_is_looked_up_is_asked_for_by_name_and_without_being_a_pull(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    project.build()
    tags = [asked for asked in project.internet.asked if "/manifests/" in asked.path and "sha256:" not in asked.path]
    assert {(asked.method, asked.path) for asked in tags} == {("HEAD", "/v2/projectcontour/contour/manifests/v1.33.8")}


def test_a_tag_that_moved_stops_the_build_until_it_is_accepted(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    before = project.build().index.resolved[0].digest
    after = project.internet.publish(CONTOUR, {"amd64": {"bin/contour": "another"}}).partition("@")[2]
    error = project.refused()
    assert error.summary == f"{CONTOUR} is another one than before"
    assert after in error.help.observed
    assert error.help.expected.startswith(before)
    assert error.help.command == f"wavetank bundle build --from registry --accept {CONTOUR}"
    assert project.build(accept=[CONTOUR]).index.resolved[0].digest == after
    assert project.build().index.resolved[0].digest == after


def test_a_file_that_is_not_pinned_is_fetched_once_and_moves_as_tags_do(
    project: Project, on: Callable[[str], None]
) -> None:
    on("arm64")
    url = f"{FILES}/meshctl-linux-arm64.tar.gz"
    bundle = project.build()
    (resolved,) = bundle.index.resolved
    assert (resolved.what, resolved.asked, resolved.digest) == ("meshctl", url, project.words["MESHCTL"])
    fetched = [asked for asked in project.internet.asked if "meshctl-linux-arm64" in asked.path]
    assert len(fetched) == 2  # the release page, and where it leads to
    project.release(MESHCTL + "# another\n")
    for leftover in (project.folder.parent / "cache" / "wavetank" / "build").glob("file-meshctl-*"):
        leftover.rename(leftover.with_name(".gone"))
    error = project.refused()
    assert error.summary == "download meshctl: meshctl is another one than before"
    assert project.build(accept=[url]).index.resolved[0].digest == project.words["MESHCTL"]


def test_strict_refuses_all_that_is_not_pinned_before_anything_is_asked_for(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    error = project.refused(strict=True)
    assert isinstance(error, BundleError)
    assert error.help.observed == f"no digest of {CONTOUR}"
    assert project.internet.asked == []


def test_strict_takes_what_is_pinned_for_this_machine(project: Project) -> None:
    assert project.build(strict=True).index.resolved == ()


def test_what_is_pinned_cannot_be_accepted(project: Project) -> None:
    with pytest.raises(InputError, match="is nothing that had to be looked up"):
        project.build(accept=[CONTOUR])


def test_a_tag_that_is_gone_is_told(project: Project) -> None:
    project.write(CONTOUR=CONTOUR.replace("v1.33.8", "v1.33.9"))
    error = project.refused()
    assert isinstance(error, StepError)
    assert "ghcr.io does not have ghcr.io/projectcontour/contour, or no longer" in error.summary


def test_pin_writes_what_was_looked_up_and_leaves_the_rest_as_it_is(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    before = project.versions.read_text().splitlines()
    told = CliRunner().invoke(command, ["pin"], catch_exceptions=False).output
    after = project.versions.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    today = datetime.now(UTC).date().isoformat()
    assert [new.strip() for _, new in changed] == [
        f"{CONTOUR.replace('v1.33.8', 'v{contour}')}: {project.contour}  # v1.33.8, looked up {today}",
        f'sha256: {{linux-amd64: {project.words["MESHCTL"]}, linux-arm64: "{project.words["MESHCTL"]}"}}'
        f"  # looked up {today}",
    ]
    assert f"{project.versions}:15: " in told
    assert "check each against its publisher" in told
    assert project.build(strict=True).index.resolved == ()
    assert CliRunner().invoke(command, ["pin"]).output == "everything is pinned already\n"


def test_pin_does_not_touch_a_line_that_it_does_not_understand(project: Project) -> None:
    project.write(CONTOUR=CONTOUR)
    text = project.versions.read_text().replace("contour}: ghcr.io", "contour}:\n          ghcr.io")
    project.versions.write_text(text)
    result = CliRunner().invoke(command, ["pin"])
    assert isinstance(result.exception, BundleError)
    assert project.versions.read_text() == text


def test_strict_and_accept_are_for_the_registries() -> None:
    result = CliRunner().invoke(command, ["build", "--strict"])
    assert result.exit_code == 2
    assert "--from registry" in result.output


def test_what_no_registry_has_is_built_with_what_it_is_made_of(project: Project) -> None:
    recipe = "images:\n  wavetank.dev/tools:1:\n    layers:\n      - links: {/bin/tool: /bin/other}\n"
    (project.folder / "clusters" / "source" / "tools" / "recipe.yaml").write_text(recipe)
    assert "wavetank.dev/tools:1" not in [image.ref for image in project.build().images]
    text = project.versions.read_text()
    project.versions.write_text(text.replace("version: 1.0.0", "version: 1.0.0, registry: {built: true}"))
    assert "wavetank.dev/tools:1" in [image.ref for image in project.build().images]


def test_a_step_tells_how_much_came(project: Project) -> None:
    events: list[StepEvent] = []
    build("registry", events.append)
    notes = {event.step: event.note for event in events if event.state == "done"}
    assert notes["pull kindest/node:v1.36.4"].startswith("0.0 MB")
    assert HUB in {asked.host for asked in project.internet.asked}


def test_registries_answer_when_theirs_does(project: Project) -> None:
    assert registries_answer()
