"""versions.yaml is read whole, and a mistake in it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavetank.bundle.versions import load_versions
from wavetank.errors import InputError

VERSIONS = """\
components:
  kubernetes:
    version: 1.36.3
    module: k8s.io/kubernetes
    registry:
      node: kindest/node:v{kubernetes}
      images:
        kindest/node:v{kubernetes}: kindest/node@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5
  kind:
    version: 0.33.0
    registry:
      files:
        kind:
          kind: binary
          url: https://example.dev/v{kind}/kind-{platform}
          sha256: {linux-amd64: null}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "versions.yaml").write_text(text)
    return folder / "versions.yaml"


def test_rows_are_read_with_versions_filled_in(tmp_path: Path) -> None:
    versions = load_versions(written(tmp_path, VERSIONS))
    kubernetes = versions.components["kubernetes"]
    assert kubernetes.module == "k8s.io/kubernetes"
    assert kubernetes.node == "kindest/node:v1.36.3"
    assert list(kubernetes.images) == ["kindest/node:v1.36.3"]
    assert kubernetes.where.endswith("versions.yaml:3")
    (file,) = versions.components["kind"].files
    (part,) = file.parts
    assert (file.name, file.kind, dict(part.digests)) == ("kind", "binary", {"linux-amd64": None})
    assert part.address("linux-amd64") == "https://example.dev/v0.33.0/kind-linux-amd64"


def test_templates_may_ask_for_a_part_of_a_version(tmp_path: Path) -> None:
    versions = load_versions(written(tmp_path, VERSIONS))
    assert versions.fill("v{kubernetes} {kubernetes.major} {kubernetes.minor}", "here") == "v1.36.3 1 36"


def test_a_manifest_may_be_released_in_parts(tmp_path: Path) -> None:
    parts = "parts: [{url: 'https://example.dev/a-{kind}', sha256: {any: null}}]"
    text = VERSIONS.partition("          kind: binary")[0] + f"          kind: manifest\n          {parts}\n"
    (file,) = load_versions(written(tmp_path, text)).components["kind"].files
    assert [part.url for part in file.parts] == ["https://example.dev/a-0.33.0"]
    for wrong in ("kind: binary", "kind: manifest\n          member: kind"):
        with pytest.raises(InputError, match=r"versions\.yaml:1[34]: "):
            load_versions(written(tmp_path, text.replace("kind: manifest", wrong)))


@pytest.mark.parametrize("template", ["{istio}", "{kubernetes.patch}", "{", "{0}"])
def test_an_unknown_version_is_refused_with_the_place_and_the_names_there_are(tmp_path: Path, template: str) -> None:
    versions = load_versions(written(tmp_path, VERSIONS))
    with pytest.raises(InputError, match=r"^recipe\.yaml:3: ") as caught:
        versions.fill(template, "recipe.yaml:3")
    assert "kind, kubernetes" in caught.value.help.expected


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("version: 1.36.3", "version: v1.36.3", r"versions\.yaml:3: components/kubernetes/version"),
        ("version: 1.36.3", "version: 1.36", r"versions\.yaml:3: .*not of type 'string'"),
        ("module:", "modul:", r"versions\.yaml:2: .*'modul' was unexpected"),
        ("kind: binary", "kind: program", r"versions\.yaml:14: .*'program' is not one of"),
        ("node@sha256:3489", "node@sha256:xyz", r"versions\.yaml:8: .*does not match"),
        ("node: kindest/node:v{kubernetes}", "node: kindest/other", r"versions\.yaml:6: .*not among its images"),
        ("https://example.dev", "ftp://example.dev", r"versions\.yaml:15: "),
        ("          sha256: {linux-amd64: null}", "", r"versions\.yaml:\d+: .*'sha256' is a required property"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    assert wrong in VERSIONS
    with pytest.raises(InputError, match=message):
        load_versions(written(tmp_path, VERSIONS.replace(wrong, right)))
