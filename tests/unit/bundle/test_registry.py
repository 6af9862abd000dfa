"""What is pulled is what was asked for, or it is refused; what has no digest is not even asked for."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.pulling import PullingEngine, Ran, saved_image

from wavetank.bundle import Bundle, build, generating, making, verify
from wavetank.errors import BundleError, EngineError, InputError, StepError, WavetankError
from wavetank.steps import StepEvent

DIGESTS = {name: f"sha256:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("node", "python", "meshctl")}
MESHCTL = f"example.dev/meshctl@{DIGESTS['meshctl']}"
CRDS = b"kind: CustomResourceDefinition\n"
VERSIONS = """\
components:
  kubernetes:
    version: 1.36.4
    registry:
      node: example.dev/node:v{kubernetes}
      images:
        example.dev/node:v{kubernetes}: example.dev/node@NODE
  contour:
    version: 1.33.8
    registry:
      files:
        contour-crds: {kind: manifest, url: "http://ADDRESS/files/crds-{contour}", sha256: {any: "CRDS"}}
  mesh:
    version: 1.31.0
    registry:
      programs: {meshctl: "example.dev/meshctl@MESHCTL"}
      files:
        meshctl:
          kind: binary
          url: "http://ADDRESS/files/meshctl-{platform}.tar.gz"
          member: meshctl
          sha256: {any: "RELEASE"}
  python:
    version: "3.11"
    registry:
      images:
        wavetank.dev/python:{python}: example.dev/python@PYTHON
  wavetank: {version: 0.1.0}
  tidewater: {version: 0.1.0}
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
    "tidewater": "{}",
    "kubernetes": "{}",
    "contour": "{}",
    "python": "{}",
}


def meshctl(arguments: Sequence[str], files: Mapping[str, str]) -> Ran:
    """Write what it was given as a manifest, and a warning beside it."""
    return Ran(0, f"# {' '.join(arguments)}\n{files['/mesh.yaml']}", "a newer release is out\n")


