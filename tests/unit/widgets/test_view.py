"""A live view draws on a thread of its own, at most four times a second, and never keeps anybody waiting."""

from __future__ import annotations

import threading
import time

import pytest
from tests.support.waiting import eventually

from wavetank.errors import KubeError
from wavetank.widgets.controls import button
from wavetank.widgets.view import DRAWS_PER_SECOND, LiveView


class Counting(LiveView):
    """Counts its draws; may be told to fail or to take its time."""

    def __init__(self) -> None:
        super().__init__("Counting", "draws")
        self.draws: list[tuple[float, str]] = []
        self.failing = False
        self.waiting = threading.Event()
        self.waiting.set()

    def text(self) -> str:
        return "counted"

    def draw(self) -> None:
        self.draws.append((time.monotonic(), threading.current_thread().name))
        self.waiting.wait(10)
        if self.failing:
            raise ValueError("no such shape")


class Contact:
    """A source whose contact to the server a test decides on."""

    def __init__(self) -> None:
        self.lost: float | None = None
        self.said: list[str] = []

    def start(self) -> None:
        self.said.append("start")

    def close(self) -> None:
        self.said.append("close")

    def lost_for(self) -> float | None:
        return self.lost


@pytest.fixture
def view():
    view = Counting()
    yield view
    view.waiting.set()
    view.close()


def shown(view: LiveView) -> str:
    """Return everything the view's HTML says."""
    return " ".join(child.value for child in view.widget.children if hasattr(child, "value"))


def test_however_often_it_is_touched_it_draws_four_times_a_second(view: Counting) -> None:
    view.start()
    until = time.monotonic() + 1.2
    touches = 0
    while time.monotonic() < until:
        view.touch()
        touches += 1
    assert touches > 1000
    assert 2 <= len(view.draws) <= 1.2 * DRAWS_PER_SECOND + 2


def test_the_last_touch_is_always_drawn(view: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavetank.widgets.view._CLOCK", 60.0)
    view.start()
    eventually(lambda: view.draws, "the first draw")
    touched = time.monotonic()
    view.touch()
    eventually(lambda: view.draws[-1][0] >= touched, "a draw after the touch")


def test_without_a_touch_its_clock_goes_on(view: Counting) -> None:
    view.start()
    eventually(lambda: len(view.draws) >= 2, "a second draw")


def test_a_slow_draw_keeps_neither_touch_nor_close_waiting(view: Counting) -> None:
    view.waiting.clear()
    view.start()
    eventually(lambda: view.draws, "a draw that hangs")
    began = time.monotonic()
    view.touch()
    view.close()
    assert time.monotonic() - began < 5


def test_it_draws_on_one_thread_of_its_own_which_ends_when_it_is_closed(view: Counting) -> None:
    view.start()
    view.start()
    eventually(lambda: view.draws, "a draw")
    assert {name for _, name in view.draws} == {"Counting: view"}
    view.close()
    eventually(lambda: "Counting: view" not in {thread.name for thread in threading.enumerate()}, "the thread's end")
    drawn = len(view.draws)
    view.touch()
    view.start()
    assert len(view.draws) == drawn


def test_it_begins_when_it_is_displayed_and_its_text_is_the_models(view: Counting) -> None:
    assert view.draws == []
    assert view._repr_mimebundle_()["text/plain"] == repr(view) == "counted"
    eventually(lambda: view.draws, "a draw after display")


def test_a_draw_that_fails_is_told_on_the_page_and_the_next_one_is_tried(view: Counting) -> None:
    view.failing = True
    view.start()
    eventually(lambda: "no such shape" in shown(view), "the error on the page")
    view.failing = False
    eventually(lambda: "no such shape" not in shown(view), "the next draw to put it right")


def test_it_says_for_how_long_the_server_has_been_away_and_takes_it_back(view: Counting) -> None:
    contact = view.following(Contact())
    view.start()
    contact.lost = 3.2
    view.touch()
    eventually(lambda: "The API server does not answer since 3 s" in shown(view), "the words")
    contact.lost = None
    view.touch()
    eventually(lambda: "does not answer" not in shown(view), "the words to go")
    view.close()
    assert contact.said == ["start", "close"]


def test_a_button_works_in_the_background_and_is_disabled_meanwhile(view: Counting) -> None:
    go, done = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        done.set()

    pressed = button("Press", lambda: view.in_background(work, busy=[pressed]))
    began = time.monotonic()
    pressed.click()
    assert time.monotonic() - began < 5
    assert pressed.disabled
    go.set()
    eventually(lambda: done.is_set() and not pressed.disabled, "the work to end")


def test_an_error_of_a_button_is_told_on_the_page_with_all_its_parts(view: Counting) -> None:
    def work() -> None:
        raise KubeError("the load <steady> did not start", observed="no pod", command="kubectl get pods")

    view.in_background(work).join(5)
    assert "the load &lt;steady&gt; did not start" in shown(view)
    assert "kubectl get pods" in shown(view)
    view.in_background(lambda: None).join(5)
    assert "did not start" not in shown(view)
