"""A bundle gives what it has, and refuses by name what is missing or changed in it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from tests.support.bundles import NODE, WEB, small_bundle

from wavetank.bundle import Bundle, open_bundle, verify
from wavetank.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_bundle(small_bundle(tmp_path))


def blob_of(bundle: Bundle, ref: str, part: int) -> Path:
    return bundle.layout.blob(bundle.layout.blobs_of(bundle.image(ref).digest)[part])


def test_what_is_in_it_is_found(bundle: Bundle) -> None:
    assert [image.ref for image in bundle.images] == [NODE, WEB]
    assert bundle.node_image == NODE
    assert bundle.manifest("crds").read_text() == "kind: CustomResourceDefinition\n"
    kind = bundle.binary("kind")
    assert kind is not None
    assert kind.stat().st_mode & 0o111
    assert bundle.binary("helm") is None


def test_the_config_digest_is_what_an_engine_calls_the_image(bundle: Bundle) -> None:
    assert bundle.image(WEB).config_digest == bundle.layout.blobs_of(bundle.image(WEB).digest)[1]


def test_what_is_not_in_it_is_refused_by_name(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"example.dev/other:v1 is not in the bundle") as caught:
        bundle.image("example.dev/other:v1")
    assert WEB in caught.value.help.observed
    with pytest.raises(BundleError, match="manifest istio is not"):
        bundle.manifest("istio")
    with pytest.raises(BundleError, match=r"example.dev/other:v1"):
        bundle.write_docker_archive([WEB, "example.dev/other:v1"], BytesIO())


def test_a_whole_bundle_is_verified_to_its_last_byte(bundle: Bundle) -> None:
    files = [path for path in bundle.path.rglob("*") if path.is_file() and path.parent != bundle.path]
    assert verify(bundle) == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("part", [0, 1, 2, 3], ids=["manifest", "configuration", "shared layer", "own layer"])
def test_one_flipped_byte_anywhere_is_found_and_its_image_named(bundle: Bundle, part: int) -> None:
    blob = blob_of(bundle, WEB, part)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    with pytest.raises(BundleError, match=r"image example.dev/(web|node):v1 is damaged"):
        verify(bundle)


@pytest.mark.parametrize("name", ["crds", "kind"])
def test_a_changed_file_is_found_and_named(bundle: Bundle, name: str) -> None:
    path = bundle.manifest(name) if name == "crds" else bundle.binary(name)
    assert path is not None
    path.write_text("something else")
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        verify(bundle)


def test_a_missing_layer_is_found_on_opening(bundle: Bundle) -> None:
    blob_of(bundle, WEB, 3).unlink()
    with pytest.raises(BundleError, match=r"image example.dev/web:v1 is incomplete"):
        open_bundle(bundle.path)


def test_a_cut_layer_is_found_on_opening(bundle: Bundle) -> None:
    blob = blob_of(bundle, WEB, 3)
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"image example.dev/web:v1 is incomplete"):
        open_bundle(bundle.path)


def test_a_missing_program_is_found_on_opening(bundle: Bundle) -> None:
    (bundle.path / "bin" / "kind").unlink()
    with pytest.raises(BundleError, match="binary kind is incomplete"):
        open_bundle(bundle.path)


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1}', "not json"])
def test_a_damaged_index_is_refused(bundle: Bundle, text: str) -> None:
    (bundle.path / "bundle.json").write_text(text)
    with pytest.raises(BundleError, match=r"bundle.json is damaged"):
        open_bundle(bundle.path)


def test_an_index_that_points_outside_the_bundle_is_refused(bundle: Bundle) -> None:
    index = json.loads((bundle.path / "bundle.json").read_text())
    index["files"][0]["path"] = "../../etc/passwd"
    (bundle.path / "bundle.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match="damaged"):
        open_bundle(bundle.path)


def test_a_folder_without_an_index_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        open_bundle(tmp_path)
