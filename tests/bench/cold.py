"""From nothing to every lab, measured as a newcomer meets it: `make bench-cold`. Standard library only.

A fresh clone of the last commit, empty caches (Go's, pip's, Wavetank's own), `make lab`, and the clock: when JupyterLab
answers, when the first two sections of Lab 1 have run, when Lab 2 is at its first checkpoint, when everything is up.
Beside them stands how fast the machine is: the seconds of one fixed Go build from an empty cache, before and after.

It needs the cluster's name and ports for itself and ends with `wavetank down`. An engine that is there already is used,
and it says so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WITHIN = 3600.0
SECTIONS_OF_LAB_1 = """
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("labs/01-containers/lab.ipynb", 4)
third = next(n for n, cell in enumerate(notebook.cells) if cell.source.startswith("## 3"))
notebook.cells = notebook.cells[:third]
NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "labs/01-containers"}}).execute()
"""
CHECKPOINT_OF_LAB_2 = """
from wavetank import open_lab

lab = open_lab("02-kubernetes", say=print)
print(lab.goto(lab.model.checkpoints[0].id))
"""


def main() -> None:
    """Measure, print a table, and leave nothing."""
    if _out(["docker", "ps", "-aq", "--filter", "label=dev.wavetank.cluster"]):
        sys.exit("a cluster of Wavetank's is there: `wavetank down` first")
    engine = "there already" if shutil.which("dockerd") or shutil.which("podman") else "none: installed on the way"
    with tempfile.TemporaryDirectory(prefix="wavetank-cold-") as folder:
        place = Path(folder)
        before = go_build(place)
        try:
            seconds, stages = newcomer(place)
        finally:
            _remove_read_only(place / "go-modules")
        after = go_build(place)
    commit = _out(["git", "-C", str(ROOT), "log", "-1", "--format=%h %s"])
    print(f"\n{commit}\n{os.cpu_count()} cores; engine: {engine}")
    print(f"fixed Go build {before:.1f} s before, {after:.1f} s after\n")
    rows = {**seconds, **{f"{name}: ready": at for name, at in stages.items()}}
    for what, took in rows.items():
        print(f"  {what:<44} {took:7.1f} s  ({took / 60:.1f} min)")


def newcomer(place: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Clone, run `make lab`, do the first labs; return seconds from the start by what was reached, and by stage."""
    caches = {"XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state", "GOCACHE": "go-build", "GOMODCACHE": "go-modules"}
    environment = {**os.environ, **{name: str(place / path) for name, path in caches.items()}, "PIP_NO_CACHE_DIR": "1"}
    clone = place / "wavetank"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    reached: dict[str, float] = {}
    began = time.monotonic()

    def reach(what: str) -> None:
        reached[what] = time.monotonic() - began
        print(f"{reached[what]:8.1f} s  {what}", flush=True)

    def run(what: str, script: str) -> threading.Thread:
        def work() -> None:
            done = subprocess.run(
                [clone / ".venv/bin/python", "-c", script],
                cwd=clone,
                env={**environment, "PATH": f"{clone}/.venv/bin{os.pathsep}{environment['PATH']}"},
                capture_output=True,
                text=True,
                timeout=WITHIN,
                check=False,
            )
            reach(what if done.returncode == 0 else f"{what}: FAILED {done.stderr[-2000:]}")

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    log = (place / "make-lab.log").open("w+")
    make = subprocess.Popen(
        ["make", "lab"],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        url = _await(lambda: _url(place / "make-lab.log"), make, "JupyterLab")
        reach("JupyterLab answers")
        first = run("Lab 1: sections 1 and 2 have run", SECTIONS_OF_LAB_1)
        second = run("Lab 2: at its first checkpoint", CHECKPOINT_OF_LAB_2)
        stages: dict[str, float] = {}

        def everything() -> bool:
            state = _state(url)
            for stage in state.get("stages", ()):
                if stage["words"] == "ready" and stage["name"] not in stages:
                    stages[stage["name"]] = time.monotonic() - began
            return bool(state) and all(lab["state"] == "ready" for lab in state["labs"])

        _await(everything, make, "every lab")
        reach("everything is up")
        first.join()
        second.join()
    except BaseException:
        print((place / "make-lab.log").read_text()[-6000:], file=sys.stderr)
        raise
    finally:
        with suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGINT)
        make.wait(30)
        subprocess.run([clone / ".venv/bin/wavetank", "down"], env=environment, cwd=clone, check=False)
    return reached, stages


def go_build(place: Path) -> float:
    """Return the seconds of building gofmt and the part of the standard library it needs, from an empty cache."""
    with tempfile.TemporaryDirectory(dir=place) as cache:
        began = time.monotonic()
        subprocess.run(["go", "build", "-o", os.devnull, "cmd/gofmt"], env={**os.environ, "GOCACHE": cache}, check=True)
        return time.monotonic() - began


def _await(condition: Callable[[], Any], make: subprocess.Popen[bytes], what: str) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (seen := condition()):
        if make.poll() is not None:
            sys.exit(f"`make lab` ended with {make.returncode} before {what} was there")
        if time.monotonic() > deadline:
            sys.exit(f"no {what} in {WITHIN:.0f} s")
        time.sleep(1)
    return seen


def _url(log: Path) -> str:
    found = re.search(r"http://127\.0\.0\.1:\S+", log.read_text())
    return found[0] if found else ""


def _state(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url.replace("/wavetank?", "/wavetank/state?"), timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
            return state
    except (urllib.error.URLError, TimeoutError):
        return {}


def _out(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def _remove_read_only(modules: Path) -> None:
    """Let Go's modules be removed: their folders may not be written to."""
    for path in modules.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


if __name__ == "__main__":
    main()