def release(name: str) -> bytes:
    """Return a .tar.gz of one program."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(name)
        tar.addfile(entry, io.BytesIO(name.encode()))
    return sink.getvalue()


RELEASE = release("meshctl")


def engine(**changed: object) -> PullingEngine:
    images = {
        f"example.dev/node@{DIGESTS['node']}": saved_image({"usr/bin/kubelet": "kubelet"}),
        f"example.dev/python@{DIGESTS['python']}": saved_image({"usr/bin/python3": "python"}, compressed=True),
        MESHCTL: saved_image({"usr/bin/meshctl": "meshctl"}),
    }
    files = {"crds-1.33.8": CRDS, "meshctl-any.tar.gz": RELEASE}
    return replace(PullingEngine(images, files, {MESHCTL: meshctl}), **changed)  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    for name, recipe in RECIPES.items():
        (project / "clusters" / "source" / name).mkdir(parents=True)
        (project / "clusters" / "source" / name / "recipe.yaml").write_text(recipe)
    (project / "clusters" / "source" / "mesh" / "mesh.yaml").write_text("profile: default\n")
    (project / "lib").mkdir()
    (project / "lib" / "main.py").write_text("print('here')\n")
    monkeypatch.setattr(making, "_project", lambda: project)
    return project


def silent(event: StepEvent) -> None:
    """Report nothing."""


@contextmanager
def answering(engine: PullingEngine, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PullingEngine]:
    """Have ``engine`` answer, and versions.yaml name what it has."""
    with engine:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{engine.address}")
        files = {"CRDS": CRDS, "RELEASE": RELEASE}
        words = {"ADDRESS": engine.address}
        words |= {name: f"sha256:{hashlib.sha256(content).hexdigest()}" for name, content in files.items()}
        words |= {name.upper(): digest for name, digest in DIGESTS.items()}
        text = VERSIONS
        for word, value in words.items():
            text = text.replace(word, value)
        (project / "clusters" / "versions.yaml").write_text(text)
        yield engine


def refused(engine: PullingEngine, project: Path, monkeypatch: pytest.MonkeyPatch) -> WavetankError:
    """Build against ``engine`` and return the error that the step ended with."""
    with answering(engine, project, monkeypatch), pytest.raises(StepError) as caught:
        build("registry", silent)
    assert isinstance(caught.value.__cause__, WavetankError)
    return caught.value


def test_all_is_pulled_by_digest_and_our_own_stands_on_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        bundle = build("registry", silent)
        assert sorted(pulling.pulled) == sorted(pulling.images)
    assert isinstance(bundle, Bundle)
    assert (bundle.index.architecture, bundle.index.source) == ("arm64", "registry")
    assert bundle.node_image == "example.dev/node:v1.36.4"
    assert bundle.manifest("contour-crds").read_bytes() == CRDS
    python, wavetank = (
        bundle.layout.blobs_of(bundle.image(ref).digest)[2:]
        for ref in ("wavetank.dev/python:3.11", "wavetank.dev/wavetank:0.1.0")
    )
    assert wavetank[:1] == python
    assert len(wavetank) == 2
    assert verify(bundle) > 0


def test_the_engines_id_of_a_pulled_image_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        bundle = build("registry", silent)
        ids = {pinned.partition("@")[0]: image.id for pinned, image in pulling.images.items()}
    assert bundle.image("example.dev/node:v1.36.4").config_digest == ids["example.dev/node"]


def test_nothing_is_pulled_twice(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        first = build("registry", silent)
        pulling.pulled.clear()
        assert build("registry", silent).path == first.path
        assert pulling.pulled == []


def test_what_has_no_digest_is_refused_before_anything_is_asked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        versions = project / "clusters" / "versions.yaml"
        text = versions.read_text()
        text = text.replace(f"example.dev/node@{DIGESTS['node']}", "example.dev/node:v{kubernetes}")
        versions.write_text(text.replace(f'"sha256:{hashlib.sha256(CRDS).hexdigest()}"', "null"))
        with pytest.raises(BundleError, match="no digest for some") as caught:
            build("registry", silent)
        assert pulling.pulled == []
    assert caught.value.help.observed == "not pinned: example.dev/node:v1.36.4, contour-crds"
    assert caught.value.help.command == (
        "docker buildx imagetools inspect --format '{{.Manifest.Digest}}' example.dev/node:v1.36.4"
    )


def test_a_damaged_layer_is_refused_by_the_images_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = dict(engine().images)
    images[f"example.dev/node@{DIGESTS['node']}"] = saved_image({"usr/bin/kubelet": "kubelet"}, damaged=True)
    error = refused(engine(images=images), project, monkeypatch)
    assert "damaged image example.dev/node:v1.36.4" in error.summary


def test_another_image_than_asked_for_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(engine(repo_digests=["example.dev/node@sha256:other"]), project, monkeypatch)
    assert "pulled another image than" in error.summary


def test_another_architecture_than_the_engines_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(engine(architecture="amd64"), project, monkeypatch)
    assert (error.help.observed, error.help.expected) == ("arm64", "amd64")


def test_what_the_registry_does_not_have_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {pinned: image for pinned, image in engine().images.items() if "node" not in pinned}
    error = refused(engine(images=images), project, monkeypatch)
    assert "example.dev/node" in str(error)
    assert "manifest unknown" in str(error)


def test_a_file_of_another_digest_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(engine(files={**engine().files, "crds-1.33.8": b"<html>log in first</html>"}), project, monkeypatch)
    assert "crds-1.33.8 is not what it should be" in error.summary
    assert error.help.observed == f"sha256:{hashlib.sha256(b'<html>log in first</html>').hexdigest()}"


def test_a_file_that_is_not_there_is_told_with_its_address(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(engine(files={}), project, monkeypatch)
    assert "cannot download http://127.0.0.1" in error.summary
    assert "404" in error.help.observed


def test_a_manifest_is_what_the_program_of_an_image_writes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        bundle = build("registry", silent)
    written = "# generate --filename mesh.yaml --set tag=1.31.0\nprofile: default\n"
    assert bundle.manifest("mesh").read_text() == written
    (asked,) = pulling.asked
    assert asked["WorkingDir"] == "/"
    assert asked["HostConfig"]["NetworkMode"] == "none"
    assert pulling.containers == {}


def test_a_manifest_is_written_again_when_a_file_that_it_is_made_from_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        build("registry", silent)
        pulling.pulled.clear()
        (project / "clusters" / "source" / "mesh" / "mesh.yaml").write_text("profile: ambient\n")
        assert build("registry", silent).manifest("mesh").read_text().endswith("profile: ambient\n")
        assert pulling.pulled == [MESHCTL]


def test_a_program_that_fails_is_quoted_and_its_container_removed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = engine(programs={MESHCTL: lambda arguments, files: Ran(64, "", "Error: unknown profile\n")})
    error = refused(failing, project, monkeypatch)
    assert f"`meshctl` of {MESHCTL} failed" in error.summary
    assert (error.help.observed, error.help.logs) == ("exit code 64", ["Error: unknown profile"])
    assert error.help.command.endswith(f"{MESHCTL} generate --filename mesh.yaml --set tag=1.31.0")
    assert failing.containers == {}


def test_a_program_that_does_not_end_is_removed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "MANIFEST_SECONDS", 0.2)
    hanging = engine(programs={MESHCTL: lambda arguments, files: None})
    error = refused(hanging, project, monkeypatch)
    assert error.help.observed.startswith("still running after ")
    assert hanging.containers == {}


def test_a_program_without_a_digest_is_refused_with_the_others(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch):
        versions = project / "clusters" / "versions.yaml"
        versions.write_text(versions.read_text().replace(MESHCTL, "example.dev/meshctl:{mesh}"))
        with pytest.raises(BundleError, match="no digest for some") as caught:
            build("registry", silent)
    assert caught.value.help.observed == "not pinned: example.dev/meshctl:1.31.0"
    assert caught.value.help.command.endswith(" example.dev/meshctl:1.31.0")


def test_a_program_without_an_image_is_told_with_its_row(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch) as pulling:
        versions = project / "clusters" / "versions.yaml"
        versions.write_text(versions.read_text().replace("programs: {meshctl:", "programs: {mashctl:"))
        with pytest.raises(InputError, match=r"versions\.yaml:14: meshctl, which writes the manifest 'mesh'"):
            build("registry", silent)
        assert pulling.pulled == []


def test_a_program_for_this_machine_is_taken_out_of_its_archive(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch):
        program = build("registry", silent).binary("meshctl")
    assert program is not None
    assert program.read_text() == "meshctl"


def test_without_an_engine_it_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(engine(), project, monkeypatch):
        pass
    with pytest.raises(EngineError, match="no engine answers"):
        build("registry", silent)
