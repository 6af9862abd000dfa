"""A container next to an ordinary process, read by the real probe from real processes of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_engine import BASE, FakeContainer, FakeEngine
from tests.support.waiting import eventually

from wavetank.errors import ImageError, InputError
from wavetank.images import Ended
from wavetank.images.isolation import Comparison, Sight, compare, look_here, ordinary_process
from wavetank.images.probe import limits, look

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
UNSHARE = ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "--uts", "--ipc", "--net"]


def may_unshare() -> bool:
    return (
        shutil.which("unshare") is not None and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0
    )


@pytest.fixture
def pid() -> Iterator[int]:
    with ordinary_process(SLEEPS) as pid:
        yield pid


def container(*prefix: str, first: int = 1) -> FakeContainer:
    """Return a container whose commands run on this machine, behind ``prefix``; ``first`` is its first process."""

    def run(_: FakeContainer, command: list[str]) -> Ended:
        program, option, script, number = command
        assert (program, option, number) == ("python3", "-c", "1")
        done = subprocess.run([*prefix, sys.executable, option, script, str(first)], capture_output=True, text=True)
        return Ended(done.returncode, done.stdout + done.stderr)

    engine = FakeEngine()
    engine.on_exec = run
    return engine.run(BASE.tags[0])


def test_two_ordinary_processes_see_the_same(pid: int) -> None:
    with ordinary_process(SLEEPS) as other:
        told = compare(container(first=other), pid)
    assert told.own == ("its own process number",)
    assert [row.container for row in told.rows if row.aspect == told.own[0]] == [f"{other}"]
    assert all(row.isolated is not None for row in told.rows)
    assert told.notice == ""


@pytest.mark.skipif(not may_unshare(), reason="this user may not make namespaces here")
def test_a_process_in_namespaces_of_its_own_is_told_apart(pid: int) -> None:
    told = compare(container(*UNSHARE), pid)
    kinds = {"pid": True, "mnt": True, "net": True, "uts": True, "ipc": True, "user": False}
    assert {row.aspect.rpartition("(")[2].rstrip(")"): row.isolated for row in told.rows[:6]} == kinds
    rows = {row.aspect: row for row in told.rows}
    assert rows["its own process number"].container == "1"
    assert int(rows["processes it sees"].container) < 3 < int(rows["processes it sees"].process)
    assert rows["user it runs as"].process == rows["user it runs as"].container == f"{os.geteuid()}"
    assert rows["kernel"].isolated is False


def test_the_table_has_a_line_for_each_aspect(pid: int) -> None:
    with ordinary_process(SLEEPS) as other:
        told = compare(container(first=other), pid)
    head, first, *_ = str(told).splitlines()
    assert head.split() == ["process", "container"]
    assert first.startswith("namespace of process numbers (pid)  ")
    assert first.endswith("  the same")
    assert len(str(told).splitlines()) == 1 + len(told.rows) == 15


def test_on_a_machine_without_proc_the_process_says_so(tmp_path: Path, pid: int) -> None:
    bare = Sight(**look(pid, tmp_path / "proc"))
    told = Comparison.of(bare, look_here(pid))
    assert told.notice == "Where the process runs there is no /proc to read."
    rows = {row.aspect: row for row in told.rows}
    assert (rows["root file system"].process, rows["root file system"].isolated) == ("cannot be read", None)
    assert rows["memory limit"].words == "not known"
    assert rows["host name"].words == "the same"
    assert "no /proc" in str(told)


def test_a_process_that_is_not_there_is_said() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(InputError, match=f"the process {gone.pid} cannot be looked at") as failed:
        look_here(gone.pid)
    assert failed.value.help.observed == f"there is no process {gone.pid}"


def test_a_process_that_has_ended_is_no_process() -> None:
    with ordinary_process([sys.executable, "-c", ""]) as pid:  # nobody has waited for it: /proc still has it
        eventually(lambda: _state(pid) == "Z", "its end")
        with pytest.raises(InputError, match="cannot be looked at"):
            look_here(pid)


def test_an_image_without_python_is_said(pid: int) -> None:
    engine = FakeEngine()
    engine.on_exec = lambda _, command: Ended(127, 'exec: "python3": executable file not found in $PATH')
    with pytest.raises(ImageError, match="container-1 cannot be looked into") as failed:
        compare(engine.run(BASE.tags[0]), pid)
    assert "executable file not found" in failed.value.help.observed
    assert "python3" in failed.value.help.command


@pytest.mark.parametrize("output", ["", "hello", "[1]", '{"pid": 1}', '{"unheard": 2}'])
def test_what_the_probe_did_not_say_is_not_read(output: str) -> None:
    with pytest.raises(ValueError):
        Sight.from_output(output)


def groups(folder: Path, told: str, files: dict[str, str]) -> tuple[int | None, float | None]:
    """Return the limits of process 1 in a made-up machine."""
    (folder / "proc/1").mkdir(parents=True)
    (folder / "proc/1/cgroup").write_text(told)
    for name, text in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(text + "\n")
    return limits(1, folder / "proc", folder / "cgroup")


def test_limits_of_version_2_inside_the_group(tmp_path: Path) -> None:
    assert groups(tmp_path, "0::/\n", {"memory.max": "268435456", "cpu.max": "50000 100000"}) == (268435456, 0.5)


def test_limits_of_version_2_are_the_smallest_on_the_way_up(tmp_path: Path) -> None:
    files = {
        "memory.max": "max",
        "a/memory.max": "100",
        "a/b/memory.max": "200",
        "a/cpu.max": "max 100000",
        "a/b/cpu.max": "150000 100000",
    }
    assert groups(tmp_path, "0::/a/b\n", files) == (100, 1.5)


def test_no_limit_of_version_2(tmp_path: Path) -> None:
    assert groups(tmp_path, "0::/a\n", {"a/memory.max": "max", "a/cpu.max": "max 100000"}) == (None, None)


def test_limits_of_version_1_where_the_groups_begin_at_the_container(tmp_path: Path) -> None:
    told = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n0::/y\n"
    files = {
        "memory/memory.limit_in_bytes": "134217728",
        "cpu/cpu.cfs_quota_us": "25000",
        "cpu/cpu.cfs_period_us": "100000",
    }
    assert groups(tmp_path, told, files) == (134217728, 0.25)


def test_no_limit_of_version_1(tmp_path: Path) -> None:
    files = {
        "memory/a/memory.limit_in_bytes": "9223372036854771712",
        "cpu/a/cpu.cfs_quota_us": "-1",
        "cpu/a/cpu.cfs_period_us": "100000",
    }
    assert groups(tmp_path, "4:memory:/a\n3:cpu:/a\n", files) == (None, None)


def test_an_ordinary_process_ends_with_its_block() -> None:
    with ordinary_process(SLEEPS) as pid:
        assert _state(pid) in ("S", "R", "D")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_ordinary_process_is_ended_when_its_time_is_over() -> None:
    with ordinary_process(SLEEPS, within=0.2) as pid:
        eventually(lambda: _state(pid) == "Z", "its end")


def test_a_program_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match="no-such-program cannot be started"), ordinary_process(["no-such-program"]):
        pass


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
