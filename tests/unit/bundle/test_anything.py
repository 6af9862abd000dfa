"""Whatever archive is loaded, whatever stands in a bundle: it is one, or a few words say why not, within bounds."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.anything import as_json, broken, changed, printable
from tests.support.bundles import small_bundle

from wavetank.bundle import Bundle, bundles, load, open_bundle, save, verify
from wavetank.bundle.dockerfile import read_dockerfile
from wavetank.bundle.index import read_index
from wavetank.errors import BundleError

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("small"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where bundles are kept meanwhile."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def look(folder: Path) -> None:
    """Do what is done with a bundle that has been found; what it is refused with can be printed."""
    with printable():
        bundle = Bundle(folder, read_index(folder))
        str(bundle.index).encode()
        verify(bundle)
        for image in bundle.images:
            bundle.write_docker_archive([image.ref], io.BytesIO())


@given(st.data())
@settings(max_examples=200)
def test_any_index_is_read_or_refused(small: Path, data: st.DataObject) -> None:
    path = small / "bundle.json"
    good = path.read_bytes()
    wrong = data.draw(broken(json.loads(good)).map(as_json) | changed([good]))
    try:
        path.write_bytes(wrong)
        look(small)
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * MEGABYTE,
        b"9" * MEGABYTE,
        b'{"version": "' + b"a" * 9 * MEGABYTE + b'"}',
        b'{"version": {' + b",".join(b'"%d": 1' % number for number in range(99_999)) + b"}}",
    ],
    ids=["deep", "a number", "large", "wide"],
)
def test_an_index_that_is_too_much_is_told_in_few_words(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(text)
    with pytest.raises(BundleError) as caught:
        read_index(tmp_path)
    assert len(str(caught.value)) < 3000


@given(st.data())
def test_any_manifest_of_an_image_is_one_or_refused(small: Path, data: st.DataObject) -> None:
    layout, path = open_bundle(small).layout, small / "bundle.json"
    index = path.read_bytes()
    document = json.loads(index)
    good = layout.read_json(document["images"][0]["digest"])
    wrong = data.draw(broken(good).map(as_json) | changed([as_json(good)]))
    document["images"][0]["digest"] = layout.add_bytes(wrong, "").digest
    try:
        path.write_text(json.dumps(document))
        look(small)
    finally:
        path.write_bytes(index)


NAMES = [
    "b",
    "b/bundle.json",
    "b/a",
    "b/a/c",
    "../a",
    "/a",
    "b/..",
    "b//a",
    "",
    ".",
    "current/a",
    "b/\ud800",
    "a" * 300,
]
TYPES = [
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    b"x",
    b"g",
    b"L",
]


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(draw(st.sampled_from([*NAMES, "b/" + "d/" * 1500])))
    content = draw(
        st.sampled_from([b"", b"{}", b"a" * 600, b"30 mtime=0.5\n", b"12 size=-1\n", b"22 GNU.sparse.major=1\n"])
    )
    member.type, member.linkname = draw(st.sampled_from(TYPES)), draw(st.sampled_from(["", *NAMES]))
    member.size = draw(st.sampled_from([len(content), len(content), 0, 1, 2**40]))
    member.mode = draw(st.sampled_from([0o644, 0o755, 0o7777]))
    return member, content


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Return the bytes of an archive of odd members, perhaps cut off or changed, perhaps compressed."""
    packed = io.BytesIO()
    for member, content in draw(st.lists(members(), max_size=4)):
        with suppress(ValueError):
            packed.write(
                member.tobuf(draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])), errors="replace")
            )
            packed.write(content + bytes(-len(content) % 512))
    whole = packed.getvalue() + bytes(1024)
    if draw(st.booleans()):
        whole = draw(changed([whole]))
    if draw(st.booleans()):
        whole = gzip.compress(whole, 1)
    return draw(changed([whole])) if draw(st.booleans()) else whole


@given(archives())
@settings(max_examples=200)
def test_any_archive_is_loaded_or_refused(tmp_path: Path, cache: Path, archive: bytes) -> None:
    path = tmp_path / "bundle.tar"
    path.write_bytes(archive)
    with printable():
        load(path)
    assert bundles() == []
    assert {entry.name for entry in tmp_path.iterdir()} <= {"bundle.tar", "cache"}


@given(st.data())
@settings(max_examples=60)
def test_a_saved_bundle_with_some_bytes_changed_is_whole_or_refused(
    small: Path, tmp_path: Path, cache: Path, data: st.DataObject
) -> None:
    saved = save(open_bundle(small), tmp_path / data.draw(st.sampled_from(["b.tar", "b.tar.gz"])))
    saved.write_bytes(data.draw(changed([saved.read_bytes()])))
    with suppress(BundleError):
        verify(load(saved))


def header(type_: bytes, size: int, name: str = "b/a") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = type_, size
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "content",
    [
        header(b"L", 200 * MEGABYTE) + bytes(200 * MEGABYTE),
        header(b"x", 200 * MEGABYTE) + bytes(200 * MEGABYTE),
        header(b"L", 1) * 5000,
        (header(b"x", 13) + b"13 path=b/a\n".ljust(512, b"\0")) * 5000,
        header(tarfile.REGTYPE, 0, "b/" + "d/" * 1500),
    ],
    ids=["long name", "long header", "names of names", "headers of headers", "deep"],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_a_small_archive_asks_for_no_more_than_a_small_archive_may(
    tmp_path: Path, cache: Path, content: bytes, compressed: bool
) -> None:
    path = tmp_path / "bomb.tar"
    path.write_bytes(gzip.compress(content, 1) if compressed else content)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 32 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 3000


RECIPE = b"""ARG BASE=python
FROM ${BASE}
ENV PORT=8080 NAME="a b"
WORKDIR /app
COPY Dockerfile main.py
USER 1000
EXPOSE 8080
CMD ["python3", "main.py"]
"""


@given(changed([RECIPE]))
@example(b"ENV a")
@example(b"ENV 'a")
@example(b"EXPOSE http")
@example(b"CMD 5")
@example(b"CMD " + b"[" * 100_000)
@example(b"ARG a=bb\n" + b"".join(b"ARG a=$a$a\n" for _ in range(60)))
@example(b"COPY / /c")
@example(b"COPY /a\\\n/b /c")
def test_any_recipe_is_read_or_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(text)
    with printable():
        read_dockerfile(path, {"BASE": "debian"})
