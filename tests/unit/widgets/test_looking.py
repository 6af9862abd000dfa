"""What is looked at again and again goes on after any trouble, and tells it meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.support.moving import MovingCluster
from tests.support.waiting import eventually

from wavetank.errors import InputError
from wavetank.images.pipeline import Records, RunRecord
from wavetank.widgets.looking import LookFeed
from wavetank.widgets.records import RunFeed


def test_a_look_that_raises_is_told_and_the_next_one_may_see(tmp_path: Path) -> None:
    broken = threading.Event()

    def see(before: int | None) -> int:
        if broken.is_set():
            raise ZeroDivisionError("no samples")
        return (before or 0) + 1

    with MovingCluster(tmp_path) as cluster:
        feed = LookFeed(cluster.kube, see, lambda: None)
        feed.start()
        try:
            eventually(lambda: feed.latest, "the first look")
            broken.set()
            eventually(lambda: feed.trouble == "ZeroDivisionError: no samples", "the trouble", within=5)
            broken.clear()
            eventually(lambda: feed.trouble == "", "the next look", within=5)
        finally:
            feed.close()


def test_a_record_that_cannot_be_read_is_told_and_the_next_run_is_followed(tmp_path: Path) -> None:
    records = Records("timetable", tmp_path)
    records.write(run := RunRecord("timetable", 1, "v1", "2026-05-01T12:00:00Z"))
    touched = threading.Event()
    feed = RunFeed(records, touched.set)
    feed.start()
    try:
        assert feed.latest == run
        (tmp_path / "timetable" / "1.json").write_text("{")
        assert touched.wait(5)
        with pytest.raises(InputError, match="cannot be read"):
            assert feed.latest
        touched.clear()
        records.write(run)
        assert touched.wait(5)
        assert feed.latest == run
    finally:
        feed.close()
