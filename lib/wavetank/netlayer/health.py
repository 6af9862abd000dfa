"""What the kubelet asks: is the process there (``/healthz``), does it lead and know all there is (``/readyz``)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["PORT", "serve"]

PORT = 8080


def serve(ready: threading.Event, port: int = PORT) -> ThreadingHTTPServer:
    """Answer at ``port`` (0: any free one) for as long as the process lasts; return the server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/healthz": 200, "/readyz": 200 if ready.is_set() else 503}.get(self.path, 404))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:
            """Say nothing: it is asked every second."""

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
