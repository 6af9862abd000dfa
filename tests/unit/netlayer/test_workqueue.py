"""Each key once, when it is due, and never in two hands."""

from __future__ import annotations

import threading

from wavetank.netlayer.workqueue import WorkQueue


def test_a_key_that_is_added_twice_is_taken_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("a", "a", "b"):
        queue.add(key)
    taken = [queue.take(), queue.take()]
    assert sorted(map(str, taken)) == ["a", "b"]
    queue.add("c")
    assert queue.take() == "c"


def test_the_earlier_moment_counts() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("late", after=60)
    queue.add("soon", after=0.05)
    assert queue.take() == "soon"
    queue.add("late")
    queue.add("late", after=60)
    assert queue.take() == "late"


def test_what_is_added_while_it_is_worked_on_is_due_afterwards_and_not_before() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    queue.add("b", after=0.05)
    assert queue.take() == "b"
    queue.done("a")
    assert queue.take() == "a"


def test_who_waits_goes_home_when_it_is_closed() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("never", after=60)
    taken: list[str | None] = ["something"]
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    queue.close()
    waiting.join(5)
    assert taken[1:] == [None]
