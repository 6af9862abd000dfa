"""Who answers, and since when: told with each answer, so that a client can take a cold start apart.

The header is W3C's Server-Timing, which browsers show as well; durations are milliseconds. Of the time a client waited,
``age`` minus ``start`` is what the platform took to send it a request when the process was ready, and what is more than
``age`` and ``handle`` together passed before there was a process, or on the way.
"""

from __future__ import annotations

import os
import socket
import time
from itertools import count
from pathlib import Path


class Instance:
    """One process of a service, from its start."""

    def __init__(self) -> None:
        self.name = socket.gethostname()
        self.revision = os.environ.get("K_REVISION", "")  # set by Knative
        self.started = _started()
        self.start_ms = 0.0
        self._requests = count(1)

    def serves(self) -> None:
        """Remember that the process can answer from now on: its start is over."""
        self.start_ms = self._age_ms()

    def next_request(self) -> int:
        """Return the number of the request at hand: the first, 1, may have waited for a cold start."""
        return next(self._requests)

    def timing(self, number: int, at_once: int, seconds: float) -> str:
        """Return the Server-Timing of the request ``number``, which was handled in ``seconds``.

        ``at_once`` is how many were being handled when its turn came, itself among them.
        """
        said = {"instance": self.name, "revision": self.revision, "request": number, "at-once": at_once}
        ms = {"start": self.start_ms, "age": self._age_ms() - seconds * 1000, "handle": seconds * 1000}
        return ", ".join(
            [f'{name};desc="{value}"' for name, value in said.items() if value]
            + [f"{name};dur={value:.1f}" for name, value in ms.items()]
        )

    def _age_ms(self) -> float:
        return (time.time() - self.started) * 1000


def _started() -> float:
    """Return when this process was started, to a hundredth of a second, in seconds since the epoch.

    See proc(5). The process is older than Python in it: it begins with the last steps of who made the container.
    """
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - since_boot + ticks / os.sysconf("SC_CLK_TCK")
