"""A program that fails is quoted; none outlives the build."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.bundle.programs import run
from wavetank.errors import BundleError


def test_what_it_says_is_returned(tmp_path: Path) -> None:
    assert run(["sh", "-c", "pwd; echo $NAME"], timeout=10, cwd=tmp_path, env={"NAME": "x"}) == f"{tmp_path}\nx\n"


def test_its_last_words_and_a_command_to_paste_are_kept(tmp_path: Path) -> None:
    script = "for i in 1 2 3; do echo line $i >&2; done; exit 3"
    with pytest.raises(BundleError, match="`sh` failed") as caught:
        run(["sh", "-c", script], timeout=10, cwd=tmp_path, hint="try that")
    told = caught.value.help
    assert told.observed == "exit code 3"
    assert list(told.logs) == ["line 1", "line 2", "line 3"]
    assert told.command.startswith(f"cd {tmp_path} && sh -c ")
    assert told.hint == "try that"
    pasted = subprocess.run(["sh", "-c", told.command], stderr=subprocess.PIPE, text=True, check=False)
    assert (pasted.returncode, pasted.stderr) == (3, "line 1\nline 2\nline 3\n")


def test_a_full_disk_is_told_as_such() -> None:
    with pytest.raises(BundleError, match="ran out of disk space") as caught:
        run(["sh", "-c", "echo 'write x: no space left on device' >&2; exit 1"], timeout=10)
    assert caught.value.help.command == "df -h"


def test_one_that_hangs_is_ended() -> None:
    with pytest.raises(BundleError, match="took too long") as caught:
        run(["sleep", "60"], timeout=0.2)
    assert "sleep 60" in caught.value.help.command


@pytest.mark.skipif(not shutil.which("setpriv"), reason="what is missing is then told by setpriv")
def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(BundleError, match="no-such-program"):
        run(["no-such-program"], timeout=10)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
def test_a_killed_build_leaves_no_program_behind(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > {told}; exec sleep 60"]
    script = f"from wavetank.bundle.programs import run; run({command!r}, timeout=60)"
    build = subprocess.Popen([sys.executable, "-c", script])
    eventually(lambda: told.exists() and told.read_text(), "the program to run", within=30)
    pid = int(told.read_text())
    build.send_signal(signal.SIGKILL)
    build.wait()

    def gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"

    eventually(gone, "the program to be gone")
