"""What an engine has built, rewritten: two builds at different times become the same bytes, the base stays as it is."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from wavetank.cluster.owner import BUILT
from wavetank.images.reproducible import rewrite

MADE_BY = ["COPY main.py /app/", "USER 10001"]


def layer(files: dict[str, str], mtime: int) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(text), mtime, f"builder{mtime}"
            info.pax_headers = {"mtime": f"{mtime}.25", "SCHILY.xattr.user.kept": "yes"}
            tar.addfile(info, io.BytesIO(text.encode()))
    return sink.getvalue()


BASE = layer({"bin/python": "interpreter"}, 7)


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def built(path: Path, when: int, text: str = "print()", *, compress: bool = False) -> Path:
    """Write what `docker save` would of an image built at ``when``."""
    own = layer({"app/main.py": text}, when)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": f"2026-01-01T00:00:{when:02}Z",
        "container": f"{when:064x}",
        "docker_version": "20.10.24",
        "config": {"User": "10001", "Image": f"sha256:{when}", "Hostname": f"{when}", "Labels": {BUILT: "yes"}},
        "rootfs": {"type": "layers", "diff_ids": [digest(BASE), digest(own)]},
        "history": [
            {"created": "2020-01-01T00:00:00Z", "created_by": "the base"},
            {"created": f"2026-01-01T00:00:{when:02}Z", "created_by": "/bin/sh -c #(nop) COPY file:0123 in /app/"},
            {"created": f"2026-01-01T00:00:{when:02}Z", "created_by": "USER", "empty_layer": True},
            {"created": f"2026-01-01T00:00:{when:02}Z", "created_by": "LABEL", "empty_layer": True},
        ],
    }
    described = [{"Config": "config.json", "RepoTags": None, "Layers": ["base/layer.tar", "own/layer.tar"]}]
    members = {
        "manifest.json": json.dumps(described).encode(),
        "config.json": json.dumps(config).encode(),
        "base/layer.tar": BASE,
        "own/layer.tar": gzip.compress(own) if compress else own,
    }
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def rewritten(folder: Path, source: Path) -> tuple[str, Path]:
    sink = folder / f"{source.name}.out"
    return rewrite(source, sink, {digest(BASE)}, MADE_BY), sink


def config_in(archive: Path) -> dict:
    with tarfile.open(archive) as tar:
        (described,) = json.load(tar.extractfile("manifest.json"))
        content = tar.extractfile(described["Config"]).read()
        for diff_id, member in zip(json.loads(content)["rootfs"]["diff_ids"], described["Layers"], strict=True):
            assert digest(tar.extractfile(member).read()) == diff_id
    return json.loads(content)


def test_two_builds_of_the_same_files_are_the_same_image(tmp_path: Path) -> None:
    one, first = rewritten(tmp_path, built(tmp_path / "one.tar", 1))
    other, second = rewritten(tmp_path, built(tmp_path / "other.tar", 2, compress=True))
    assert one == other
    assert first.read_bytes() == second.read_bytes()


def test_other_files_are_another_image(tmp_path: Path) -> None:
    one, _ = rewritten(tmp_path, built(tmp_path / "one.tar", 1))
    other, _ = rewritten(tmp_path, built(tmp_path / "other.tar", 1, "print(1)"))
    assert one != other


def test_the_base_is_not_touched_and_the_rest_keeps_all_but_its_times(tmp_path: Path) -> None:
    image_id, archive = rewritten(tmp_path, built(tmp_path / "one.tar", 1))
    config = config_in(archive)
    assert config["rootfs"]["diff_ids"][0] == digest(BASE)
    assert config["history"][0] == {"created": "2020-01-01T00:00:00Z", "created_by": "the base"}
    assert [entry["created_by"] for entry in config["history"][1:]] == MADE_BY
    assert config["config"]["User"] == "10001"
    assert config["config"]["Labels"] == {BUILT: "yes"}, "by which `down` finds it"
    assert not {"Image", "Hostname"} & set(config["config"])
    with tarfile.open(archive) as tar:
        (described,) = json.load(tar.extractfile("manifest.json"))
        assert described["Config"] == image_id.replace("sha256:", "blobs/sha256/")
        with tarfile.open(fileobj=tar.extractfile(described["Layers"][1])) as own:
            (file,) = own.getmembers()
            assert (file.name, file.mtime, file.pax_headers.get("SCHILY.xattr.user.kept")) == ("app/main.py", 0, "yes")
            assert own.extractfile(file).read() == b"print()"
