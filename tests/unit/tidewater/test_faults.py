"""The fault switch: every fault does what it says, spares what the platform asks, and ends by itself."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from labs.tidewater.shared.faults import FaultSwitch
from tests.support.sleeping import asleep
from tests.support.tidewater import running
from tests.support.waiting import eventually

PLATFORM = ["/healthz", "/readyz", "/metrics", "/faults", "/version"]


@pytest.fixture
def timetable():
    with running("timetable") as service:
        yield service


def start(service, kind, seconds=30.0, **parameters):
    answer = service.ask("POST", "/faults", {"kind": kind, "seconds": seconds, **parameters})
    assert answer.status == 201, answer.text
    return answer.json


def seconds_of(service, path):
    began = time.monotonic()
    service.ask("GET", path)
    return time.monotonic() - began


def test_latency_delays_requests_and_spares_the_platform(timetable):
    start(timetable, "latency", ms=400)
    assert 0.4 <= seconds_of(timetable, "/sailings") < 1
    assert sum(seconds_of(timetable, path) for path in PLATFORM) < 0.4


def test_errors_fail_the_share_asked_for_and_spare_the_platform(timetable):
    start(timetable, "errors", share=0.5, status=500)
    statuses = [timetable.ask("GET", "/sailings").status for _ in range(60)]
    assert set(statuses) == {200, 500}
    assert 12 <= statuses.count(500) <= 48  # 60 fair coins stray further once in a million runs
    assert [timetable.ask("GET", path).status for path in PLATFORM] == [200] * len(PLATFORM)


def test_unready_is_not_ready_but_alive_and_serving(timetable):
    start(timetable, "unready")
    assert timetable.ask("GET", "/readyz").status == 503
    assert timetable.ask("GET", "/healthz").status == 200
    assert timetable.ask("GET", "/sailings").status == 200


def test_cpu_burn_keeps_processes_busy_and_leaves_none_behind(timetable):
    def children() -> list[str]:
        found = []
        for thread in Path(f"/proc/{timetable.process.pid}/task").iterdir():
            with suppress(FileNotFoundError):  # it ended while it was looked at
                found += (thread / "children").read_text().split()
        return found

    def cpu_ticks(pid: str) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])

    start(timetable, "cpu-burn", threads=2)
    eventually(lambda: len(children()) == 2, "two burning processes")
    burner = children()[0]
    eventually(lambda: cpu_ticks(burner) > 0.1 * os.sysconf("SC_CLK_TCK"), "a tenth of a second of CPU time")
    timetable.ask("DELETE", "/faults")
    eventually(lambda: not children(), "the processes to end")


def test_memory_leak_grows_what_the_kernel_counts_to_its_limit_and_gives_it_back(timetable):
    def resident_mib() -> float:
        status = Path(f"/proc/{timetable.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024

    before = resident_mib()
    fault = start(timetable, "memory-leak", mib_per_second=80, limit_mib=60)
    eventually(lambda: resident_mib() - before > 55, "60 MiB more")
    assert resident_mib() - before < 65
    timetable.ask("DELETE", f"/faults/{fault['id']}")
    eventually(lambda: resident_mib() - before < 5, "the memory to be given back")


def test_crash_answers_and_then_exits_with_an_error(timetable):
    start(timetable, "crash")
    assert timetable.process.wait(timeout=5) == 1


@pytest.mark.parametrize("kind", ["latency", "errors", "unready", "memory-leak", "cpu-burn"])
def test_every_fault_is_listed_with_its_time_left_and_ends_by_itself(timetable, kind):
    started = start(timetable, kind, seconds=0.5)
    assert started["seconds_left"] <= 0.5
    assert [fault["kind"] for fault in timetable.ask("GET", "/faults").json["faults"]] == [kind]
    eventually(lambda: not timetable.ask("GET", "/faults").json["faults"], "the fault to end", within=3)
    assert timetable.ask("GET", "/readyz").status == 200
    assert seconds_of(timetable, "/sailings") < 0.4


def test_a_fault_is_over_on_time_though_the_machine_has_slept(monkeypatch):
    switch = FaultSwitch()
    fault = switch.start({"kind": "latency", "seconds": 600})
    assert switch.active() == [fault]
    asleep(monkeypatch, 600)
    assert switch.active() == []


def test_one_fault_or_all_of_them_can_be_ended_early(timetable):
    first = start(timetable, "latency", ms=1)
    start(timetable, "unready")
    start(timetable, "errors", share=0)
    assert timetable.ask("DELETE", f"/faults/{first['id']}").json == {"ended": 1}
    assert timetable.ask("DELETE", f"/faults/{first['id']}").status == 404
    assert timetable.ask("DELETE", "/faults").json == {"ended": 2}
    assert timetable.ask("GET", "/readyz").status == 200


def test_an_order_with_an_id_takes_the_place_of_the_fault_that_has_it(timetable):
    start(timetable, "cpu-burn", seconds=30, id="tidewater.busy")
    start(timetable, "unready", seconds=1, id="tidewater.busy")
    (fault,) = timetable.ask("GET", "/faults").json["faults"]
    assert (fault["id"], fault["kind"]) == ("tidewater.busy", "unready")
    eventually(lambda: timetable.ask("GET", "/readyz").status == 200, "the second order to end on its own time")


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({}, "kind"),
        ({"kind": "gremlin", "seconds": 1}, "kind"),
        ({"kind": "unready", "seconds": 1, "id": "../7"}, "id"),
        ({"kind": "latency"}, "seconds"),
        ({"kind": "latency", "seconds": 0}, "seconds"),
        ({"kind": "latency", "seconds": 3601}, "seconds"),
        ({"kind": "latency", "seconds": True}, "seconds"),
        ({"kind": "latency", "seconds": 1, "ms": "many"}, "ms"),
        ({"kind": "latency", "seconds": 1, "ms": -1}, "ms"),
        ({"kind": "latency", "seconds": 1, "share": 1}, "share"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_by_name_and_changes_nothing(timetable, order, named):
    answer = timetable.ask("POST", "/faults", order)
    assert answer.status == 422
    assert answer.json["error"].startswith(named)
    assert timetable.ask("GET", "/faults").json == {"faults": []}
