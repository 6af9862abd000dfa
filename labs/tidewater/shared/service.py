"""An HTTP service with all that a platform expects of one: health, readiness, metrics, logs, traces, a graceful end.

service = Service("payment")

@service.route("POST", "/payments")
def pay(request: Request) -> Answer:
    return Answer(201, {"paid": True})

service.run()
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from .faultlistener import FaultListener
from .faults import FaultSwitch
from .instance import Instance
from .messages import Answer, RefusedError, Request
from .metrics import Metrics
from .server import Server

__all__ = ["Answer", "RefusedError", "Request", "Service"]

# Passed on from every request to the calls it causes, so that a mesh can join the hops into one trace.
W3C_HEADERS = {"traceparent", "tracestate"}
B3_HEADERS = {"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"}
TRACE_HEADERS = W3C_HEADERS | B3_HEADERS | {"x-request-id"}
# Retries written by hand: at once, whatever went wrong, in every service that is told to. Lab 3 shows what comes of it.
RETRIES = int(os.environ.get("RETRIES", "0"))
GRACE_SECONDS = 5.0  # for what is still being answered when the drain is over

Route = Callable[[Request], Answer]


class Service:
    """One service: its routes, and everything around them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.version = os.environ.get("VERSION", "v1")
        self.instance = Instance()
        self.metrics = Metrics(name, self.version, self.instance.started)
        self.faults = FaultSwitch()
        self.draining = False
        self._routes: dict[tuple[str, str], Route] = {}
        self._before_end: list[Callable[[], None]] = []

    def route(self, method: str, path: str) -> Callable[[Route], Route]:
        """Register the decorated function for one method and path."""

        def register(handle: Route) -> Route:
            self._routes[method, path] = handle
            return handle

        return register

    def before_end(self, finish: Callable[[], None]) -> None:
        """Have ``finish`` called when the last request is answered; it has to come to an end by itself."""
        self._before_end.append(finish)

    def call(self, request: Request, base: str, path: str, body: Any = None, timeout: float = 1.5) -> Any:
        """Call another service on behalf of ``request`` and return the JSON it answers.

        A connection per call, so that every call can go to another replica. Raises `RefusedError`: 504 when no answer
        came within ``timeout`` seconds, 502 when there was no connection or the other side failed, and the other side's
        own 4xx, which is the client's to mend. What the other side is to blame for is tried again `RETRIES` times.
        """
        for left in range(RETRIES, -1, -1):
            try:
                return self._call_once(request, base, path, body, timeout)
            except RefusedError as refused:
                if not left or refused.answer.status < 500:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _call_once(self, request: Request, base: str, path: str, body: Any, timeout: float) -> Any:
        host = urlsplit(base).hostname or base
        connection = HTTPConnection(host, urlsplit(base).port or 80, timeout=timeout)
        try:
            content = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, content, trace_headers(request.headers))
            reply = connection.getresponse()
            content = reply.read().decode()
        except TimeoutError as error:
            self.metrics.called(host, "timeout")
            raise RefusedError(504, f"{host} did not answer within {timeout:g} s") from error
        except (OSError, HTTPException) as error:
            self.metrics.called(host, "unreachable")
            raise RefusedError(502, f"{host} cannot be reached: {error}") from error
        finally:
            connection.close()
        self.metrics.called(host, str(reply.status))
        if reply.status >= 400:
            raise RefusedError(
                reply.status if reply.status < 500 else 502, f"{host} answered {reply.status}: {content}"
            )
        return json.loads(content)

    def answer(self, request: Request) -> Answer:
        """Answer one request. What the platform asks is never disturbed by a fault, nor counted, nor logged."""
        platform = self._answer_platform(request)
        if platform is not None:
            return platform
        handle = self._routes.get((request.method, request.path))
        with self.metrics.handling as at_once:
            number = self.instance.next_request()
            started = time.perf_counter()
            answer = self._handle(handle, request) if handle else Answer(404, {"error": "no such page"})
            seconds = time.perf_counter() - started
        self.metrics.answered(request.method, request.path if handle else "other", answer.status, seconds)
        self.log(
            f"{request.method} {request.path}",
            status=answer.status,
            ms=round(seconds * 1000, 1),
            error=answer.body.get("error") if isinstance(answer.body, dict) else None,
            trace=trace_id(request.headers),
        )
        timing = self.instance.timing(number, at_once, seconds)
        return replace(answer, headers={**answer.headers, "Server-Timing": timing})

    def _handle(self, handle: Route, request: Request) -> Answer:
        status = self.faults.disturb()
        if status is not None:
            return Answer(status, {"error": "a fault is on"})
        try:
            return handle(request)
        except RefusedError as refused:
            return refused.answer
        except Exception:
            self.log("a request failed", level="error", detail=traceback.format_exc())
            return Answer(500, {"error": f"{self.name} failed; its log says why"})

    def _answer_platform(self, request: Request) -> Answer | None:
        match request.method, request.path:
            case "GET", "/healthz":
                return Answer(200, {"alive": True})
            case "GET", "/readyz":
                ready = not self.draining and not self.faults.active("unready")
                return Answer(200 if ready else 503, {"ready": ready, "draining": self.draining})
            case "GET", "/version":
                return Answer(200, {"service": self.name, "version": self.version, "pod": self.instance.name})
            case "GET", "/metrics":
                return Answer(200, self.metrics.text(), "text/plain; version=0.0.4")
        return None

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Write one JSON line to standard output; fields that are None are left out."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "service": self.name,
            "version": self.version,
            "message": message,
            **{name: value for name, value in fields.items() if value is not None},
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    def run(self) -> None:
        """Serve on ``$PORT`` until SIGTERM, then end gracefully.

        First readiness goes off, and requests are still answered for ``$DRAIN_SECONDS``, because it takes a moment
        until the last client has heard that this pod is leaving. Only then the door is closed, and what is being
        answered is answered to its end.
        """
        leave = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, leave)  # before any thread starts: they must leave the signal to us
        server = Server(("0.0.0.0", int(os.environ.get("PORT", "8080"))), self)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        faults = FaultListener(self).listen()
        self.instance.serves()
        self.log("serving", port=server.server_address[1], faults=faults, start_ms=round(self.instance.start_ms))
        signal.sigwait(leave)
        self.draining = True
        self.log("leaving: not ready any more, still serving")
        time.sleep(float(os.environ.get("DRAIN_SECONDS", "3")))
        server.shutdown()
        server.server_close()
        deadline = time.monotonic() + GRACE_SECONDS
        while self.metrics.in_flight.count and time.monotonic() < deadline:
            time.sleep(0.02)
        for finish in self._before_end:
            finish()
        self.faults.stop()
        self.log("stopped")


def trace_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return those of the headers that tell which trace a request belongs to."""
    return {name: value for name, value in headers.items() if name in TRACE_HEADERS}


def trace_id(headers: dict[str, str]) -> str | None:
    """Return the trace a request belongs to, from whichever header tells it."""
    if parent := headers.get("traceparent"):
        return parent.split("-")[1] if parent.count("-") == 3 else None
    return headers.get("b3", "").split("-")[0] or headers.get("x-b3-traceid")
