"""`wavetank pipeline`, from the terminal's side: a version is shipped or refused, and told stage by stage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.moving import MovingCluster
from tests.support.shipping import VERIFY, Yard

from wavetank.cli import cli
from wavetank.errors import InputError
from wavetank.images import Ended
from wavetank.images.pipeline import Records, RunRecord, StageRecord


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path, startup=0.2) as cluster:
        monkeypatch.setattr("wavetank.cluster.kubeconfig_path", lambda name: cluster.kubeconfig)
        monkeypatch.setattr("wavetank.images.pipeline.record.user_state_path", lambda name: tmp_path / "state" / name)
        yield cluster


def yard_of(tmp_path: Path, cluster: MovingCluster, monkeypatch: pytest.MonkeyPatch, more: str = "") -> Yard:
    yard = Yard(tmp_path, cluster, more)
    monkeypatch.setattr("wavetank.cli.pipeline._engine", lambda name: yard.engine)
    return yard


@pytest.fixture
def yard(tmp_path: Path, cluster: MovingCluster, monkeypatch: pytest.MonkeyPatch) -> Yard:
    return yard_of(tmp_path, cluster, monkeypatch)


def wavetank_pipeline(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["pipeline", *arguments], catch_exceptions=False)


def test_a_version_that_passes_is_shipped_and_each_stage_is_told(yard: Yard) -> None:
    result = wavetank_pipeline("run", str(yard.file), "--version", "v2")

    *stages, before, after, end = result.output.splitlines()
    assert result.exit_code == 0
    assert [line.split()[:2] for line in stages] == [[name, "passed"] for name in ("build", "test", "push", "deploy")]
    assert re.fullmatch(r"build +passed +\d+\.\d s  2 of 3 steps done anew", stages[0])
    assert before.split() == ["before", "wavetank.dev/tidewater/timetable:v1"]
    assert after.split() == ["after", yard.running]
    assert end == f"deployed: every stage passed: {yard.running} is in use"


def test_a_version_that_fails_its_tests_is_refused_with_their_last_words(yard: Yard) -> None:
    yard.engine.on_run = lambda ref, command: Ended(1, "AssertionError: 7 sailings")
    before = yard.running
    result = wavetank_pipeline("run", str(yard.file), "--version", "v2")

    assert result.exit_code == 1
    assert "      | AssertionError: 7 sailings" in result.output.splitlines()
    assert result.output.splitlines()[-1] == (
        "failed: test: the image's own tests ended with exit code 1; nothing was changed in the cluster"
    )
    assert "push" not in result.output
    assert yard.running == before


def test_a_version_that_was_rolled_back_is_not_in_use(
    tmp_path: Path, cluster: MovingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard = yard_of(tmp_path, cluster, monkeypatch, VERIFY.replace("duration: 2s", "duration: 1s") + "promote: live\n")
    before = yard.running
    cluster.api.on_write(lambda change, obj: _fail_pods(cluster, obj))
    result = wavetank_pipeline("run", str(yard.file), "--version", "v2")

    assert result.exit_code == 1
    assert re.search(r"^verify +failed .*100\.0% of the requests failed", result.output, re.MULTILINE)
    assert re.search(r"^rollback +passed ", result.output, re.MULTILINE)
    assert re.search(r"^requests .*refused: 10$", result.output, re.MULTILINE)
    assert result.output.splitlines()[-1].startswith("rolled back: verify: 100.0% of the requests failed")
    assert yard.running == before


def test_a_file_that_is_wrong_is_refused_before_anything_is_built(yard: Yard) -> None:
    yard.file.write_text("image: localhost:5001/tidewater/timetable\n")
    with pytest.raises(InputError, match=r"pipeline\.yaml"):
        wavetank_pipeline("run", str(yard.file), "--version", "v2")
    assert yard.engine.registry == {}


def test_a_version_has_to_be_named(yard: Yard) -> None:
    result = wavetank_pipeline("run", str(yard.file))
    assert result.exit_code == 2
    assert "--version" in result.output


def test_runs_are_listed_and_shown(yard: Yard) -> None:
    records = Records("timetable")
    stages = (
        StageRecord("build", "passed", 1.5, "2 of 3 steps done anew"),
        StageRecord("verify", "failed", 9.0, "5.0% of the requests failed", ("second 9: 5 failed",)),
        StageRecord("promote", "skipped"),
    )
    first = RunRecord("timetable", 1, "v1", "2026-05-01T12:00:00Z", "deployed", "every stage passed")
    second = RunRecord("timetable", 2, "v2", "2026-05-01T13:00:00Z", "failed", "verify", requests={"200": 95, "503": 5})
    records.write(first)
    records.write(RunRecord(**{**_fields(second), "stages": stages}))

    assert wavetank_pipeline("ls", "timetable").output.splitlines() == [
        "   1  2026-05-01T12:00:00Z  v1           deployed    every stage passed",
        "   2  2026-05-01T13:00:00Z  v2           failed      verify",
    ]
    assert wavetank_pipeline("show", "timetable").output.splitlines() == [
        "run 2 of timetable, v2, began 2026-05-01T13:00:00Z",
        "build    passed     1.5 s  2 of 3 steps done anew",
        "verify   failed     9.0 s  5.0% of the requests failed",
        "promote  skipped",
        "  second 9: 5 failed",
        "requests 200: 95, 503: 5",
        "failed: verify",
    ]
    assert wavetank_pipeline("show", "timetable", "1").output.splitlines()[-1] == "deployed: every stage passed"


@pytest.mark.parametrize("arguments", [("ls", "timetable"), ("show", "timetable"), ("show", "timetable", "7")])
def test_a_run_that_is_not_there_is_said(yard: Yard, arguments: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="there is no run"):
        wavetank_pipeline(*arguments)


def _fail_pods(cluster: MovingCluster, obj: dict[str, object]) -> None:
    """Let every pod of the application go as soon as a load is asked for."""
    if obj["kind"] == "Load":
        for pod in cluster.pods("timetable"):
            cluster.put_pod(pod, "timetable", "wavetank-worker", ready=False)


def _fields(record: RunRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}
