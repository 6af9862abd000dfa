"""What was saved is taken over whole, or not at all."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from tests.support.bundles import WEB, small_bundle

from wavetank.bundle import Bundle, bundles, load, open_bundle, save
from wavetank.errors import BundleError, InputError


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "made").mkdir()
    return open_bundle(small_bundle(tmp_path / "made"))


def leftovers(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache" / "wavetank" / "bundles").glob("*")]


@pytest.mark.parametrize("name", ["bundle.tar", "bundle.tar.gz"])
def test_a_saved_bundle_loads_as_it_was_and_is_current(bundle: Bundle, tmp_path: Path, name: str) -> None:
    loaded = load(save(bundle, tmp_path / name))
    assert loaded.index == bundle.index
    assert open_bundle().path == loaded.path
    assert [listed.name for listed in bundles()] == [bundle.name]
    kind = loaded.binary("kind")
    assert kind is not None
    assert kind.stat().st_mode & 0o111


def test_compressed_it_is_smaller(bundle: Bundle, tmp_path: Path) -> None:
    plain, packed = save(bundle, tmp_path / "b.tar"), save(bundle, tmp_path / "b.tar.gz")
    assert packed.stat().st_size < plain.stat().st_size / 2


def test_loading_again_changes_nothing(bundle: Bundle, tmp_path: Path) -> None:
    archive = save(bundle, tmp_path / "bundle.tar")
    assert load(archive).path == load(archive).path
    assert len(bundles()) == 1


@pytest.mark.parametrize("name", ["bundle.tar", "bundle.tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6])
def test_a_truncated_archive_is_refused_and_leaves_nothing(
    bundle: Bundle, tmp_path: Path, name: str, share: float
) -> None:
    archive = save(bundle, tmp_path / name)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BundleError):
        load(archive)
    assert leftovers(tmp_path) == []


def test_a_flipped_byte_in_any_file_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    archive = save(bundle, tmp_path / "bundle.tar")
    content = archive.read_bytes()
    with tarfile.open(archive) as tar:
        # The layout's own two small files are made anew from the index when they matter.
        spots = {
            member.name: member.offset_data + member.size // 2
            for member in tar
            if "/blobs/" in member.name or "/bin/" in member.name or "/manifests/" in member.name
        }
    assert len(spots) == 8
    for name, spot in spots.items():
        damaged = bytearray(content)
        damaged[spot] ^= 1
        archive.write_bytes(damaged)
        with pytest.raises(BundleError, match="is damaged"):
            load(archive)
        assert leftovers(tmp_path) == [], name


def test_an_archive_without_one_layer_is_refused_by_the_images_name(bundle: Bundle, tmp_path: Path) -> None:
    layer = bundle.layout.blobs_of(bundle.image(WEB).digest)[3].removeprefix("sha256:")
    archive = tmp_path / "less.tar"
    with tarfile.open(save(bundle, tmp_path / "bundle.tar")) as whole, tarfile.open(archive, "w") as less:
        for member in whole:
            if layer not in member.name:
                less.addfile(member, whole.extractfile(member))
    with pytest.raises(BundleError, match=r"example.dev/web:v1 is incomplete"):
        load(archive)


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b""
) -> tuple[tarfile.TarInfo, BytesIO]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, BytesIO(content)


@pytest.mark.parametrize(
    ("members", "observed"),
    [
        ([member("../../outside", content=b"evil")], "'../../outside'"),
        ([member("/tmp/outside", content=b"evil")], "'/tmp/outside'"),
        ([member("b/../../outside", content=b"evil")], "outside'"),
        ([member("b/way", tarfile.SYMTYPE, "../.."), member("b/way/outside", content=b"evil")], "'b/way' is neither"),
        ([member("b/bundle.json", tarfile.LNKTYPE, "../outside")], "'b/bundle.json' is neither"),
        ([member("b/pipe", tarfile.FIFOTYPE)], "'b/pipe' is neither"),
        ([member("b/disk", tarfile.BLKTYPE)], "'b/disk' is neither"),
        ([member("b/a\nb")], "the name"),
        ([member(".unfinished-x/bundle.json")], "the name"),
        ([member("current/bundle.json")], "'current/bundle.json'"),
        ([member(".", tarfile.DIRTYPE), member("./bundle.json")], "the name '.'"),
        ([member("b/bundle.json"), member("c/bundle.json")], "'c/bundle.json' beside b"),
    ],
)
def test_what_no_bundle_has_is_refused_before_it_is_written(
    bundle: Bundle, tmp_path: Path, members: list[tuple[tarfile.TarInfo, BytesIO]], observed: str
) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        for info, content in members:
            content.seek(0)
            tar.addfile(info, content)
    with pytest.raises(BundleError, match="not the archive of a bundle") as caught:
        load(archive)
    assert observed in caught.value.help.observed
    assert not list(tmp_path.rglob("outside"))
    assert leftovers(tmp_path) == []


def test_an_archive_that_would_fill_the_disk_is_refused(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = save(bundle, tmp_path / "bundle.tar.gz")
    monkeypatch.setattr("wavetank.bundle.unpacking.MOST_BYTES", 1000)
    with pytest.raises(BundleError) as caught:
        load(archive)
    assert "more than" in caught.value.help.observed
    assert leftovers(tmp_path) == []


def test_a_bundle_that_is_another_one_than_was_told_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    archive = save(bundle, tmp_path / "bundle.tar")
    with pytest.raises(BundleError, match="another bundle than it should be") as caught:
        load(archive, "sha256:" + "0" * 64)
    assert caught.value.help.observed == bundle.digest
    assert load(archive, bundle.digest).digest == bundle.digest


def test_another_bundle_of_a_name_that_is_there_is_refused_and_the_one_that_is_there_stays(
    bundle: Bundle, tmp_path: Path
) -> None:
    archive = save(bundle, tmp_path / "bundle.tar")
    known = load(archive)
    with (known.path / "bundle.json").open("a") as index:
        index.write("\n")
    digest = known.digest
    with pytest.raises(BundleError, match=r"is called .* already") as caught:
        load(archive)
    assert f"wavetank bundle rm {bundle.name}" in caught.value.help.command
    assert open_bundle().digest == digest


def test_a_tar_of_something_else_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    archive = tmp_path / "other.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"))
    with pytest.raises(BundleError, match="not the archive of a bundle"):
        load(archive)


def test_a_damaged_bundle_is_not_saved(bundle: Bundle, tmp_path: Path) -> None:
    bundle.manifest("crds").write_text("changed")
    with pytest.raises(BundleError, match="crds is damaged"):
        save(bundle, tmp_path / "bundle.tar")
    assert not (tmp_path / "bundle.tar").exists()


def test_files_that_are_not_there_are_told(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        load(tmp_path / "nothing.tar")
    with pytest.raises(InputError, match="cannot write"):
        save(bundle, tmp_path / "no" / "such" / "folder.tar")


def test_one_that_is_not_whole_yet_is_not_saved(bundle: Bundle, tmp_path: Path) -> None:
    bundle.index = replace(bundle.index, stages=("containers", "kubernetes"))
    with pytest.raises(BundleError, match="is not whole yet") as caught:
        save(bundle, tmp_path / "bundle.tar")
    assert caught.value.help.observed == "it holds containers, kubernetes"
    assert list(tmp_path.glob("*.tar")) == []
