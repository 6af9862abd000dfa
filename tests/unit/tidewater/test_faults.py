"""The fault switch: every fault does what it says, spares what the platform asks, and ends by itself."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from labs.tidewater.shared.faults import FaultSwitch
from tests.support.sleeping import asleep
from tests.support.tidewater import JSON, running
from tests.support.waiting import eventually

PLATFORM = ["/healthz", "/readyz", "/metrics", "/version"]


@pytest.fixture
def timetable():
    with running("timetable") as service:
        yield service


def start(service, kind, seconds=30.0, **parameters):
    answer = service.switch("POST", "/faults", {"kind": kind, "seconds": seconds, **parameters})
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
    timetable.switch("DELETE", "/faults")
    eventually(lambda: not children(), "the processes to end")


def test_memory_leak_grows_what_the_kernel_counts_to_its_limit_and_gives_it_back(timetable):
    def resident_mib() -> float:
        status = Path(f"/proc/{timetable.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024

    before = resident_mib()
    fault = start(timetable, "memory-leak", mib_per_second=80, limit_mib=60)
    eventually(lambda: resident_mib() - before > 55, "60 MiB more")
    assert resident_mib() - before < 65
    timetable.switch("DELETE", f"/faults/{fault['id']}")
    eventually(lambda: resident_mib() - before < 5, "the memory to be given back")


def test_crash_answers_and_then_exits_with_an_error(timetable):
    start(timetable, "crash")
    assert timetable.process.wait(timeout=5) == 1


@pytest.mark.parametrize("kind", ["latency", "errors", "unready", "memory-leak", "cpu-burn"])
def test_every_fault_is_listed_with_its_time_left_and_ends_by_itself(timetable, kind):
    started = start(timetable, kind, seconds=0.5)
    assert started["seconds_left"] <= 0.5
    assert [fault["kind"] for fault in timetable.switch("GET", "/faults").json["faults"]] == [kind]
    eventually(lambda: not timetable.switch("GET", "/faults").json["faults"], "the fault to end", within=3)
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
    start(timetable, "errors", share=0.01)
    assert timetable.switch("DELETE", f"/faults/{first['id']}").json == {"ended": 1}
    assert timetable.switch("DELETE", f"/faults/{first['id']}").status == 404
    assert timetable.switch("DELETE", "/faults").json == {"ended": 2}
    assert timetable.ask("GET", "/readyz").status == 200


def test_an_order_with_an_id_takes_the_place_of_the_fault_that_has_it(timetable):
    start(timetable, "cpu-burn", seconds=30, id="tidewater.busy")
    start(timetable, "unready", seconds=1, id="tidewater.busy")
    (fault,) = timetable.switch("GET", "/faults").json["faults"]
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
        ({"kind": "latency", "seconds": 1, "ms": 1e300}, "ms"),
        ({"kind": "latency", "seconds": 1, "ms": float("nan")}, "ms"),
        ({"kind": "latency", "seconds": float("nan")}, "seconds"),
        ({"kind": "latency", "seconds": float("inf")}, "seconds"),
        ({"kind": "latency", "seconds": 1, "ms": 1.5}, "ms"),
        ({"kind": "latency", "seconds": 1, "ms": 10**400}, "ms"),
        ({"kind": "cpu-burn", "seconds": 1, "threads": 100_000}, "threads"),
        ({"kind": "errors", "seconds": 1, "status": 99}, "status"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_by_name_and_changes_nothing(timetable, order, named):
    answer = timetable.switch("POST", "/faults", order)
    assert answer.status == 422
    assert answer.json["error"].startswith(named)
    assert timetable.switch("GET", "/faults").json == {"faults": []}


def test_faults_are_switched_on_the_pod_s_loopback_alone_and_not_where_the_site_is(timetable):
    order = {"kind": "errors", "share": 1, "seconds": 30}
    assert [timetable.ask(method, "/faults", order, JSON).status for method in ("GET", "POST", "DELETE")] == [404] * 3
    assert timetable.switch("GET", "/faults").json == {"faults": []}
    assert timetable.switch("GET", "/sailings").status == 404
    listening = {
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{timetable.process.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{timetable.faults_port:04X}")
    }
    assert listening == {f"0100007F:{timetable.faults_port:04X}"}


@pytest.mark.parametrize("type_", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_web_page_can_send_without_asking_is_no_order(timetable, type_):
    order = '{"kind": "errors", "share": 1, "seconds": 30}'
    answer = timetable.switch("POST", "/faults", order, {"Content-Type": type_} if type_ else {})
    assert answer.status == 415
    assert timetable.switch("OPTIONS", "/faults").status == 501, "no page is told that it may"
    assert timetable.switch("GET", "/faults").json == {"faults": []}
    assert timetable.switch("POST", "/faults", order, {"Content-Type": "application/json; charset=utf-8"}).status == 201


def test_no_more_faults_at_once_than_threads_that_can_be_spared(timetable):
    statuses = [timetable.switch("POST", "/faults", {"kind": "unready", "seconds": 30}).status for _ in range(33)]
    assert statuses == [201] * 32 + [422]
    assert timetable.switch("DELETE", "/faults").json == {"ended": 32}


def test_a_taken_port_costs_a_service_its_faults_and_nothing_else():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with running("timetable", FAULTS_PORT=str(other.getsockname()[1])) as service:
            assert service.first["level"] == "warning"
            assert "their port is taken" in service.first["message"]
            eventually(lambda: bool(service.logs), "the service to serve")
            port = service.logs[0]["port"]
            with urlopen(f"http://127.0.0.1:{port}/sailings", timeout=5) as answer:
                assert answer.status == 200
