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
    """How many requests are inside now, and the most that ever were."""

    def __init__(self) -> None:
        self.count = 0
        self.most = 0
        self._lock = threading.Lock()

    def __enter__(self) -> int:
        with self._lock:
            self.count += 1
            self.most = max(self.most, self.count)
            return self.count

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.count -= 1


class Metrics:
    """The measurements of one process; safe to use from many threads."""

    def __init__(self, service: str, version: str, started: float) -> None:
        """Begin at zero; ``started`` is when the process was, in seconds since the epoch."""
        self._common = f'service="{service}",version="{version}"'
        self._started = started
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._own: Counter[tuple[str, str]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self.in_flight = InFlight()  # from the first byte in to the last byte out, the platform's questions included
        # Passengers' requests, and over before the answer leaves. Whoever sends the next one when an answer has come is
        # thus never counted as two, and a limit on what is sent at once shows here as it is.
        self.handling = InFlight()

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

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Count what only this service counts. Values of ``labels`` are never what a client made up."""
        with self._lock:
            self._own[name, "".join(f',{label}="{value}"' for label, value in labels.items())] += amount

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
            lines.append("# TYPE http_requests_handled_at_once_max gauge")
            lines.append(f"http_requests_handled_at_once_max{{{self._common}}} {self.handling.most}")
            told = ""
            for (name, labels), n in sorted(self._own.items()):
                if name != told:
                    lines.append(f"# TYPE {name} counter")
                    told = name
                lines.append(f"{name}{{{self._common}{labels}}} {n}")
        lines.append("# TYPE process_start_time_seconds gauge")
        lines.append(f"process_start_time_seconds {self._started:.2f}")
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
