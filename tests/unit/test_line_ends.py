"""A clone on Windows, where git is told to write Windows' line ends, is still one that Linux can run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIKE_WINDOWS = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
SOME = (".gitattributes", "Makefile", "scripts/lab.sh", "clusters/kind.yaml", "docs/pictures/load.png")

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git checkout")


def git(*arguments: str, folder: Path = ROOT) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout


def test_what_is_checked_out_as_on_windows_is_what_linux_has(tmp_path: Path) -> None:
    git("init", "--quiet", str(tmp_path))
    for name in SOME:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    git(*LIKE_WINDOWS, "add", ".", folder=tmp_path)
    git(*LIKE_WINDOWS, "checkout-index", "--all", "--prefix=out/", folder=tmp_path)
    for name in SOME:
        assert (tmp_path / "out" / name).read_bytes() == (ROOT / name).read_bytes(), name


def test_no_file_is_kept_with_windows_line_ends_but_those_that_try_them() -> None:
    kept = [line.split("\t") for line in git("ls-files", "--eol").splitlines()]
    assert {name for about, name in kept if about.startswith(("i/crlf", "i/mixed"))} == {
        "tests/reading/windows-line-ends.yaml",
        "tests/reading/windows-line-ends-with-a-mark.yaml",
    }
