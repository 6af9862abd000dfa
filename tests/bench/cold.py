"""From nothing to every lab, measured as a newcomer meets it: `make bench-cold`. Standard library only.

A fresh clone of the last commit, empty caches (Go's, pip's, Wavetank's own), `make lab`, and the clock: when JupyterLab
answers, when the first two sections of Lab 1 have run, when each lab is at its first checkpoint, when everything is up.
Then `wavetank down`, and `make lab` again with the bundle there. Beside them stands how fast the machine is: the
seconds of one fixed Go build from an empty cache, before and after. With `--save`, what was measured goes into
clusters/needs.yaml.

It needs the cluster's name and ports for itself and ends with `wavetank down`. An engine that is there already is used,
and it says so.
"""

from __future__ import annotations

import json
import os
import platform
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
from typing import IO, Any

ROOT = Path(__file__).parents[2]
WITHIN = 3600.0
MIB = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0, "B": 1 / 1024**2}

FIRST_CHECKPOINT = """
import sys
from wavetank import open_lab

for id_ in sys.argv[1:]:
    lab = open_lab(id_, say=lambda words: print("#", words, flush=True))
    lab.goto(lab.model.checkpoints[0].id)
    print(id_, flush=True)
"""
SECTIONS_OF_LAB_1 = """
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("labs/01-containers/lab.ipynb", 4)
third = next(n for n, cell in enumerate(notebook.cells) if "## 3" in cell.source)
notebook.cells = notebook.cells[:third]
NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "labs/01-containers"}}).execute()
print("Lab 1: sections 1 and 2 have run", flush=True)
"""
SAVE = """
import json, sys
from datetime import date
from wavetank.cluster.needs import LabNeeds, Measured, Needs, Opening, load_needs, save_needs

told = json.load(sys.stdin)
save_needs(Needs(
    Measured(str(date.today()), told["machine"], "`make bench-cold`: a fresh clone, empty caches", told["go_build"]),
    Opening(**told["jupyterlab"]),
    {id_: LabNeeds(**lab) for id_, lab in told["labs"].items()},
    load_needs().free,
    told["bundle"],
))
"""


class Clone:
    """A fresh clone with caches of its own, and the clock of what was reached in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.path = place / "wavetank"
        caches = {"XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state", "GOCACHE": "go-build", "GOMODCACHE": "go-mod"}
        own = {name: str(place / path) for name, path in caches.items()}
        self.environment = {**os.environ, **own, "PIP_NO_CACHE_DIR": "1"}
        self.reached: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.path)], check=True)

    def measure(self) -> dict[str, float]:
        """Run `make lab` until everything is up; return the seconds from its start by what was reached."""
        self.reached, self.began = {}, time.monotonic()
        log = self.place / "make-lab.log"
        with log.open("w") as sink:
            make = subprocess.Popen(
                ["make", "lab"],
                cwd=self.path,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = _await(lambda: _url(log), make, "JupyterLab")
            self.reach("JupyterLab answers")
            labs = [
                self.start(FIRST_CHECKPOINT, "01-containers", then=SECTIONS_OF_LAB_1),
                self.start(FIRST_CHECKPOINT, "02-kubernetes", "00-start", "03-service-mesh", "04-serverless"),
            ]
            _await(lambda: self._all_ready(_state(url)), make, "every lab")
            self.reach("everything is up")
            for lab in labs:
                lab.join()
        except BaseException:
            print(log.read_text()[-6000:], file=sys.stderr)
            raise
        finally:
            with suppress(ProcessLookupError):
                os.killpg(make.pid, signal.SIGTERM)
            make.wait(30)
            self.run(["wavetank", "down"])
        return self.reached

    def reach(self, what: str) -> None:
        """Note that something was reached now."""
        self.reached[what] = time.monotonic() - self.began
        print(f"{self.reached[what]:8.1f} s  {what}", flush=True)

    def start(self, script: str, *arguments: str, then: str = "") -> threading.Thread:
        """Run a script with the clone's Python on a thread; each line it prints was reached."""

        def work() -> None:
            for program in filter(None, (script, then)):
                command = [self.path / ".venv/bin/python", "-c", program, *arguments]
                with subprocess.Popen(
                    command, cwd=self.path, env=self._with_tools(), stdout=subprocess.PIPE, text=True
                ) as process:
                    self._note(process.stdout)
                if process.returncode:
                    self.reach(f"{' '.join(arguments)}: FAILED")

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def run(self, command: list[str], given: str = "") -> str:
        """Run a command of the clone and return what it printed."""
        done = subprocess.run(
            command, env=self._with_tools(), cwd=self.path, input=given, capture_output=True, text=True, check=True
        )
        return done.stdout

    def _note(self, lines: IO[str] | None) -> None:
        for line in map(str.strip, lines or ()):
            if not line.startswith("#"):
                self.reach(line)
                self.memory.setdefault(line, _memory())

    def _all_ready(self, state: dict[str, Any]) -> bool:
        for stage in state.get("stages", ()):
            if stage["words"] == "ready" and f"ready: {stage['name']}" not in self.reached:
                self.reach(f"ready: {stage['name']}")
        return bool(state) and all(lab["state"] == "ready" for lab in state["labs"])

    def _with_tools(self) -> dict[str, str]:
        return {**self.environment, "PATH": f"{self.path}/.venv/bin{os.pathsep}{self.environment['PATH']}"}


