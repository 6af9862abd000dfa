"""The process in the load pod: runs the load named in its environment and prints one line a second.

``WAVETANK_LOAD`` holds the Load resource's ``spec`` as JSON. SIGTERM ends the load within a second. In every case the
last line is the summary, and the exit code tells whether the schedule was held.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from urllib.parse import urlsplit

from wavetank.errors import InputError
from wavetank.traffic.generator import Generator, Request
from wavetank.traffic.profile import arrivals
from wavetank.traffic.record import Second, Summary
from wavetank.traffic.resource import Load

__all__ = ["ENVIRONMENT", "HELD", "NOT_HELD", "run_pod"]

ENVIRONMENT = "WAVETANK_LOAD"
HELD = 0
NOT_HELD = 3
"""Exit code when requests were sent late or not at all, so that the latencies are not the target's alone."""

_TAKEN_WITHIN = 2.0
"""Seconds until a Service that was just made, or whose pods were, is known to the load's node: kube-proxy needs one."""
_PAUSE = 0.05


def run_pod() -> int:
    """Run the load and return the exit code. Raises `InputError` when the environment holds no valid load."""
    load = _load_from_environment()
    summary = asyncio.run(_run(load))
    print(summary.to_line(), flush=True)
    return HELD if summary.held else NOT_HELD


def _load_from_environment() -> Load:
    text = os.environ.get(ENVIRONMENT, "")
    try:
        return Load.from_spec("load", json.loads(text))
    except ValueError as error:
        raise InputError(f"{ENVIRONMENT} is not JSON", observed=repr(text), expected="the spec of a Load") from error


async def _run(load: Load) -> Summary:
    target = load.target
    request = Request(target.url, target.method, target.headers, target.body.encode(), load.timeout)
    generator = Generator(request, arrivals(load.curve))
    taken = asyncio.create_task(_until_taken(target.url))

    def stop() -> None:
        taken.cancel()
        generator.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await taken
    return Summary() if taken.cancelled() else await generator.run(_print_second)


async def _until_taken(url: str) -> None:
    """Return once the target takes a connection, or after a moment: nothing is asked of it yet.

    Requests that the load's own node refuses tell nothing of the target. One that is not there is loaded all the same.
    """
    place = urlsplit(url)
    with suppress(TimeoutError):
        async with asyncio.timeout(_TAKEN_WITHIN):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(place.hostname, place.port or 80)
                    writer.close()
                    return
                await asyncio.sleep(_PAUSE)


def _print_second(second: Second) -> None:
    print(second.to_line(), flush=True)
