"""Measuring starts: bounded in number and time, one after the other, and nothing is left behind."""

from __future__ import annotations

import threading
import time

import pytest
from tests.support.fake_engine import BASE, FakeEngine

from wavetank.errors import ImageError, InputError, WaitTimeoutError
from wavetank.images import Ended
from wavetank.images.starts import MOST, Starts, measure

REF = BASE.tags[0]


def begins_after(seconds: float) -> FakeEngine:
    """Return an engine whose containers say that they began ``seconds`` after they were started."""
    engine = FakeEngine()
    engine.on_run = lambda ref, command: Ended(0, f"{time.time_ns() + round(seconds * 1e9)}\n")
    return engine


def test_as_many_are_measured_as_are_asked_for_and_each_container_is_removed() -> None:
    engine, told = begins_after(0.4), []
    starts = measure(engine, REF, 3, report=told.append)
    assert starts.complete
    assert engine.started == 3
    assert engine.containers == {}
    assert [len(so_far.container) for so_far in told] == [1, 2, 3]
    assert all(0.4 <= seconds < 0.6 for seconds in starts.container)


def test_the_process_is_a_real_one_that_runs_the_same_program() -> None:
    engine, commands = begins_after(0.4), []
    play = engine.on_run
    engine.on_run = lambda ref, command: commands.append(command) or play(ref, command)
    starts = measure(engine, REF, 2)
    assert all(0 < seconds < 5 for seconds in starts.process)
    assert [command[0] for command in commands] == ["python3", "python3"]
    assert "time.time_ns()" in commands[0][-1]


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_more_or_fewer_than_may_be_are_refused(count: int) -> None:
    engine = begins_after(0)
    with pytest.raises(InputError, match="cannot be measured"):
        measure(engine, REF, count)
    assert engine.started == 0


def test_it_ends_when_its_time_is_over_with_what_it_has() -> None:
    assert measure(begins_after(0), REF, 5, within=0.0) == Starts(5)


def test_it_ends_when_it_is_stopped_with_what_it_has() -> None:
    stop = threading.Event()
    starts = measure(begins_after(0), REF, 50, report=lambda so_far: stop.set(), stop=stop)
    assert (len(starts.container), len(starts.process), starts.complete) == (1, 1, False)
    assert str(starts).startswith("1 of 50 starts measured\n  a container: half within ")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "did not say when it began"),
        ("python3: not found", "did not say when it began"),
        ("12345", "began before it was started"),
    ],
)
def test_what_is_no_time_is_an_error_and_the_container_is_removed(output: str, message: str) -> None:
    engine = FakeEngine()
    engine.on_run = lambda ref, command: Ended(0, output)
    with pytest.raises(ImageError, match=message):
        measure(engine, REF, 1)
    assert engine.containers == {}


def test_a_container_that_never_ends_is_an_error_and_is_removed() -> None:
    engine = FakeEngine()
    engine.on_run = lambda ref, command: None
    with pytest.raises(WaitTimeoutError):
        measure(engine, REF, 1)
    assert engine.containers == {}


def test_it_is_told_in_milliseconds() -> None:
    told = str(Starts(2, container=(0.4, 0.5), process=(0.02, 0.03)))
    assert told.splitlines() == [
        "2 of 2 starts measured",
        "  a container: half within 400.0 ms, 95 % within 500.0 ms, from 400.0 to 500.0 ms",
        "  a process:   half within 20.0 ms, 95 % within 30.0 ms, from 20.0 to 30.0 ms",
    ]
    assert str(Starts(100)) == "none of 100 starts measured yet"
