"""What the process does: it makes the bundle, and brings up what each stage of it is for as soon as that is there."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from wavetank.bootstrap.journal import Journal
from wavetank.bootstrap.stages import stage_of
from wavetank.bundle import Bundle
from wavetank.bundle.stages import Stage, up_to
from wavetank.cluster import ClusterSpec, obtain_bundle, up
from wavetank.cluster.doctor import examine
from wavetank.engine import connect
from wavetank.errors import EngineError, WavetankError
from wavetank.pasted import pasted
from wavetank.processes import tied_to_us
from wavetank.steps import Step, run_steps

__all__ = ["work"]

ENGINE_SCRIPT = Path(__file__).parents[3] / "scripts" / "engine.sh"
AGREED = "WAVETANK_ENGINE"
"""Set to yes where a person was asked whether an engine may be installed: `scripts/engine.sh ask`."""
ENGINE_SECONDS = 900.0
"""How long installing and starting an engine may take."""
LAST_WORDS = 12
TRIES_AGAIN = 30.0
"""Seconds until a cluster that failed is tried again."""

Grown = Bundle | Exception | None
"""What comes from the thread that makes the bundle: a stage more; at the end None, or what went wrong."""


def work(spec: ClusterSpec, journal: Journal) -> bool:
    """Bring everything up, telling the journal; return whether all of it is.

    A bundle that fails keeps the stages it has. A cluster that fails is tried again while the bundle is being made:
    what was in the way may be mended meanwhile.
    """
    asked = up_to(stage_of(spec.addons))
    stages: list[Stage] = []

    def ready(stage: Stage) -> None:
        if stage in asked and stage not in stages:
            stages.append(stage)
            journal.ready(stages)

    grown: SimpleQueue[Grown] = SimpleQueue()
    threading.Thread(target=_make, args=(grown, journal), daemon=True, name="bundle").start()
    well = _tried(
        journal,
        lambda: run_steps(
            [Step("engine", _engine), Step("doctor", lambda: _examined(spec), ("engine",))], journal.step
        ),
    )
    bundle: Bundle | None = None
    while True:
        try:
            latest = _latest(grown, within=None if well or bundle is None else TRIES_AGAIN)
        except Empty:  # nothing new, and the last try failed: what was in the way may be mended
            latest = bundle
        if not isinstance(latest, Bundle):
            break
        bundle = latest
        well = _tried(journal, lambda: up(spec, bundle, report=journal.step, ready=ready))  # noqa: B023 - called at once
    if latest is not None:
        journal.error(_words(latest))
    return well and latest is None


def _make(grown: SimpleQueue[Grown], journal: Journal) -> None:
    try:
        obtain_bundle(journal.step, use=grown.put, foretold=lambda estimate: journal.estimates(estimate.stages))
        grown.put(None)
    except Exception as error:  # a thread has nobody to raise to: the loop is told
        grown.put(error)


def _latest(grown: SimpleQueue[Grown], within: float | None) -> Grown:
    """Wait for what comes next; of several stages that have come meanwhile, return the last.

    Raises `Empty` when nothing comes within so many seconds, if any.
    """
    latest = grown.get(timeout=within)
    while isinstance(latest, Bundle):
        try:
            following = grown.get_nowait()
        except Empty:
            return latest
        if not isinstance(following, Bundle):
            grown.put(following)  # its turn is next
            return latest
        latest = following
    return latest


def _tried(journal: Journal, act: Callable[[], object]) -> bool:
    """Do it; note what went wrong, or that nothing is wrong any more."""
    try:
        act()
    except Exception as error:  # whoever reads the journal is told; the bundle is made all the same
        journal.error(_words(error))
        return False
    journal.error("")
    return True


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, WavetankError) else f"{type(error).__name__}: {error}"


def _examined(spec: ClusterSpec) -> str:
    """Return what the doctor has found, in a few words: what is in the way stops the step that needs it, not this."""
    found = [finding.name for finding in examine(spec) if finding.level == "problem"]
    return f"in the way: {', '.join(found)}; `wavetank doctor` tells more" if found else "nothing is in the way"


def _engine() -> str:
    """Have an engine that answers; where somebody has agreed to it, the checkout's script installs and starts one."""
    try:
        connect()
        return "there already"
    except EngineError:
        if os.environ.get(AGREED) != "yes" or not ENGINE_SCRIPT.is_file():
            raise
    try:
        done = _run_script()
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            "there is no container engine yet",
            observed=f"`{ENGINE_SCRIPT.name}` had not ended after {ENGINE_SECONDS:.0f} s",
            command=pasted(ENGINE_SCRIPT),
            hint="run it in a terminal, then `make lab` again",
        ) from error
    if done.returncode != 0:
        raise EngineError(
            "there is no container engine yet",
            observed=f"`{ENGINE_SCRIPT.name}` ended with exit code {done.returncode}",
            logs=done.stdout.splitlines()[-LAST_WORDS:],
            command=pasted(ENGINE_SCRIPT),
            hint="run it in a terminal, then `make lab` again",
        )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _run_script() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*tied_to_us(), str(ENGINE_SCRIPT)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=ENGINE_SECONDS,
        check=False,
    )
