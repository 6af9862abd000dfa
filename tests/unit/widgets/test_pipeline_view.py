"""PipelineView: a run stage by stage, whoever started it; why it ended as it did; and a form that starts one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.moving import MovingCluster
from tests.support.seen import press, seen
from tests.support.shipping import VERIFY, Shipper, Yard
from tests.support.waiting import eventually

from wavetank.images import Ended
from wavetank.images.pipeline import Records, RunRecord, StageRecord
from wavetank.widgets import PipelineView
from wavetank.widgets.models import pipeline as picture
from wavetank.widgets.models.tone import Tone

DIGEST = "sha256:" + "0123456789ab" + "c" * 52
STAGES = (StageRecord("build", "passed", 1.5, "2 of 3 steps done anew", ("1/3 FROM", "2/3 COPY")),)
RECORD = RunRecord("timetable", 1, "v2", "2026-05-01T12:00:00Z", stages=STAGES)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path, startup=0.2) as cluster:
        yield cluster


@pytest.fixture
def yard(tmp_path: Path, cluster: MovingCluster) -> Yard:
    return Yard(tmp_path, cluster)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records("timetable", tmp_path / "records")


@pytest.fixture
def view(yard: Yard, records: Records) -> Iterator[PipelineView]:
    view = PipelineView(
        Shipper(yard.cluster.open_lab(), yard.file.parent, yard.engine, records), "pipeline.yaml", records=records
    )
    view.start()
    yield view
    view.close()


def ship(view: PipelineView, version: str) -> None:
    view._version.value = version
    press(view, "Run")


def test_a_run_is_shown_stage_by_stage_to_its_end(view: PipelineView, yard: Yard) -> None:
    assert repr(view) == "no run of timetable yet"
    yard.engine.on_run = lambda ref, command: Ended(0, "Ran 3 tests\nOK")
    ship(view, "v2")
    eventually(lambda: "run 1, v2: deployed" in seen(view), "the end of the run")
    assert re.search(
        r"build passed \d\.\d 2 of 3 .*test passed .*push passed \d\.\d sha256:[0-9a-f]{12} deploy passed .*all pods",
        seen(view),
    )
    assert "deployed: every stage passed" in seen(view)
    assert re.search(r"timetable@sha256:[0-9a-f]{64}$", yard.running)
    assert not re.search(r"[0-9a-f]{13}", seen(view))


def test_pressing_keeps_nobody_waiting_and_the_stage_under_way_is_named(view: PipelineView, yard: Yard) -> None:
    go = threading.Event()
    yard.engine.on_run = lambda ref, command: Ended(0, "OK") if go.wait(10) else None
    began = time.monotonic()
    ship(view, "v2")
    assert time.monotonic() - began < 5
    assert view._go.disabled
    eventually(lambda: "test running" in seen(view) and "push waiting" in seen(view), "the stages")
    assert "running for" in seen(view)
    assert "deployed" not in seen(view)
    go.set()
    eventually(lambda: not view._go.disabled and "run 1, v2: deployed" in seen(view), "the end")


def test_a_stage_that_fails_is_told_with_its_last_words_and_the_rest_is_skipped(view: PipelineView, yard: Yard) -> None:
    before = yard.running
    yard.engine.on_run = lambda ref, command: Ended(1, "\n".join(f"<line {n}>" for n in range(1, 11)))
    ship(view, "v2")
    eventually(lambda: "run 1, v2: failed" in seen(view), "the end")
    words = seen(view)
    assert "test failed" in words
    assert "push skipped" in words
    assert "failed: test: the image's own tests ended with exit code 1; nothing was changed in the cluster" in words
    assert "Last lines of test" in words
    assert "<line 10>" in words
    assert "<line 3>" not in words
    view._more.value = True
    eventually(lambda: "<line 3>" in seen(view), "more of the log")
    assert "<line" not in view._log.value
    assert yard.running == before


def test_what_the_verification_met_is_counted(tmp_path: Path, cluster: MovingCluster, records: Records) -> None:
    yard = Yard(tmp_path, cluster, VERIFY)
    view = PipelineView(
        Shipper(cluster.open_lab(), yard.file.parent, yard.engine, records), "pipeline.yaml", records=records
    )
    view.start()
    try:
        ship(view, "v2")
        eventually(lambda: "run 1, v2: deployed" in seen(view), "the end", within=20)
        assert "Requests: 20 answered, 0 failed (200: 20)" in seen(view)
    finally:
        view.close()


def test_a_run_of_another_process_is_shown_too(view: PipelineView, records: Records) -> None:
    records.write(RECORD)
    eventually(lambda: "build passed 1.5 2 of 3 steps done anew" in seen(view), "the other's run")
    assert "Last lines of build 1/3 FROM 2/3 COPY" in seen(view)


def test_while_another_run_is_under_way_it_is_refused_in_words(view: PipelineView, records: Records) -> None:
    with records.alone() as number:
        assert number == 1
        records.write(RECORD)
        ship(view, "v3")
        eventually(lambda: "a run of timetable is under way" in seen(view), "the refusal")
    eventually(lambda: not view._go.disabled, "the button")


def test_a_version_has_to_be_written(view: PipelineView, yard: Yard) -> None:
    ship(view, "  ")
    assert "Write which version to ship first" in seen(view)
    assert yard.engine.started == 0


def test_the_text_tells_the_run_without_a_digest_and_without_a_time(view: PipelineView, records: Records) -> None:
    stages = (*STAGES, StageRecord("push", "passed", 0.3, DIGEST), StageRecord("verify", "failed", 9.0, "2 failed"))
    why = f"verify: 2 failed; and going back to web@{DIGEST} failed"
    met = {"200": 18, "503": 2}
    records.write(RunRecord("timetable", 2, "v2", RECORD.began, "failed", why, requests=met, stages=stages))
    eventually(lambda: "run 2, v2: failed" in seen(view), "the run")
    assert repr(view).splitlines() == [
        "run 2 of timetable, v2: failed",
        "  build    passed   2 of 3 steps done anew",
        "  push     passed   sha256:...",
        "  verify   failed   2 failed",
        "  requests: 18 answered, 2 failed (200: 18, 503: 2)",
        "  why: verify: 2 failed; and going back to web@sha256:... failed",
    ]


def test_a_running_run_says_for_how_long() -> None:
    now = datetime(2026, 5, 1, 12, 0, 7, tzinfo=UTC)
    assert picture.status(RECORD, now) == "run 1, v2: running for 7 s"
    assert picture.status(RECORD, now - timedelta(hours=1)) == "run 1, v2: running for 0 s"


@pytest.mark.parametrize(
    ("states", "named"),
    [
        (("passed", "running", "waiting"), "test"),
        (("passed", "passed", "failed"), "push"),
        (("passed", "passed", "passed"), "test"),
        (("waiting", "waiting", "waiting"), "test"),
    ],
)
def test_the_log_is_that_of_the_stage_that_matters(states: tuple[str, ...], named: str) -> None:
    logs = {"build": ("b",), "test": ("t",), "push": ()}
    stages = tuple(
        StageRecord(name, state, log=log)  # type: ignore[arg-type]
        for (name, log), state in zip(logs.items(), states, strict=True)
    )
    stage = picture.speaking(RunRecord("timetable", 1, "v2", RECORD.began, stages=stages))
    assert stage is not None
    assert stage.name == named


def test_of_a_long_log_the_end_is_shown_and_how_much_came_before() -> None:
    stage = StageRecord("build", log=("one", "two", f"three {DIGEST}"))
    assert picture.last_lines(stage, 2) == "... 1 more before\ntwo\nthree sha256:0123456789ab"
    assert picture.last_lines(stage, 3).startswith("one\n")


def test_each_state_and_each_outcome_has_a_shape_of_its_own() -> None:
    assert len(set(picture.STATES.values())) == 5
    assert picture.OUTCOMES["rolled back"] is Tone.WARN
