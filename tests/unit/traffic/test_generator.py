"""The generator against real servers on loopback: it keeps its schedule whatever they do, and tells what they did."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from tests.support.targets import refusing_url, resetting_target, target

from wavetank.clock import sleepless
from wavetank.traffic.generator import TOO_LATE, VISIT, Generator, Request
from wavetank.traffic.histogram import Latencies
from wavetank.traffic.profile import Steady, arrivals
from wavetank.traffic.record import Second, Summary

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def load(request: Request, rate: float, duration: float, **limits: int) -> tuple[Summary, list[Second]]:
    seconds: list[Second] = []
    generator = Generator(request, arrivals(Steady().curve(rate, duration)), **limits)
    return await generator.run(seconds.append), seconds


def percentile(latencies: Latencies, percent: float) -> float:
    value = latencies.percentile(percent)
    assert value is not None
    return value


async def test_all_that_is_scheduled_is_sent_and_accounted_for() -> None:
    async with target() as server:
        summary, seconds = await load(Request(server.url), rate=100, duration=2)

    assert summary.scheduled == summary.sent == len(server.requests) == 200
    assert summary.status == {"200": 200}
    assert summary.latencies.count == summary.lateness.count == 200
    assert [second.t for second in seconds] == list(range(len(seconds)))
    assert sum(second.sent for second in seconds) == 200


async def test_the_request_is_the_one_that_was_ordered() -> None:
    request_headers = {"X-Ferry": "Tidewater", "Host": "tidewater.example"}
    async with target(status=201) as server:
        request = Request(f"{server.url}api/bookings?day=1", "POST", request_headers, b'{"seats": 2}')
        summary, _ = await load(request, rate=10, duration=0.1)
        received = server.requests[0]

    assert summary.status == {"201": 1}
    assert (received.method, received.path_qs) == ("POST", "/api/bookings?day=1")
    assert (received.headers["X-Ferry"], received.headers["Host"]) == ("Tidewater", "tidewater.example")
    assert received.content_length == len(request.body)


async def test_an_error_status_is_counted_by_its_number() -> None:
    async with target(status=503) as server:
        summary, _ = await load(Request(server.url), rate=50, duration=0.4)

    assert summary.status == {"503": 20}
    assert summary.failed == 20
    assert summary.latencies.count == 20


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with target(status=302) as server:
        summary, _ = await load(Request(server.url), rate=10, duration=0.5)

    assert summary.status == {"302": 5}
    assert len(server.requests) == 5


async def test_a_stall_shows_in_the_percentiles_and_not_in_the_schedule() -> None:
    async with target() as server:
        (open_model, _), _ = await asyncio.gather(
            load(Request(server.url, timeout=5), rate=50, duration=2.4), server.stall(after=0.4, seconds=1.2)
        )

    # What came due in the stall, half of all, waited for its end: 0.6 s on the average.
    assert open_model.status == {"200": 120}
    assert percentile(open_model.latencies, 75) > 0.4
    assert percentile(open_model.latencies, 99) > 1.0
    assert percentile(open_model.lateness, 99) < 0.4


async def test_a_closed_loop_would_have_hidden_the_same_stall() -> None:
    async with target() as server:
        closed_loop, _ = await asyncio.gather(
            closed_loop_latencies(server.url, rate=50, duration=2.4), server.stall(after=0.4, seconds=1.2)
        )

    assert percentile(closed_loop, 95) < 0.4
    assert percentile(closed_loop, 100) > 1.0  # the one request that was waiting, the only witness


async def closed_loop_latencies(url: str, rate: float, duration: float) -> Latencies:
    """Measure as a generator does that waits for each answer and counts from the moment it really sent."""
    latencies = Latencies()
    end = time.monotonic() + duration
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            sent = time.monotonic()
            async with session.get(url) as answer:
                await answer.read()
            latencies.record(time.monotonic() - sent)
            await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - sent)))
    return latencies


async def test_a_request_without_an_answer_times_out_and_its_wait_counts() -> None:
    async with target() as server:
        server.gate.clear()
        summary, _ = await load(Request(server.url, timeout=0.3), rate=20, duration=1)

    assert summary.status == {"timeout": 20}
    assert 0.29 < percentile(summary.latencies, 50) < 0.6


async def test_a_long_timeout_is_not_rounded() -> None:
    async with target() as server:
        server.gate.clear()
        summary, _ = await load(Request(server.url, timeout=5.2), rate=1, duration=0.5)

    assert summary.status == {"timeout": 1}
    assert 5.1 < percentile(summary.latencies, 100) < 5.9


async def test_nobody_listening_is_refused_and_has_no_latency() -> None:
    summary, _ = await load(Request(refusing_url()), rate=50, duration=0.5)

    assert summary.status == {"refused": 25}
    assert summary.latencies.count == 0


async def test_a_broken_connection_is_a_reset() -> None:
    async with resetting_target() as url:
        summary, _ = await load(Request(url), rate=50, duration=0.5)

    assert summary.status == {"reset": 25}
    assert summary.latencies.count == 0


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    summary, _ = await load(Request("http://ferry.invalid/"), rate=20, duration=0.5)

    assert summary.status == {"dns": 10}


async def test_connections_are_kept_for_a_visit_and_then_given_up() -> None:
    async with target() as server:
        await load(Request(server.url), rate=100, duration=2)

    assert server.connections.total() == 200
    assert len(server.connections) == pytest.approx(200 / VISIT, abs=10)


async def test_what_cannot_be_sent_is_counted_and_breaks_the_schedule() -> None:
    async with target() as server:
        server.gate.clear()
        summary, _ = await load(Request(server.url, timeout=0.5), rate=50, duration=1, max_in_flight=5)

    assert summary.scheduled == 50
    assert summary.sent + summary.unsent == 50
    assert summary.sent == summary.status["timeout"] == len(server.requests)
    assert 5 <= summary.sent <= 15
    assert not summary.held


async def test_a_generator_that_was_held_up_says_so() -> None:
    async with target() as server:
        generator = Generator(Request(server.url), arrivals(Steady().curve(50, 1)))
        running = asyncio.create_task(generator.run(lambda second: None))
        await asyncio.sleep(0.2)
        time.sleep(0.5)  # the whole process, its schedule included, stands still
        summary = await running

    assert summary.sent == 50
    assert percentile(summary.lateness, 99) > 0.4
    assert not summary.held


class Clock:
    """Time that passes without anybody noticing, as while a container is paused or the machine sleeps."""

    def __init__(self) -> None:
        self._slept = 0.0

    def __call__(self) -> float:
        return sleepless() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


async def test_what_came_due_while_it_stood_still_is_told_in_its_second_and_not_sent_as_one_wave() -> None:
    clock, seconds = Clock(), list[Second]()
    async with target() as server:
        generator = Generator(Request(server.url), arrivals(Steady().curve(20, 10)), clock=clock)
        running = asyncio.create_task(generator.run(seconds.append))
        while not seconds:
            await asyncio.sleep(0.01)
        clock.sleep(7)
        summary = await running

    missed = 20 * (7 - TOO_LATE)
    assert [(second.t, second.scheduled) for second in seconds] == [(t, 20) for t in range(10)]
    assert summary.unsent == pytest.approx(missed, abs=20)
    assert summary.sent == len(server.requests) == 200 - summary.unsent
    assert [second.unsent for second in seconds if second.t in (0, 8, 9)] == [0, 0, 0]
    assert summary.still == pytest.approx(7, abs=1)
    assert seconds[4].still == 1
    assert not summary.held
    assert percentile(summary.latencies, 100) < TOO_LATE, "the latencies are the target's"


@pytest.mark.parametrize("answered", [True, False])
async def test_what_was_under_way_while_it_stood_still_counts_in_no_latency(answered: bool) -> None:
    clock = Clock()
    async with target() as server:
        server.gate.clear()
        generator = Generator(Request(server.url, timeout=1), arrivals(Steady().curve(1, 1)), clock=clock)
        running = asyncio.create_task(generator.run(lambda second: None))
        while not server.requests:
            await asyncio.sleep(0.01)
        clock.sleep(60)
        if answered:
            server.gate.set()
        summary = await running

    assert summary.status == {"200" if answered else "cancelled": 1}
    assert summary.latencies.count == 0
    assert 0.9 < summary.still <= 1, "of the one second that it has lasted"


async def test_a_load_that_stood_still_beyond_its_end_ends_at_once_and_tells_every_second() -> None:
    clock, seconds = Clock(), list[Second]()
    async with target() as server:
        generator = Generator(Request(server.url), arrivals(Steady().curve(20, 600)), clock=clock)
        running = asyncio.create_task(generator.run(seconds.append))
        while not server.requests:
            await asyncio.sleep(0.01)
        clock.sleep(3600)
        summary = await asyncio.wait_for(running, timeout=5)

    assert summary.scheduled == 12000
    assert summary.sent == len(server.requests) < 20
    assert [second.t for second in seconds] == list(range(600))


async def test_stopping_gives_up_what_is_in_flight_and_counts_it() -> None:
    seconds: list[Second] = []
    async with target() as server:
        server.gate.clear()
        generator = Generator(Request(server.url, timeout=30), arrivals(Steady().curve(20, 60)))
        running = asyncio.create_task(generator.run(seconds.append))
        await asyncio.sleep(0.5)
        generator.stop()
        summary = await asyncio.wait_for(running, timeout=5)

    assert summary.status == {"cancelled": summary.sent}
    assert summary.scheduled == summary.sent > 0
    assert Summary.of(seconds).sent == summary.sent
