"""A layer depends on its content alone."""

from __future__ import annotations

import os
import socket
import tarfile
from io import BytesIO
from pathlib import Path

from wavetank.bundle.entries import Entry, directory, from_folder, link, text, write_tar


def tar_of(*entries: Entry) -> bytes:
    sink = BytesIO()
    write_tar(entries, sink)
    return sink.getvalue()


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=BytesIO(content)) as tar:
        return {member.name: member for member in tar}


def test_the_same_content_is_the_same_bytes_whatever_its_order_and_time(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("b")
    (tmp_path / "a").write_text("a")
    first = tar_of(*from_folder(tmp_path))
    os.utime(tmp_path / "a", (1, 1))
    second = tar_of(*reversed(list(from_folder(tmp_path))))
    assert first == second


def test_other_content_is_other_bytes() -> None:
    assert tar_of(text("/a", "one")) != tar_of(text("/a", "two"))


def test_of_two_entries_with_one_path_the_later_stands() -> None:
    content = tar_of(text("/etc/motd", "first"), text("etc/motd", "second"))
    with tarfile.open(fileobj=BytesIO(content)) as tar:
        (member,) = tar.getmembers()
        stored = tar.extractfile(member)
        assert stored is not None
        assert stored.read() == b"second"


def test_files_links_and_directories_keep_what_they_are() -> None:
    found = members(tar_of(directory("/tmp", 0o1777), link("/bin", "usr/bin"), Entry("/run.sh", 0o755, content=b"x")))
    assert found["tmp"].isdir()
    assert found["tmp"].mode == 0o1777
    assert found["bin"].linkname == "usr/bin"
    assert found["run.sh"].mode == 0o755


def test_a_folder_stands_where_it_is_put_and_belongs_to_root(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "program"
    program.write_text("")
    program.chmod(0o700)
    (tmp_path / "secret").write_text("")
    (tmp_path / "secret").chmod(0o600)
    found = members(tar_of(*from_folder(tmp_path, "/opt/it")))
    assert set(found) == {"opt/it/bin", "opt/it/bin/program", "opt/it/secret"}
    assert found["opt/it/bin/program"].mode == 0o755
    assert found["opt/it/secret"].mode == 0o644
    assert {(member.uid, member.gid) for member in found.values()} == {(0, 0)}


def test_owners_and_modes_are_kept_where_asked(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("")
    (tmp_path / "shadow").chmod(0o640)
    (entry,) = from_folder(tmp_path, keep_owners=True)
    assert (entry.mode, entry.uid, entry.gid) == (0o640, os.getuid(), os.getgid())


def test_what_is_excluded_is_left_out_with_all_below_it(tmp_path: Path) -> None:
    for name in ("usr/share/doc/package/copyright", "usr/share/keep", "usr/bin/tool"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = {entry.path for entry in from_folder(tmp_path, exclude=("usr/share/doc", "usr/bin/*"))}
    assert found == {"/usr", "/usr/bin", "/usr/share", "/usr/share/keep"}


def test_links_are_kept_and_sockets_are_not(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        found = {entry.path: entry for entry in from_folder(tmp_path)}
    assert set(found) == {"/folder", "/link"}
    assert found["/link"].target == "folder"
