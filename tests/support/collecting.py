"""Spans as proxies send them, and the real collector behind the tests' own API server.

with Collecting(api) as collecting:
    collecting.send(sample("booking"))
    find_traces(kube, Query("web.tidewater"))
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from tests.support.apiserver import Answer, ApiServer, Request

from wavetank.observe.traces import Span
from wavetank.observe.traces.collector import application
from wavetank.observe.traces.store import Store
from wavetank.observe.traces.zipkin import parse_spans

SAMPLES = Path(__file__).parents[1] / "unit/observe/traces/samples"
NAMESPACE, NAME, PORT = "wavetank-system", "wavetank-traces", 9411


def sample(name: str) -> bytes:
    """Return a body as a proxy sends it; the README beside the samples says which there are and where from."""
    return (SAMPLES / f"{name}.json").read_bytes()


def sample_spans(name: str) -> tuple[Span, ...]:
    """Return the spans of a sample."""
    return parse_spans(sample(name)).spans


def told(**parts: Any) -> dict[str, Any]:
    """Return the least that is a span, as JSON, with ``parts`` on top; a part that is None is left out."""
    least = {"traceId": "0af7651916cd43dd", "id": "b7ad6b7169203331", "timestamp": 1_764_261_067_000_000, "duration": 5}
    return {key: value for key, value in {**least, **parts}.items() if value is not None}


def shifted(name: str, number: int, seconds: float = 0.0) -> bytes:
    """Return a sample as another trace, the ``number``th, that began ``seconds`` later."""
    spans = json.loads(sample(name))
    for span in spans:
        span["traceId"] = f"{number:032x}"
        span["timestamp"] += round(seconds * 1e6)
    return json.dumps(spans).encode()


class Collecting:
    """A collector that the API server's proxy leads to; a context manager. ``away`` makes it have no endpoint."""

    def __init__(self, api: ApiServer, store: Store | None = None) -> None:
        self.api, self.store = api, store or Store()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner = web.AppRunner(application(self.store), shutdown_timeout=0.1)
        self._do(self._runner.setup())
        self._do(web.TCPSite(self._runner, "127.0.0.1", 0).start())
        metadata = {"name": NAME, "namespace": NAMESPACE}
        self.api.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": PORT}]}})
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def go_away(self) -> None:
        """Have no pod behind the Service."""
        del self.api.answers[NAMESPACE, f"service:{NAME}:{PORT}"]

    def come_back(self) -> None:
        """Be behind the Service again."""
        self.api.answer(f"service:{NAME}:{PORT}", self._pass_on, NAMESPACE)

    def send(self, body: bytes) -> int:
        """Send spans as a proxy does; return the status."""
        return self._pass_on(Request("POST", "/api/v2/spans", {}, body))[0]

    def _pass_on(self, request: Request) -> Answer:
        host, port = self._runner.addresses[0][:2]
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            connection.request(request.method, request.path, request.body or None)
            answer = connection.getresponse()
            return answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read()
        finally:
            connection.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)
