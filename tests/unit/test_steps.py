"""Steps run after what they need, at once where they may, and tell what happened."""

from __future__ import annotations

import _thread
import threading
import time

import pytest

from wavetank import steps as steps_module
from wavetank.errors import BundleError, InputError, StepError
from wavetank.steps import Step, StepEvent, print_report, run_steps

PATIENCE = 10.0


def quiet(event: StepEvent) -> None:
    """Report nothing."""


def nothing() -> None:
    """Do nothing."""


def test_a_step_runs_after_all_it_needs() -> None:
    order: list[str] = []
    steps = [
        Step("roof", lambda: order.append("roof"), needs=("walls", "beams")),
        Step("walls", lambda: order.append("walls"), needs=("ground",)),
        Step("beams", lambda: order.append("beams"), needs=("ground",)),
        Step("ground", lambda: order.append("ground")),
    ]
    run_steps(steps, quiet)
    assert order[0] == "ground"
    assert order[-1] == "roof"
    assert len(order) == 4


def test_independent_steps_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)

    def meet() -> None:
        meeting.wait()

    run_steps([Step("one", meet), Step("other", meet)], quiet, workers=2)


def test_no_more_steps_at_once_than_workers() -> None:
    lock = threading.Lock()
    at_once: list[int] = []
    under_way = 0

    def count() -> None:
        nonlocal under_way
        with lock:
            under_way += 1
            at_once.append(under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1

    run_steps([Step(f"step {number}", count) for number in range(6)], quiet, workers=2)
    assert max(at_once) <= 2


def test_events_carry_times_and_notes() -> None:
    events: list[StepEvent] = []
    ended = run_steps([Step("build", lambda: "cached")], events.append)
    assert [(event.state, event.note) for event in events] == [("started", ""), ("done", "cached")]
    assert [event.step for event in ended] == ["build"]
    assert 0 <= ended[0].seconds < PATIENCE


def test_a_long_step_is_reported_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_module, "HEARTBEAT_SECONDS", 0.01)
    beaten = threading.Event()

    def report(event: StepEvent) -> None:
        if event.state == "running":
            beaten.set()

    def wait_for_beat() -> str:
        return "heard" if beaten.wait(PATIENCE) else "silence"

    assert run_steps([Step("long", wait_for_beat)], report)[0].note == "heard"


def test_a_failure_names_the_step_and_keeps_the_help() -> None:
    def fail() -> None:
        raise BundleError("no such module", observed="403", command="go list", hint="another version", logs=["last"])

    with pytest.raises(StepError, match="go etcd: no such module") as caught:
        run_steps([Step("go etcd", fail)], quiet)
    assert caught.value.help.observed == "403"
    assert list(caught.value.help.logs) == ["last"]
    assert isinstance(caught.value.__cause__, BundleError)


def test_of_several_failures_the_one_that_stands_first_is_told() -> None:
    later_has_failed = threading.Event()

    def fail(summary: str) -> None:
        raise BundleError(summary)

    def report(event: StepEvent) -> None:
        if (event.step, event.state) == ("waits for it", "failed"):
            later_has_failed.set()

    def wait_and_fail() -> None:
        later_has_failed.wait(PATIENCE)
        fail("the cause")

    steps = [Step("what is needed", wait_and_fail), Step("waits for it", lambda: fail("given up"))]
    with pytest.raises(StepError, match="what is needed: the cause"):
        run_steps(steps, report, workers=2)


def test_a_defect_is_a_failed_step_too() -> None:
    with pytest.raises(StepError, match="broken: ZeroDivisionError"):
        run_steps([Step("broken", lambda: str(1 // 0))], quiet)


def test_after_a_failure_nothing_new_starts_but_what_runs_may_end() -> None:
    failed = threading.Event()
    ended: list[str] = []

    def fail() -> None:
        failed.set()
        raise BundleError("no")

    def outlast() -> None:
        failed.wait(PATIENCE)
        ended.append("outlasted")

    steps = [
        Step("outlast", outlast),
        Step("fail", fail),
        Step("after", lambda: ended.append("after"), needs=("outlast",)),
    ]
    with pytest.raises(StepError, match="fail"):
        run_steps(steps, quiet, workers=2)
    assert ended == ["outlasted"]


def test_ctrl_c_is_answered_although_a_step_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_module, "INTERRUPT_GRACE_SECONDS", 0.05)
    release = threading.Event()
    later: list[str] = []

    def hang() -> None:
        _thread.interrupt_main()
        release.wait(PATIENCE)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_steps([Step("hang", hang), Step("later", lambda: later.append("ran"), needs=("hang",))], quiet)
    release.set()
    assert time.monotonic() - began < PATIENCE / 2
    assert later == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([Step("a", nothing, needs=("b",)), Step("b", nothing, needs=("a",))], "can never run"),
        ([Step("a", nothing, needs=("nowhere",))], "can never run"),
        ([Step("a", nothing), Step("a", nothing)], "two steps"),
    ],
)
def test_steps_that_cannot_all_run_are_refused_before_the_first(steps: list[Step], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_steps(steps, quiet)


def test_the_printed_report(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(StepEvent("go etcd", "started"))
    print_report(StepEvent("go etcd", "done", 3.21, "cached"))
    assert capsys.readouterr().err.split() == ["✓", "go", "etcd", "3.2", "s", "cached"]


def test_of_steps_that_want_the_same_thing_alone_one_runs_at_a_time_in_their_order() -> None:
    under_way: list[str] = []
    most: list[int] = []
    order: list[str] = []
    started = threading.Barrier(2, timeout=10)

    def hold(name: str, *, meet: bool) -> None:
        under_way.append(name)
        order.append(name)
        most.append(len([each for each in under_way if each != "beside"]))
        if meet:
            started.wait()  # the step beside has begun too: only those that share something wait for each other
        under_way.remove(name)

    steps = [
        Step("first", lambda: hold("first", meet=True), alone="go"),
        Step("second", lambda: hold("second", meet=False), alone="go"),
        Step("beside", lambda: hold("beside", meet=True)),
    ]
    run_steps(steps, lambda event: None, workers=3)
    assert max(most) == 1
    assert order.index("first") < order.index("second")


def test_a_step_under_way_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_module, "HEARTBEAT_SECONDS", 0.01)
    told = threading.Event()

    def report(event: StepEvent) -> None:
        if event.state == "running" and event.note == "43 of 120 MB":
            told.set()

    def action() -> None:
        assert told.wait(10)

    run_steps([Step("pull", action, progress=lambda: "43 of 120 MB")], report)
    assert told.is_set()
