"""The load pod's process: lines a second, a summary at its end, an exit code that tells, an end on request."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from urllib.parse import urlsplit

import pytest
from tests.support.targets import refusing_url, target

from wavetank.traffic.pod import ENVIRONMENT, HELD, NOT_HELD, _run
from wavetank.traffic.record import Second, Summary, parse_line
from wavetank.traffic.resource import Load

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def start_pod(url: str, **spec: object) -> asyncio.subprocess.Process:
    load = {"target": {"service": "localhost", "port": urlsplit(url).port, "path": "/api"}, **spec}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from wavetank.traffic.pod import run_pod; sys.exit(run_pod())",
        env={**os.environ, ENVIRONMENT: json.dumps(load)},
        stdout=asyncio.subprocess.PIPE,
    )


async def test_its_lines_add_up_to_its_last_one() -> None:
    async with target() as server:
        pod = await start_pod(server.url, rate=50, duration="2s")
        output, _ = await pod.communicate()
    *lines, last = [parse_line(line) for line in output.decode().splitlines()]
    seconds = [line for line in lines if isinstance(line, Second)]
    summary = Summary.of(seconds)

    assert pod.returncode == (HELD if summary.held else NOT_HELD)
    assert len(seconds) == len(lines) >= 2
    assert json.loads(summary.to_line())["summary"] == last
    assert summary.status == {"200": 100}
    assert {request.path for request in server.requests} == {"/api"}


async def test_sigterm_ends_an_hour_of_load_at_once_with_a_summary() -> None:
    async with target() as server:
        pod = await start_pod(server.url, rate=20, duration="1h")
        assert pod.stdout is not None
        first = parse_line((await pod.stdout.readline()).decode())
        asked = time.monotonic()
        pod.send_signal(signal.SIGTERM)
        output, _ = await pod.communicate()

    assert time.monotonic() - asked < 5
    assert pod.returncode in (HELD, NOT_HELD)
    assert isinstance(first, Second)
    figures = parse_line(output.decode().splitlines()[-1])
    assert isinstance(figures, dict)
    assert figures["scheduled"] == figures["sent"] == sum(figures["status"].values()) == len(server.requests)


async def test_a_schedule_that_was_not_held_is_told_by_the_exit_code() -> None:
    async with target() as server:
        pod = await start_pod(server.url, rate=50, duration="2s")
        assert pod.stdout is not None
        await pod.stdout.readline()
        pod.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        pod.send_signal(signal.SIGCONT)
        output, _ = await pod.communicate()
    figures = parse_line(output.decode().splitlines()[-1])

    assert pod.returncode == NOT_HELD
    assert isinstance(figures, dict)
    assert figures["held"] is False
    assert figures["sent"] == 100
    assert figures["schedule_error_ms"]["max"] > 400


async def test_a_target_that_is_there_in_a_moment_is_waited_for() -> None:
    url = refusing_url()
    pod = await start_pod(url, rate=50, duration="1s")
    await asyncio.sleep(1)  # without the wait, it would be at it by now
    async with target(port=urlsplit(url).port or 0):
        output, _ = await pod.communicate()
    assert json.loads(output.splitlines()[-1])["summary"]["status"] == {"200": 50}


async def test_a_load_that_is_stopped_while_it_waits_for_its_target_has_sent_nothing() -> None:
    nobody = {"service": "localhost", "port": urlsplit(refusing_url()).port}
    load = Load.from_spec("load", {"target": nobody, "rate": 5, "duration": "1h"})
    running = asyncio.create_task(_run(load))
    await asyncio.sleep(0.1)
    os.kill(os.getpid(), signal.SIGTERM)
    assert (await running).sent == 0


async def test_a_target_that_stays_away_is_loaded_all_the_same() -> None:
    pod = await start_pod(refusing_url(), rate=20, duration="1s")
    output, _ = await pod.communicate()
    assert json.loads(output.splitlines()[-1])["summary"]["status"] == {"refused": 20}
