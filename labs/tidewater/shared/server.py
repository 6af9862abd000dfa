"""The HTTP side of a service: connections, request bodies, and answers that leave in one piece."""

from __future__ import annotations

import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from .messages import Answer, Request

if TYPE_CHECKING:
    from .faultlistener import FaultListener
    from .service import Service

MAX_BODY_BYTES = 64 * 1024
# A connection sticks to the pod it was opened to. Ending it now and then lets new replicas have their share.
CONNECTION_SECONDS = 5.0
IDLE_SECONDS = 75.0  # longer than clients keep a connection: the side that sends should be the one that hangs up


class Server(ThreadingHTTPServer):
    """Answers with ``service``, a thread for each connection."""

    request_queue_size = 256  # the default of 5 turns connections away in a burst
    daemon_threads = True

    def __init__(self, address: tuple[str, int], service: Service | FaultListener) -> None:
        self.service = service
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong; a client that hung up is no news."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            self.service.log("a connection failed", level="error", detail=traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # An answer leaves in one piece and at once; in two pieces it would wait for an acknowledgement, 40 ms each time.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.opened = time.monotonic()

    def _respond(self) -> None:
        with self.server.service.metrics.in_flight:
            self._answer()
            self.wfile.flush()

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True  # the body was not read: what follows is no request
            expected = f"expected at most {MAX_BODY_BYTES} bytes, chunked or with a Content-Length"
            answer = Answer(413, {"error": expected})
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            url = urlsplit(self.path)
            request = Request(self.command, url.path, headers, body, dict(parse_qsl(url.query)))
            answer = self.server.service.answer(request)
        content = answer.content()
        if self.server.service.draining or time.monotonic() - self.opened > CONNECTION_SECONDS:
            self.close_connection = True
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.type, "Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes | None:
        """Return the body, or None for one that is too long or of a length nobody can tell."""
        encoding = self.headers.get("Transfer-Encoding")
        if encoding:
            return self._chunks() if encoding.lower() == "chunked" else None
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return None
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes | None:
        """Read a body whose sender did not know its length beforehand (RFC 9112, 7.1); trailers are passed over."""
        body = b""
        while size := self._chunk_size():
            if size < 0 or len(body) + size > MAX_BODY_BYTES:
                return None
            body += self.rfile.read(size)
            if self.rfile.readline(3) != b"\r\n":
                return None
        while line := self.rfile.readline(MAX_BODY_BYTES):
            if line == b"\r\n":
                return body
        return None

    def _chunk_size(self) -> int:
        """Return the bytes of the next chunk, 0 for the last, and -1 for what is no size."""
        try:
            return int(self.rfile.readline(100).split(b";")[0], 16)
        except ValueError:
            return -1

    do_GET = do_POST = do_DELETE = _respond  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the service logs its requests itself."""
