"""Named steps: what `up` and `bundle build` are made of, and the one loop that runs them.

A step is a name, an idempotent action, and the names of the steps it needs. `run_steps` starts whatever is ready, a
few at a time, each in a thread; the caller's thread only waits and reports, so that a report may print or draw as it
likes and Ctrl-C is answered at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Literal

from wavetank.errors import InputError, StepError, WavetankError

__all__ = ["Report", "Step", "StepEvent", "print_report", "run_steps"]

HEARTBEAT_SECONDS = 15.0
"""How often a step that is still running is reported again."""

INTERRUPT_GRACE_SECONDS = 5.0
"""How long the steps under way may take to end after Ctrl-C, before they are left behind."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``action`` may return a short note (such as "cached") that is shown beside the time.

    Of the steps that name the same thing in ``alone``, one runs at a time. ``progress`` tells in a few words how far it
    is, and is asked while it runs.
    """

    name: str
    action: Callable[[], str | None]
    needs: tuple[str, ...] = ()
    alone: str = ""
    progress: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class StepEvent:
    """What happened to a step, ``seconds`` after it began."""

    step: str
    state: Literal["started", "running", "done", "failed"]
    seconds: float = 0.0
    note: str = ""


Report = Callable[[StepEvent], None]


def print_report(event: StepEvent) -> None:
    """Print steps that end, and those that take long, one line each, on standard error."""
    mark = {"started": "", "running": "…", "done": "✓", "failed": "✗"}[event.state]
    if mark:
        note = f"  {event.note}" if event.note else ""
        print(f"  {mark} {event.step:<60} {event.seconds:6.1f} s{note}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class _Outcome:
    step: Step
    note: str
    error: BaseException | None


def run_steps(
    steps: Sequence[Step],
    report: Report = print_report,
    *,
    workers: int | None = None,
    on_interrupt: Callable[[], None] = lambda: None,
) -> list[StepEvent]:
    """Run all steps, each after those it needs, at most ``workers`` at once (as many as there are cores).

    Of the steps that may begin, those that stand first in ``steps`` do.

    Returns the last event of each step in the order they ended. After a failure only what stands before the failed step
    is still begun, what is under way is waited for (its work is kept for the next run), and `StepError` names the one
    of the failed steps that stands first, with the help its own error gave. After Ctrl-C ``on_interrupt`` is called, to
    end what the steps under way are waiting for. Raises `InputError` for steps that can never all run.
    """
    _check_runnable(steps)
    limit = workers or os.cpu_count() or 1
    waiting = list(steps)
    place = {step.name: number for number, step in enumerate(steps)}
    end = len(steps)
    going: dict[str, Step] = {}
    began: dict[str, float] = {}
    ended: list[StepEvent] = []
    failures: list[_Outcome] = []
    outcomes: SimpleQueue[_Outcome] = SimpleQueue()
    beat = time.monotonic() + HEARTBEAT_SECONDS
    try:
        while True:
            done = {event.step for event in ended}
            for step in [step for step in waiting if done.issuperset(step.needs) and place[step.name] < end]:
                held = step.alone and any(step.alone == other.alone for other in going.values())
                if len(began) < limit and not held:
                    waiting.remove(step)
                    going[step.name] = step
                    began[step.name] = time.monotonic()
                    report(StepEvent(step.name, "started"))
                    threading.Thread(target=_run, args=(step, outcomes), name=step.name, daemon=True).start()
            if not going:
                break
            try:
                outcome = outcomes.get(timeout=max(0.0, beat - time.monotonic()))
            except Empty:
                beat = time.monotonic() + HEARTBEAT_SECONDS
                for name, since in began.items():
                    if (seconds := time.monotonic() - since) >= HEARTBEAT_SECONDS:
                        progress = going[name].progress
                        report(StepEvent(name, "running", seconds, progress() if progress else ""))
                continue
            seconds = time.monotonic() - began.pop(outcome.step.name)
            del going[outcome.step.name]
            event = StepEvent(outcome.step.name, "failed" if outcome.error else "done", seconds, outcome.note)
            report(event)
            if outcome.error is None:
                ended.append(event)
            else:
                failures.append(outcome)
                end = min(end, place[outcome.step.name])
    except KeyboardInterrupt:
        on_interrupt()
        _wait_for(len(began), outcomes)
        raise
    if failures:
        first = min(failures, key=lambda outcome: place[outcome.step.name])
        raise _step_error(first) from first.error
    return ended


def _check_runnable(steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise InputError(f"two steps are called {min(doubled)!r}", expected="one step of each name")
    done: set[str] = set()
    waiting = list(steps)
    while ready := [step for step in waiting if done.issuperset(step.needs)]:
        done.update(step.name for step in ready)
        waiting = [step for step in waiting if step not in ready]
    if waiting:
        step = waiting[0]
        missing = ", ".join(sorted(set(step.needs) - done))
        raise InputError(
            f"step {step.name!r} can never run", observed=f"needs {missing}", expected="needs that exist and no circle"
        )


def _run(step: Step, outcomes: SimpleQueue[_Outcome]) -> None:
    try:
        outcomes.put(_Outcome(step, step.action() or "", None))
    except BaseException as error:  # whatever it was, the waiting thread has to hear of it
        outcomes.put(_Outcome(step, "", error))


def _wait_for(count: int, outcomes: SimpleQueue[_Outcome]) -> None:
    deadline = time.monotonic() + INTERRUPT_GRACE_SECONDS
    for _ in range(count):
        try:
            outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return


def _step_error(failure: _Outcome) -> StepError:
    error = failure.error
    if isinstance(error, WavetankError):
        return StepError(f"{failure.step.name}: {error.summary}", **error.help.parts())
    return StepError(f"{failure.step.name}: {type(error).__name__}: {error}")
