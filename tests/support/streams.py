"""What `tests.support.apiserver` says over WebSockets: exec and port-forward, on the channels of v4.channel.k8s.io.

As real Kubernetes does it (k8s.io/cri-streaming, pkg/streaming): messages begin with the byte of their channel. A
command writes on 1 and 2 and ends with a Status on 3. A forwarded port has a channel for data, 0, and one for its
trouble, 1; each begins with the port, little endian, before anybody has connected to it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.parser import BytesParser
from typing import BinaryIO

from tests.support.apistore import Answer, RefusalError, Request, Run

PROTOCOL = "v4.channel.k8s.io"
BINARY, CLOSE = 2, 8
MESSAGE = 32 * 1024
"""Bytes that a real kubelet copies at a time."""


def accepted(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that accept a WebSocket. Raises `RefusalError` for a request that asks for none."""
    if headers.get("Upgrade", "").lower() != "websocket":
        raise RefusalError(400, "BadRequest", "Upgrade request required")
    if PROTOCOL not in [offered.strip() for offered in headers.get("Sec-WebSocket-Protocol", "").split(",")]:
        raise RefusalError(403, "Forbidden", f"requested protocol(s) are not supported; supports {PROTOCOL}")
    key = headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept,
        "Sec-WebSocket-Protocol": PROTOCOL,
    }


class ServerChannels:
    """The server's end of a WebSocket (RFC 6455): what comes is masked, what goes is not."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._in, self._out = incoming, outgoing

    def send(self, channel: int, data: bytes) -> None:
        """Send ``data`` in as many messages as a real kubelet would."""
        for start in range(0, len(data), MESSAGE):
            self._frame(BINARY, bytes([channel]) + data[start : start + MESSAGE])

    def receive(self) -> bytes | None:
        """Return what has come on channel 0; None when the client has hung up."""
        head = self._in.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(self._in.read(2 if length == 126 else 8))
        mask = self._in.read(4)
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._in.read(length)))
        return None if head[0] & 0x0F == CLOSE else data[1:]

    def close(self) -> None:
        """Say goodbye."""
        self._frame(CLOSE, struct.pack("!H", 1000))

    def _frame(self, code: int, data: bytes) -> None:
        size = len(data)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        self._out.write(bytes([0x80 | code]) + length + data)


def run_command(channels: ServerChannels, run: Run, command: list[str]) -> None:
    """Play a container in which ``command`` runs."""
    code, stdout, stderr = run(command)
    channels.send(1, stdout)
    channels.send(2, stderr)
    status: dict[str, object] = {"metadata": {}, "status": "Success"}
    if code:
        cause = {"reason": "ExitCode", "message": str(code)}
        status |= {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
        status["message"] = f"command terminated with non-zero exit code: {code}"
    channels.send(3, json.dumps(status).encode())
    channels.close()


def forward_port(
    channels: ServerChannels, pod: str, port: int, application: Callable[[Request], Answer] | None
) -> None:
    """Play a pod in which ``application`` (None: nobody) listens at ``port`` and answers one request."""
    for channel in (0, 1):
        channels.send(channel, struct.pack("<H", port))
    if application is None:
        refused = f"dial tcp4 127.0.0.1:{port}: connect: connection refused"
        channels.send(1, f"error forwarding port {port} to pod {pod}, uid : failed to connect: {refused}".encode())
    elif request := _request(channels):
        with suppress(ConnectionError):  # it hangs up without an answer
            status, headers, body = application(request)
            told = {**headers, "Content-Length": str(len(body))}
            head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
            channels.send(0, f"HTTP/1.1 {status} Told\r\n{head}\r\n".encode() + body)
    channels.close()


def _request(channels: ServerChannels) -> Request | None:
    """Read one HTTP request; None when the client hangs up before it is whole."""
    received = b""
    while True:
        head, ended, body = received.partition(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        headers = BytesParser().parsebytes(rest)
        if ended and len(body) >= int(headers.get("Content-Length", 0)):
            method, path, _ = first.decode().split(" ")
            return Request(method, path, dict(headers), body)
        more = channels.receive()
        if more is None:
            return None
        received += more
