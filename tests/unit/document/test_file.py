"""What is no text that people write is refused in one sentence, with the file, and the line where there is one."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from wavetank.document import MOST_BYTES, load_document, read_documents
from wavetank.errors import InputError

FERRY = "name: tank\nferry: Fähre\n"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (FERRY.encode("latin-1"), 2, "not UTF-8 text"),
        (FERRY.encode("utf-16"), 1, "not UTF-8 text"),
        (FERRY.encode("utf-16-be"), 1, "not UTF-8 text"),
        (FERRY.encode("utf-32"), 1, "not UTF-8 text"),
        (b"\xfe\xff" + FERRY.encode("utf-16-be"), 1, "not UTF-8 text"),
        (b"name: tank\nferry: \x00\n", 2, "a control character, U+0000"),
        (b"name: tank\n\nferry: a\x08\n", 3, "a control character, U+0008"),
        (b"name:\n\tferry: a\n", 2, "a tab, where YAML takes only spaces"),
        (b"name: {{ tank }}\n", 1, "a mapping cannot be a key"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path, content: bytes, line: int, said: str) -> None:
    path = tmp_path / "web.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        load_document(path)
    assert caught.value.where == f"{path}:{line}"
    assert caught.value.help.expected
    assert "\n" not in caught.value.summary


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_and_the_line_ends_of_windows_change_nothing(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "web.yaml"
    path.write_bytes((FERRY + "text: |\n  one\n  two\n").replace("\n", end).encode(encoding))
    assert load_document(path).data == {"name": "tank", "ferry": "Fähre", "text": "one\ntwo\n"}


def test_a_file_that_is_not_there_or_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*gone\.yaml: No such file"):
        load_document(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match=r"cannot read .*: it is a folder"):
        load_document(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="it is no ordinary file"):
        load_document(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.touch(0o000)
    with pytest.raises(InputError, match=r"cannot read .*web\.yaml: Permission denied"):
        load_document(path)


def test_a_file_of_fifty_megabytes_is_refused_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    with pytest.raises(InputError, match=r"web\.yaml is larger than 8 MiB"):
        load_document(path)
    with pytest.raises(InputError, match="manifest is larger than 8 MiB"):
        read_documents("a" * (MOST_BYTES + 1), "manifest")
