"""Shipping a version: what each way to fail leaves behind in the cluster, and in the record of the run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.moving import NAMESPACE, MovingCluster
from tests.support.shipping import IMAGE, PIPELINE, VERIFY, Yard

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.images import Ended
from wavetank.images.pipeline import Records, RunRecord, StageRecord, load_pipeline, run_pipeline
from wavetank.images.pipeline.target import Target


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records("timetable", tmp_path / "records")


def ship(yard: Yard, records: Records, version: str = "v2", seen: list[RunRecord] | None = None) -> RunRecord:
    return run_pipeline(
        yard.pipeline,
        version,
        engine=yard.engine,
        kube=yard.cluster.kube,
        namespace=NAMESPACE,
        records=records,
        watch=(seen if seen is not None else []).append,
    )


def states(record: RunRecord) -> dict[str, str]:
    return {stage.name: stage.state for stage in record.stages}


def test_what_was_built_is_deployed_by_its_digest(tmp_path: Path, cluster: MovingCluster, records: Records) -> None:
    yard, seen = Yard(tmp_path, cluster), []
    before = yard.running
    record = ship(yard, records, seen=seen)
    assert (record.outcome, record.before, record.after) == ("deployed", before, yard.running)
    assert yard.running == f"{IMAGE}@{record.digest}" == f"{IMAGE}@{yard.engine.image(f'{IMAGE}:v2').digest_in(IMAGE)}"
    assert states(record) == dict.fromkeys(("build", "test", "push", "deploy"), "passed")
    assert [states(each)["build"] for each in seen[:1]] == ["running"], "it can be watched from the first stage on"
    assert records.read() == record


def test_nothing_else_of_the_container_is_touched(tmp_path: Path, cluster: MovingCluster, records: Records) -> None:
    yard = Yard(tmp_path, cluster)
    ports = [{"containerPort": 8080, "name": "http"}]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "timetable", "ports": ports}]}}}}
    cluster.kube.patch("Deployment", "timetable", NAMESPACE, patch, type="strategic")
    ship(yard, records)
    (container,) = cluster.kube.get("Deployment", "timetable", NAMESPACE)["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == ports


@pytest.mark.parametrize(("fails", "reached"), [("build", "build"), ("test", "test")])
def test_a_failure_before_the_deployment_changes_nothing(
    tmp_path: Path, cluster: MovingCluster, records: Records, fails: str, reached: str
) -> None:
    yard = Yard(tmp_path, cluster)
    if fails == "build":
        yard.engine.failing = "COPY"
    else:
        yard.engine.on_run = lambda ref, command: Ended(1, "FAILED: seven sailings")
    before = yard.running
    record = ship(yard, records)
    assert (record.outcome, yard.running, record.after) == ("failed", before, before)
    assert states(record)[reached] == "failed"
    assert states(record)["deploy"] == "skipped"
    assert record.why.startswith(f"{reached}: ")
    assert yard.engine.containers == {}, "the container of the tests is gone"


def test_what_the_verification_refuses_is_taken_out_and_every_request_is_counted(
    tmp_path: Path, cluster: MovingCluster, records: Records
) -> None:
    yard = Yard(tmp_path, cluster, VERIFY + "promote: live\n")
    before = yard.running

    def fail_new_pods(change: str, obj: dict) -> None:
        if obj["kind"] == "Load" and change == "ADDED":
            cluster.startup = 3.0  # on a busy machine the load begins late
            cluster.kill("timetable")

    cluster.api.on_write(fail_new_pods)
    record = ship(yard, records)
    assert (record.outcome, yard.running) == ("rolled back", before)
    assert states(record) | {"verify": "failed", "promote": "skipped", "rollback": "passed"} == states(record)
    assert sum(record.requests.values()) > 0
    assert "of the requests failed" in record.why


def test_without_a_roll_back_it_says_that_the_version_is_left(
    tmp_path: Path, cluster: MovingCluster, records: Records
) -> None:
    yard = Yard(tmp_path, cluster, VERIFY.replace("on_failure: rollback\n", "  p95_below: 1ms\n"))
    record = ship(yard, records)
    assert record.outcome == "failed"
    assert yard.running == record.after == f"{IMAGE}@{record.digest}"
    assert record.why.endswith("v2 is left in place")


@pytest.mark.parametrize("late", [True, False])
def test_latencies_of_a_load_that_was_late_itself_are_measured_once_more(
    tmp_path: Path, cluster: MovingCluster, records: Records, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr("wavetank.traffic.record.SCHEDULE_TOLERANCE", 0.0 if late else 60.0)
    record = ship(Yard(tmp_path, cluster, VERIFY.replace("on_failure", "  p95_below: 0.001ms\non_failure")), records)
    log = record.stage("verify").log
    assert record.why.startswith("verify: p95 was ")
    assert any("measured once more" in line for line in log) is late
    assert sum(line.startswith("second 1:") for line in log) == (2 if late else 1)
    told = sum(int(count) for line in log for count in re.findall(r"^second .*: (\d+) ended", line))
    assert sum(record.requests.values()) == told


def test_a_load_that_stood_still_is_sent_once_more_and_then_verifies_nothing(
    tmp_path: Path, cluster: MovingCluster, records: Records
) -> None:
    cluster.still = 0.5
    record = ship(Yard(tmp_path, cluster, VERIFY), records)
    log = record.stage("verify").log
    assert sum(line.startswith("second 1:") for line in log) == 2
    assert "stood still for" in record.why


def test_one_run_at_a_time(tmp_path: Path, cluster: MovingCluster, records: Records) -> None:
    yard = Yard(tmp_path, cluster)
    with records.alone() as number:
        records.write(RunRecord("timetable", number, "v1", "2026-05-01T12:00:00Z"))
        with pytest.raises(InputError, match="a run of timetable is under way"):
            ship(yard, records)
    assert yard.engine.registry == {}


def test_a_run_whose_process_was_killed_is_over_for_the_next(
    tmp_path: Path, cluster: MovingCluster, records: Records
) -> None:
    program = (
        "import os, sys; from pathlib import Path; from wavetank.images.pipeline import Records, RunRecord;"
        "records = Records('timetable', Path(sys.argv[1])); hold = records.alone(); number = hold.__enter__();"
        "records.write(RunRecord('timetable', number, 'v1', '2026-05-01T12:00:00Z')); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "records")], timeout=30)
    assert not records.read(1).ended
    assert ship(Yard(tmp_path, cluster), records).number == 2
    assert (records.read(1).outcome, records.read(1).why) == ("failed", "its process ended in the middle")


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[]", b"\xff", b'{"stages": 3}', b"[" * 100_000])
def test_a_record_that_cannot_be_read_is_put_aside_and_the_next_run_begins(
    tmp_path: Path, cluster: MovingCluster, records: Records, damaged: bytes
) -> None:
    folder = tmp_path / "records" / "timetable"
    folder.mkdir(parents=True)
    (folder / "1.json").write_bytes(damaged)
    with pytest.raises(InputError, match="the record of run 1 of timetable cannot be read"):
        records.read(1)
    assert ship(Yard(tmp_path, cluster), records).number == 2
    assert (folder / "1.json.damaged").read_bytes() == damaged


def test_what_is_running_is_what_the_pods_report_not_what_the_tag_says(cluster: MovingCluster) -> None:
    cluster.deploy("timetable", 1)
    target = Target(cluster.kube, NAMESPACE, "timetable")
    named = target.running()
    (pod,) = cluster.kube.list("Pod", NAMESPACE, "app=timetable")
    pod["status"]["containerStatuses"][0]["imageID"] = f"{IMAGE}@sha256:{'7' * 64}"
    cluster.api.put(pod)
    pod["metadata"] |= {"name": "ending", "uid": "1", "deletionTimestamp": "2026-05-01T12:00:00Z"}
    pod["status"]["containerStatuses"][0]["imageID"] = f"{IMAGE}@sha256:{'8' * 64}"
    cluster.api.put(pod)
    assert "@" not in named
    assert target.running() == f"{named.rpartition(':')[0]}@sha256:{'7' * 64}"


def beside(cluster: MovingCluster, port: int = 8080) -> None:
    """Put a logger before the application of timetable, whose port is the one that the Service sends to."""
    deployment = cluster.kube.get("Deployment", "timetable", NAMESPACE)
    containers = deployment["spec"]["template"]["spec"]["containers"]
    containers[0] |= {"image": "registry.test/timetable:v1", "ports": [{"containerPort": port}]}
    containers.insert(0, {"name": "logger", "image": "python:3.11"})
    cluster.api.put(deployment)


def test_the_image_is_the_application_s_whatever_stands_before_it(cluster: MovingCluster) -> None:
    cluster.deploy("timetable", 1)
    beside(cluster)
    assert Target(cluster.kube, NAMESPACE, "timetable").running() == "registry.test/timetable:v1"


def test_where_nothing_tells_which_container_is_meant_it_is_asked(cluster: MovingCluster) -> None:
    cluster.deploy("timetable", 1)
    beside(cluster, port=1)
    with pytest.raises(KubeError, match="which container of timetable gets the image") as caught:
        Target(cluster.kube, NAMESPACE, "timetable").running()
    assert caught.value.help.observed == "logger, timetable"


def test_a_deployment_that_is_not_there_is_said_before_anything_is_built(
    tmp_path: Path, cluster: MovingCluster, records: Records
) -> None:
    yard = Yard(tmp_path, cluster)
    cluster.kube.delete_object("Deployment", "timetable", NAMESPACE)
    with pytest.raises(NotFoundError, match="timetable"):
        ship(yard, records)
    assert records.numbers() == []


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("promote: a tag\n", 8, "does not match"),
        ("verify: {load: {target: {service: web}, rate: 0, duration: 1s}}\n", 8, "rate"),
        ("verify: {load: {target: {service: web}, rate: 5}}\n", 8, "duration"),
        ("on_failure: shrug\n", 8, "shrug"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, more: str, line: int, words: str) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE + more)
    with pytest.raises(InputError) as caught:
        load_pipeline(tmp_path / "pipeline.yaml")
    assert caught.value.where == f"{tmp_path / 'pipeline.yaml'}:{line}"
    assert words in str(caught.value)


def test_a_long_log_keeps_its_last_lines() -> None:
    stage = StageRecord("build")
    for number in range(300):
        stage = stage.with_line(str(number))
    assert (stage.log[0], stage.log[-1]) == ("100", "299")
