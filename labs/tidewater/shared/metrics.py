"""Counters and one histogram in Prometheus' text format.

Only what the labs read: how many requests, with which answers, how long they took, and what the process costs.
"""

from __future__ import annotations

import os
import resource
import threading
from collections import Counter
from pathlib import Path

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class InFlight:
    """How many requests are being answered now, from the first byte in to the last byte out."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.count -= 1


class Metrics:
    """The measurements of one process; safe to use from many threads."""

    def __init__(self, service: str, version: str) -> None:
        self._common = f'service="{service}",version="{version}"'
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self.in_flight = InFlight()

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count an answer. ``path`` is a route, never what a client made up: series must stay few."""
        with self._lock:
            self._requests[method, path, status] += 1
            self._seconds += seconds
            self._buckets[next((bound for bound in BUCKETS if seconds <= bound), float("inf"))] += 1

    def called(self, host: str, outcome: str) -> None:
        """Count a call to another service; ``outcome`` is a status or what went wrong."""
        with self._lock:
            self._calls[host, outcome] += 1

    def text(self) -> str:
        """Return everything in the exposition format."""
        with self._lock:
            lines = ["# TYPE http_requests_total counter"]
            for (method, path, status), n in sorted(self._requests.items()):
                lines.append(
                    f'http_requests_total{{{self._common},method="{method}",path="{path}",status="{status}"}} {n}'
                )
            lines.append("# TYPE http_request_duration_seconds histogram")
            total = 0
            for bound in (*BUCKETS, float("inf")):
                total += self._buckets[bound]
                name = "+Inf" if bound == float("inf") else str(bound)
                lines.append(f'http_request_duration_seconds_bucket{{{self._common},le="{name}"}} {total}')
            lines.append(f"http_request_duration_seconds_sum{{{self._common}}} {self._seconds:.6f}")
            lines.append(f"http_request_duration_seconds_count{{{self._common}}} {total}")
            lines.append("# TYPE http_calls_total counter")
            for (host, outcome), n in sorted(self._calls.items()):
                lines.append(f'http_calls_total{{{self._common},to="{host}",outcome="{outcome}"}} {n}')
            lines.append("# TYPE http_requests_in_flight gauge")
            lines.append(f"http_requests_in_flight{{{self._common}}} {self.in_flight.count}")
        lines.append("# TYPE process_cpu_seconds_total counter")
        lines.append(f"process_cpu_seconds_total {_cpu_seconds():.3f}")
        lines.append("# TYPE process_resident_memory_bytes gauge")
        lines.append(f"process_resident_memory_bytes {_resident_bytes()}")
        return "\n".join(lines) + "\n"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