def main() -> None:
    """Measure, print a table, and leave nothing."""
    if _out(["docker", "ps", "-aq", "--filter", "label=dev.wavetank.cluster"]):
        sys.exit("a cluster of Wavetank's is there: `wavetank down` first")
    engine = "there already" if _out(["docker", "info", "--format", "{{.ID}}"]) else "none: installed on the way"
    with tempfile.TemporaryDirectory(prefix="wavetank-cold-") as folder:
        place = Path(folder)
        before = go_build(place)
        clone = Clone(place)
        try:
            nothing = dict(clone.measure())
            bundle = _size(place / "cache" / "wavetank" / "bundles")
            print("\nagain, with the bundle there:", flush=True)
            there = dict(clone.measure())
            after = go_build(place)
            if "--save" in sys.argv:
                told = _needs(nothing, there, clone.memory, bundle, max(before, after))
                _save(clone, told)
        finally:
            _let_be_removed(place / "go-mod")
    print(f"\n{_out(['git', '-C', str(ROOT), 'log', '-1', '--format=%h %s'])}")
    print(f"{_machine()}; engine: {engine}")
    print(f"a fixed Go build takes {before:.1f} s before and {after:.1f} s after; the bundle has {bundle} MiB\n")
    print(f"  {'seconds':<40} {'from nothing':>13} {'with bundle':>13}  MiB")
    for what, took in nothing.items():
        again, memory = there.get(what), clone.memory.get(what, "")
        print(f"  {what:<40} {took:13.1f} {'' if again is None else f'{again:13.1f}':>13}  {memory}")


def _save(clone: Clone, told: dict[str, Any]) -> None:
    """Write clusters/needs.yaml of this checkout, by the clone's code."""
    clone.run(["python", "-c", SAVE], json.dumps(told))
    shutil.copyfile(clone.path / "clusters" / "needs.yaml", ROOT / "clusters" / "needs.yaml")


def go_build(place: Path) -> float:
    """Return the seconds of building gofmt and the part of the standard library it needs, from an empty cache."""
    with tempfile.TemporaryDirectory(dir=place) as cache:
        began = time.monotonic()
        command = ["go", "build", "-o", os.devnull, "cmd/gofmt"]
        subprocess.run(command, env={**os.environ, "GOCACHE": cache}, check=True)
        return time.monotonic() - began


def _needs(
    nothing: dict[str, float], there: dict[str, float], memory: dict[str, int], bundle: int, go_build: float
) -> dict[str, Any]:
    def both(what: str) -> dict[str, float]:
        return {"from_nothing": nothing[what] / 60, "with_bundle": there[what] / 60}

    labs = sorted(what for what in nothing if re.fullmatch(r"\d\d-[a-z-]+", what))
    return {
        "machine": _machine(),
        "go_build": round(go_build, 1),
        "jupyterlab": both("JupyterLab answers"),
        "labs": {id_: {**both(id_), "memory": memory[id_]} for id_ in labs},
        "bundle": bundle,
    }


def _machine() -> str:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    engine = _out(["docker", "version", "--format", "{{.Server.Version}}"])
    cgroups = _out(["docker", "info", "--format", "{{.CgroupVersion}}"])
    return (
        f"{os.cpu_count()} cores, {gib:.0f} GiB of memory, {platform.machine()}, "
        f"engine {engine}, control groups of version {cgroups}"
    )


def _memory() -> int:
    """Return the MiB that the cluster's containers take now."""
    names = _out(["docker", "ps", "--format", "{{.Names}}", "--filter", "network=wavetank"]).split()
    used = _out(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *names]) if names else ""
    amounts = re.findall(r"^([\d.]+)([KMG]?i?B) /", used, re.MULTILINE)
    return round(sum(float(number) * MIB[unit] for number, unit in amounts))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) >> 20


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


def _let_be_removed(modules: Path) -> None:
    """Go's modules may not be written to, and so not removed."""
    for path in modules.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


if __name__ == "__main__":
    main()
