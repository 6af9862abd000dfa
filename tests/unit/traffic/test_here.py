"""A load without a cluster: sent from here to this machine's loopback, and nowhere else."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wavetank.errors import InputError, WaitTimeoutError
from wavetank.traffic import Load, Target
from wavetank.traffic.here import ask_here, send_here


class Sailings(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address():  # type: ignore[no-untyped-def]
    with ThreadingHTTPServer(("127.0.0.1", 0), Sailings) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


LOAD = Load("wave", Target("timetable", path="/sailings"), rate=20, duration=1)


def test_every_request_is_sent_and_answered(address: str) -> None:
    summary = send_here(LOAD, address).summary()
    assert (summary.sent, summary.failed) == (20, 0)


def test_where_nobody_listens_every_request_is_refused(address: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sailings) as gone:
        closed = f"127.0.0.1:{gone.server_port}"
    summary = send_here(LOAD, closed).summary()
    assert (summary.sent, summary.failed) == (20, 20)


@pytest.mark.parametrize("elsewhere", ["10.0.0.1:80", "example.org:80", "127.0.0.1", "127.0.0.1:80/../x", "[::1]:80"])
def test_it_goes_to_this_machine_only(elsewhere: str) -> None:
    with pytest.raises(InputError, match=r"127\.0\.0\.1 only"):
        send_here(LOAD, elsewhere)
    with pytest.raises(InputError, match=r"127\.0\.0\.1 only"):
        ask_here(elsewhere, "/")


def test_one_is_asked_and_waited_for(address: str) -> None:
    assert ask_here(address, "/sailings") == "/sailings"
    with ThreadingHTTPServer(("127.0.0.1", 0), Sailings) as gone:
        closed = f"127.0.0.1:{gone.server_port}"
    with pytest.raises(WaitTimeoutError, match="nothing answers at"):
        ask_here(closed, "/", within=0.3)
