"""HTTP servers for a load to hit, on free loopback ports: healthy, stalling, slow, resetting, and nobody at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


class Target:
    """A server that answers ``status``; ``gate`` holds back all answers while it is closed."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.gate = asyncio.Event()
        self.gate.set()
        self.requests: list[web.BaseRequest] = []
        self.connections: Counter[tuple[str, int]] = Counter()
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request, when the gate is open."""
        self.requests.append(request)
        if request.transport is not None:
            self.connections[request.transport.get_extra_info("peername")] += 1
        await self.gate.wait()
        return web.Response(status=self.status, text="sailing")

    async def stall(self, after: float, seconds: float) -> None:
        """Close the gate ``after`` seconds from now, for ``seconds``."""
        await asyncio.sleep(after)
        self.gate.clear()
        await asyncio.sleep(seconds)
        self.gate.set()


@asynccontextmanager
async def target(status: int = 200, port: int = 0) -> AsyncIterator[Target]:
    """Run a `Target` while the block lasts, at ``port`` (0: any free one)."""
    server = Target(status)
    runner = web.ServerRunner(web.Server(server.answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.url = site_url(runner)
        yield server
    finally:
        server.gate.set()
        await runner.cleanup()


def site_url(runner: web.ServerRunner) -> str:
    """Return the URL of a runner's only site."""
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}/"


@asynccontextmanager
async def resetting_target() -> AsyncIterator[str]:
    """Accept each connection, read the request, and reset it."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # Closing a socket that lingers for 0 seconds sends RST.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with _raw_server(reset) as url:
        yield url


@asynccontextmanager
async def _raw_server(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def refusing_url() -> str:
    """Return the URL of a loopback port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"
