"""A transfer tells how far it is and how fast, over the last seconds only."""

from __future__ import annotations

from wavetank.bundle.progress import MB, Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_bytes_and_rate_are_told_while_it_goes_on() -> None:
    clock = Clock()
    progress = Progress(clock)
    assert progress() == ""
    progress.expect(120 * MB)
    progress.had(30 * MB)
    for _ in range(13):
        clock.now += 0.5
        progress.came(MB)
    assert progress() == "43 of 120 MB, 2.2 MB/s"


def test_the_rate_falls_when_nothing_comes_any_more() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.expect(100 * MB)
    progress.came(0)
    clock.now = 5.0
    progress.came(50 * MB)
    assert progress() == "50 of 100 MB, 10.0 MB/s"
    clock.now = 12.0
    assert progress() == "50 of 100 MB, 5.0 MB/s"
    clock.now = 60.0
    assert progress() == "50 of 100 MB, 0.0 MB/s"


def test_what_is_finished_is_told_with_its_rate_over_all() -> None:
    clock = Clock()
    progress = Progress(clock)
    progress.expect(100 * MB)
    progress.came(50 * MB)
    clock.now = 20.0
    progress.came(50 * MB)
    clock.now = 90.0
    assert progress() == "100 MB, 5.0 MB/s"


def test_what_is_waited_for_is_told_as_long_as_it_is() -> None:
    progress = Progress(Clock())
    progress.expect(4 * MB)
    with progress.waiting("waiting 20 s for the server (429)"):
        assert progress() == "0.0 of 4.0 MB, waiting 20 s for the server (429)"
    assert progress() == "0.0 of 4.0 MB"


def test_what_has_to_come_again_does_not_count() -> None:
    progress = Progress(Clock())
    progress.expect(40 * MB)
    progress.had(30 * MB)
    progress.lost(30 * MB)
    assert progress() == "0.0 of 40 MB"
