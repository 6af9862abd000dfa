"""Images are assembled as the OCI formats say, and their archive holds what both kinds of loader look for."""

from __future__ import annotations

import hashlib
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.support.bundles import small_image

from wavetank.bundle.entries import text
from wavetank.bundle.images import Image, assemble, inherit, write_archive
from wavetank.bundle.layout import ImageConfig, Layout
from wavetank.errors import BundleError


def config_of(image: Image) -> dict[str, Any]:
    return image.layout.read_json(image.layout.blobs_of(image.manifest.digest)[1])


def archive_of(*images: Image) -> dict[str, bytes]:
    sink = BytesIO()
    write_archive(images, sink)
    with tarfile.open(fileobj=BytesIO(sink.getvalue())) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_every_blob_is_named_by_its_digest(tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", "example.dev/a:v1", "content")
    for digest in image.layout.blobs_of(image.manifest.digest):
        assert digest == f"sha256:{hashlib.sha256(image.layout.blob(digest).read_bytes()).hexdigest()}"


def test_the_same_recipe_gives_the_same_digest(tmp_path: Path) -> None:
    first = small_image(tmp_path / "first", "example.dev/a:v1", "content")
    second = small_image(tmp_path / "second", "example.dev/a:v1", "content")
    assert first.manifest == second.manifest


def test_an_image_on_a_base_shares_its_layers(tmp_path: Path) -> None:
    base = small_image(tmp_path / "base", "example.dev/base:v1", "base")
    image = small_image(tmp_path / "image", "example.dev/a:v1", "own", base)
    *_, base_layer = base.layout.blobs_of(base.manifest.digest)
    _, _, lower, upper = image.layout.blobs_of(image.manifest.digest)
    assert lower == base_layer
    assert config_of(image)["rootfs"]["diff_ids"] == [lower, upper]
    assert image.layout.blob(lower).samefile(base.layout.blob(lower))


def test_a_layout_names_its_image(tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", "example.dev/a:v1", "content")
    assert Layout(tmp_path / "image").images() == {"example.dev/a:v1": image.manifest}
    assert json.loads((tmp_path / "image" / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_a_missing_blob_is_told(tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", "example.dev/a:v1", "content")
    image.layout.blob(image.manifest.digest).unlink()
    with pytest.raises(BundleError, match=image.manifest.digest):
        image.layout.blobs_of(image.manifest.digest)


def test_a_configuration_inherits_as_in_a_dockerfile() -> None:
    base = {
        "Entrypoint": ["python3"],
        "Cmd": ["-m", "http.server"],
        "Env": ["PATH=/bin", "LANG=C"],
        "User": "1000",
        "ExposedPorts": {"80/tcp": {}},
    }
    own = inherit(base, ImageConfig(entrypoint=["serve"], environment={"LANG": "C.UTF-8"}, ports=[8080]))
    assert own.entrypoint == ["serve"]
    assert list(own.command) == []
    assert own.environment == {"PATH": "/bin", "LANG": "C.UTF-8"}
    assert own.user == "1000"
    assert list(own.ports) == [80, 8080]
    assert list(inherit(base, ImageConfig()).command) == ["-m", "http.server"]


def test_what_is_not_set_is_not_in_the_configuration(tmp_path: Path) -> None:
    image = assemble("a:v1", tmp_path / "image", [[text("/a", "")]], ImageConfig(user="1"), architecture="arm64")
    assert config_of(image)["config"] == {"User": "1"}
    assert config_of(image)["architecture"] == "arm64"


def test_the_archive_has_each_blob_once_and_names_images_for_both_loaders(tmp_path: Path) -> None:
    base = small_image(tmp_path / "base", "example.dev/base:v1", "base")
    image = small_image(tmp_path / "image", "example.dev/a:v1", "own", base)
    archive = archive_of(base, image)

    docker = {entry["RepoTags"][0]: entry for entry in json.loads(archive["manifest.json"])}
    assert set(docker) == {"example.dev/base:v1", "example.dev/a:v1"}
    for entry in docker.values():
        config = json.loads(archive[entry["Config"]])
        layers = [f"sha256:{hashlib.sha256(archive[layer]).hexdigest()}" for layer in entry["Layers"]]
        assert layers == config["rootfs"]["diff_ids"]

    index = json.loads(archive["index.json"])
    named = {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in index["manifests"]}
    assert named == {"example.dev/base:v1": base.manifest.digest, "example.dev/a:v1": image.manifest.digest}
    blobs = [name for name in archive if name.startswith("blobs/")]
    assert len(blobs) == len(set(blobs)) == 2 * 2 + 2  # a manifest and a configuration each, two layers
