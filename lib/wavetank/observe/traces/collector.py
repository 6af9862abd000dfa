"""The collector's process, ``python -m wavetank traces``: takes spans from proxies, and tells traces to whoever asks.

It speaks as much of Zipkin's API as proxies and readers here need, so that any tracer that sends Zipkin's JSON can send
it here, and ``curl`` can read what arrived:

    POST /api/v2/spans         spans; 202, or 400 and what was wrong when not one of them could be kept
    GET  /api/v2/traces        traces, each a list of spans; the parameters are those of `Query`
    GET  /api/v2/trace/{id}    the spans of one trace
    GET  /stats                the counts of `Stats`
    GET  /healthz              whether it answers

Everything is in memory and in one thread: a proxy waits for one body to be read and no longer, however much is held.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from aiohttp import web

from wavetank.errors import InputError
from wavetank.observe.traces.query import Query
from wavetank.observe.traces.store import Store
from wavetank.observe.traces.zipkin import parse_spans, span_json

__all__ = ["MAX_BODY", "PORT", "application", "main"]

PORT = 9411
"""Zipkin's."""

MAX_BODY = 1024 * 1024
"""Bytes of one request. Envoy sends five spans at a time, about 10 kB."""

_GRACE = 1.0
"""Seconds for the answers under way when the process is told to end; a body that is only half here is not awaited."""

_log = logging.getLogger(__name__)


def application(store: Store) -> web.Application:
    """Return the server of ``store``."""
    collector = _Collector(store)
    made = web.Application(client_max_size=MAX_BODY)
    made.add_routes(
        [
            web.post("/api/v2/spans", collector.take),
            web.get("/api/v2/traces", collector.find),
            web.get("/api/v2/trace/{id}", collector.get),
            web.get("/stats", collector.stats),
            web.get("/healthz", collector.health),
        ]
    )
    return made


def main(port: int = PORT) -> None:
    """Serve until SIGTERM, then end at once: proxies keep their connections open, and what is held goes in any case."""
    _log.info("serving on port %d", port)
    store = Store()
    web.run_app(application(store), port=port, access_log=None, print=None, shutdown_timeout=_GRACE)
    _log.info("stopped: %s", store.stats())


class _Collector:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, request: web.Request) -> web.Response:
        try:
            parsed = parse_spans(await request.read())
        except web.HTTPRequestEntityTooLarge:
            self._store.refuse([f"a body of more than {MAX_BODY} bytes"])
            raise
        except InputError as error:
            self._store.refuse([error.summary])
            return web.Response(status=400, text=str(error))
        self._store.add(parsed.spans)
        self._store.refuse(parsed.refused)
        nothing_kept = parsed.refused and not parsed.spans
        return web.Response(status=400 if nothing_kept else 202, text="\n".join(parsed.refused))

    async def find(self, request: web.Request) -> web.Response:
        try:
            query = Query.read(request.query, datetime.now(UTC))
        except InputError as error:
            return web.Response(status=400, text=str(error))
        return web.json_response([[span_json(span) for span in spans] for spans in self._store.find(query)])

    async def get(self, request: web.Request) -> web.Response:
        spans = self._store.get(request.match_info["id"])
        if not spans:
            return web.Response(status=404, text=f"no such trace; {self._store.stats()}")
        return web.json_response([span_json(span) for span in spans])

    async def stats(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.stats().as_dict())

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(text="it answers")
