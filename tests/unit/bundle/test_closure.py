"""A program comes with every library its loader asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wavetank.bundle import closure
from wavetank.bundle.closure import libraries, programs_with_libraries
from wavetank.errors import BundleError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the dynamic loader of Linux")


def test_the_loader_and_the_c_library_are_among_the_libraries() -> None:
    found = {Path(path).name for path in libraries(["/bin/sh"])}
    assert "libc.so.6" in found
    assert any(name.startswith("ld-linux") for name in found)


def test_nothing_needs_nothing() -> None:
    assert libraries([]) == []


def test_a_program_runs_with_just_what_comes_with_it(tmp_path: Path) -> None:
    for entry in programs_with_libraries(["/bin/sh", "/bin/cat"]):
        assert isinstance(entry.content, Path)
        place = tmp_path / entry.path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(entry.content.read_bytes())
        place.chmod(entry.mode)
    (loader,) = tmp_path.rglob("ld-linux*")
    folders = ":".join({str(path.parent) for path in tmp_path.rglob("*.so*")})
    command = [loader, "--library-path", folders, tmp_path / "bin" / "sh", "-c", "echo it runs"]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == "it runs\n"


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(BundleError, match=r"/no/such/\*\.so is not in /"):
        programs_with_libraries(["/no/such/*.so"])


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n\tlibpthread.so.0 => not found\n"
    monkeypatch.setattr(closure, "run", lambda *_, **__: told)
    with pytest.raises(BundleError, match=r"libraries are missing: libpthread\.so\.0"):
        libraries(["/bin/sh"])


def test_links_are_followed_inside_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "usr" / "lib" / "real.so.1.2").write_text("inside")
    (tmp_path / "usr" / "lib" / "real.so.1").symlink_to("/lib/real.so.1.2")
    monkeypatch.setattr(closure, "run", lambda *_, **__: "\tstatically linked\n")
    (entry,) = programs_with_libraries(["/lib/real.so.1"], tmp_path)
    assert entry.path == "/lib/real.so.1"
    assert isinstance(entry.content, Path)
    assert entry.content.read_text() == "inside"
