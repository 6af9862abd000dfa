import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.cluster import commands
from wavetank.errors import ClusterError, EngineError


def run(log: Path, code: str, timeout: float = 20) -> None:
    commands.run(
        [sys.executable, "-c", code],
        doing="the work",
        log=log,
        env={"COLOUR": "sea green"},
        given="in",
        timeout=timeout,
    )


def test_input_and_environment_reach_the_program_and_its_words_the_log(tmp_path: Path) -> None:
    run(tmp_path / "log", "import os, sys; print(sys.stdin.read(), os.environ['COLOUR'])")
    assert (tmp_path / "log").read_text() == "in sea green\n"


def test_no_proxy_of_the_environment_reaches_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "intranet")
    run(tmp_path / "log", "import os; print([name for name in os.environ if 'proxy' in name.lower()])")
    assert (tmp_path / "log").read_text() == "[]\n"


def test_a_failure_shows_the_last_words_and_a_command_to_paste(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        run(tmp_path / "log", "import sys; print('it began'); sys.exit('and then it broke')")
    assert "and then it broke" in caught.value.help.logs
    assert "exit code 1" in caught.value.help.observed
    assert caught.value.help.command.startswith("COLOUR='sea green' ")


def test_a_full_disk_is_recognised_in_what_a_program_says(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="disk is full"):
        run(tmp_path / "log", "raise SystemExit('write /var/x: no space left on device')")


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        run(tmp_path / "log", "import time; time.sleep(60)", timeout=0.5)
    assert any("more than" in line for line in caught.value.help.logs)


def test_ending_all_ends_a_program_and_those_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import os, subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    failures: list[BaseException] = []

    def start() -> None:
        try:
            run(tmp_path / "log", code, timeout=60)
        except ClusterError as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    eventually(lambda: child.exists() and child.read_text(), "the program to start its child")
    commands.end_all()
    thread.join(10)
    assert failures
    eventually(lambda: not _runs(int(child.read_text())), "the child to end")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


PROGRAM = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"

ON_A_THREAD = """
import sys, threading, time
from pathlib import Path
from wavetank.cluster import commands
program, began, log = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
words = {"doing": "the work", "log": log, "env": {}, "timeout": 60}
command = [sys.executable, "-c", program, str(began)]
threading.Thread(target=commands.run, args=(command,), kwargs=words, daemon=True).start()
while not (began.exists() and began.read_text()):
    time.sleep(0.02)
"""


def test_what_runs_on_a_thread_ends_with_this_process(tmp_path: Path) -> None:
    began = tmp_path / "began"
    command = [sys.executable, "-c", ON_A_THREAD, PROGRAM, str(began), str(tmp_path / "log")]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert not Path("/proc", began.read_text()).exists()
