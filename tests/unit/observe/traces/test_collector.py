"""The collector over real HTTP: what a proxy sends, what a reader asks, and an end when it is asked for one."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from tests.support.collecting import sample, shifted, told

from wavetank.observe.traces.collector import MAX_BODY, application
from wavetank.observe.traces.store import Store

pytestmark = pytest.mark.anyio

Client = TestClient[Any, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def collector(**bounds: int) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(Store(**bounds)))) as client:
        yield client


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield ``body`` so that it is sent chunked, as Envoy sends it."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


async def send(client: Client, body: bytes, **headers: str) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", **headers}
    async with client.post("/api/v2/spans", data=in_pieces(body), headers=headers) as answer:
        return answer.status, await answer.text()


async def ask(client: Client, path: str) -> Any:
    async with client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def refusal(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path) as answer:
        return answer.status, await answer.text()


async def test_spans_are_taken_and_told_again_as_a_trace() -> None:
    async with collector() as client:
        assert await send(client, sample("booking")) == (202, "")
        (trace,) = await ask(client, "/api/v2/traces")
        assert trace == await ask(client, "/api/v2/trace/7f1c9a52e04b4d3886a1f06e2d9c4b17")
        sent = json.loads(sample("booking"))
        for part in ("traceId", "id", "kind", "name", "timestamp", "duration", "tags"):
            assert [span[part] for span in trace] == [span[part] for span in sent]
        assert [span.get("parentId") for span in trace] == [span.get("parentId") for span in sent]


async def test_traces_are_found_by_service_length_and_failure() -> None:
    async with collector() as client:
        for name in ("booking", "delay", "timeout"):
            await send(client, sample(name))
        for parameters, count in (
            ("serviceName=payment.tidewater", 1),
            ("serviceName=web.tidewater&minDuration=800000", 2),
            ("annotationQuery=error", 1),
            ("lookback=1000", 0),
            ("limit=2", 2),
        ):
            assert len(await ask(client, f"/api/v2/traces?{parameters}")) == count, parameters


async def test_a_bad_span_does_not_cost_the_good_ones_beside_it() -> None:
    async with collector() as client:
        body = json.dumps([told(), told(id=None), told(id="2")]).encode()
        assert await send(client, body) == (202, "span 2 of 3: no id")
        stats = await ask(client, "/stats")
        assert (stats["received"], stats["refused"], stats["refusal"]) == (2, 1, "span 2 of 3: no id")


async def test_a_body_without_a_single_good_span_is_refused_with_what_was_wrong() -> None:
    async with collector() as client:
        assert await send(client, json.dumps([told(id=None)]).encode()) == (400, "span 1 of 1: no id")
        status, words = await send(client, b"\x0a\x10protobuf", **{"Content-Type": "application/x-protobuf"})
        assert status == 400
        assert "expected: a JSON array of spans" in words
        assert await send(client, b"[]") == (202, "")
        assert (await ask(client, "/stats"))["refused"] == 2


async def test_a_body_that_is_too_large_is_refused_and_counted() -> None:
    async with collector() as client:
        status, words = await send(client, b"[" + b" " * MAX_BODY + b"]")
        assert status == 413
        assert str(MAX_BODY) in words
        assert "more than" in (await ask(client, "/stats"))["refusal"]


async def test_a_full_collector_takes_what_comes_and_counts_what_goes() -> None:
    async with collector(max_spans=70) as client:
        for number in range(1, 31):
            assert await send(client, shifted("booking", number, number)) == (202, "")
        stats = await ask(client, "/stats")
        assert (stats["received"], stats["dropped"], stats["spans"], stats["traces"]) == (210, 140, 70, 10)
        traces = await ask(client, "/api/v2/traces")
        assert [int(trace[0]["traceId"], 16) for trace in traces] == list(range(30, 20, -1)), "the latest first"


async def test_a_question_it_does_not_understand_is_answered_with_what_it_would() -> None:
    async with collector() as client:
        status, words = await refusal(client, "/api/v2/traces?service=web")
        assert status == 400
        assert "expected: serviceName, minDuration" in words


async def test_a_trace_that_is_not_there_may_be_one_it_has_let_go_of() -> None:
    async with collector(max_traces=1) as client:
        await send(client, shifted("delay", 1))
        await send(client, shifted("delay", 2))
        status, words = await refusal(client, f"/api/v2/trace/{1:032x}")
        assert status == 404
        assert "3 let go of" in words


async def test_it_says_that_it_answers() -> None:
    async with collector() as client, client.get("/healthz") as answer:
        assert answer.status == 200


async def test_sigterm_ends_it_at_once_although_proxies_keep_their_connections() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = f"from wavetank.observe.traces.collector import main; main({port})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", run)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        await serving(client)
        async with client.post("/api/v2/spans", data=in_pieces(sample("booking"))) as answer:
            assert answer.status == 202
            assert answer.headers.get("Connection") != "close"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def serving(client: aiohttp.ClientSession) -> None:
    """Return once the collector answers."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with client.get("/healthz"):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)
