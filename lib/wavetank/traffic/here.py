"""A load sent from this process to a container on this machine: for what needs no cluster yet."""

from __future__ import annotations

import asyncio
import threading
import time
from http.client import HTTPConnection, HTTPException

from wavetank.errors import InputError, WaitTimeoutError
from wavetank.traffic.generator import Generator, Request
from wavetank.traffic.profile import arrivals
from wavetank.traffic.record import Second, Summary
from wavetank.traffic.resource import Load

__all__ = ["LoadHere", "ask_here", "send_here"]

LOOPBACK = "127.0.0.1"
_PAUSE = 0.1
ENDS_WITHIN = 10.0
"""Seconds after its own duration in which a load has to have ended."""


class LoadHere:
    """A load under way in a thread of this process; it ends by itself, and with the process."""

    def __init__(self, load: Load, address: str) -> None:
        request = Request(
            f"http://{address}{load.target.path}",
            load.target.method,
            load.target.headers,
            load.target.body.encode(),
            load.timeout,
        )
        self._generator = Generator(request, arrivals(load.curve))
        self._within = load.duration + ENDS_WITHIN
        self._sum: Summary | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"load {load.name}")
        self._thread.start()

    def summary(self) -> Summary:
        """Wait for the end and return the sum; raises `WaitTimeoutError` when it does not end in time."""
        self._thread.join(self._within)
        if self._sum is None:
            raise WaitTimeoutError("the load has not ended", observed=f"it is under way after {self._within:.0f} s")
        return self._sum

    def _run(self) -> None:
        self._sum = asyncio.run(self._generator.run(_unheard))


def ask_here(address: str, path: str, within: float = 10.0) -> str:
    """Ask ``path`` of ``address`` (127.0.0.1:PORT) and return the answer; one that is just starting is waited for.

    Raises `WaitTimeoutError` when it does not answer within so many seconds.
    """
    deadline = time.monotonic() + within
    while True:
        connection = HTTPConnection(_on_loopback(address), timeout=within)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            if time.monotonic() > deadline:
                raise WaitTimeoutError(
                    f"nothing answers at {address}{path}", observed=str(error), expected=f"an answer in {within:g} s"
                ) from error
            time.sleep(_PAUSE)
        finally:
            connection.close()


def _unheard(_: Second) -> None:
    """Show nobody: the sum is what counts."""


def send_here(load: Load, address: str) -> LoadHere:
    """Send ``load`` to ``address`` (127.0.0.1:PORT) instead of its Service, and return at once.

    Raises `InputError` for an address that is not on this machine's loopback.
    """
    return LoadHere(load, _on_loopback(address))


def _on_loopback(address: str) -> str:
    host, _, port = address.partition(":")
    if host != LOOPBACK or not port.isdecimal():
        raise InputError(f"from here one asks {LOOPBACK} only", observed=address, expected=f"{LOOPBACK}:PORT")
    return address
