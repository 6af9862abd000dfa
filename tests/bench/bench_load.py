"""How well the load generator keeps its schedule, beside Fortio on the same target in the same run.

    python -m tests.bench.bench_load

Fortio (https://fortio.org) is built from its Go module, with the target: a plain Go server, so that neither generator
is measured by its own kind. Both send at the same rate, in turns, and the median of the rounds is printed. Latency
counts from the moment a request was due, for Fortio too.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import platformdirs

RATE = 200
SECONDS = 10
ROUNDS = 3
CONNECTIONS = 4
SOURCE = Path(__file__).with_name("fortio")


@dataclass(frozen=True)
class Round:
    """What one generator did in one round; times in milliseconds."""

    failed: int
    schedule_error: float
    latency: float
    cpu: float

    @classmethod
    def run(cls, command: list[str], **environment: str) -> Round:
        """Run a generator that ends its output with its figures, and count the CPU it took as a share of one core."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        output = subprocess.run(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, timeout=SECONDS + 30
        ).stdout
        after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        told: dict[str, Any] = json.loads(output.splitlines()[-1])
        figures = told.get("summary", told)
        return cls(
            failed=figures["failed"],
            schedule_error=figures["schedule_error_ms"]["p99"],
            latency=figures["latency_ms"]["p99"],
            cpu=(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / took,
        )


def main() -> None:
    """Print the comparison."""
    fortio = build_fortio()
    print(f"load generator: {RATE} requests/s, {ROUNDS} rounds of {SECONDS} s in turns, medians", flush=True)
    with target(fortio) as address:
        url = f"http://{address}/"
        rounds = [(wavetank_round(address), fortio_round(fortio, url)) for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    print(f"  {'':<24}{'wavetank':>10}{'fortio':>10}{'ratio':>8}")
    for label, attribute in (
        ("schedule error p99, ms", "schedule_error"),
        ("latency p99, ms", "latency"),
        ("CPU, cores", "cpu"),
        ("failed requests", "failed"),
    ):
        mine, other = (median(getattr(one, attribute) for one in side) for side in (ours, theirs))
        ratio = f"{mine / other:.1f}" if other else "-"
        print(f"  {label:<24}{mine:>10.2f}{other:>10.2f}{ratio:>8}")


def build_fortio() -> Path:
    """Build the yardstick into the cache and return it."""
    go = shutil.which("go")
    if go is None:
        sys.exit("the comparison needs Go on the PATH, to build Fortio")
    binary = platformdirs.user_cache_path("wavetank") / "bench" / "fortio"
    subprocess.run([go, "build", "-trimpath", "-o", str(binary), "."], cwd=SOURCE, check=True)
    return binary


@contextmanager
def target(fortio: Path) -> Iterator[str]:
    """Run the target while the block lasts; its address."""
    with subprocess.Popen([fortio, "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def wavetank_round(address: str) -> Round:
    """Run the very process of a load pod."""
    service, port = "localhost", int(address.rpartition(":")[2])
    load = {"target": {"service": service, "port": port}, "rate": RATE, "duration": f"{SECONDS}s"}
    return Round.run([sys.executable, "-m", "wavetank", "load-pod"], WAVETANK_LOAD=json.dumps(load))


def fortio_round(fortio: Path, url: str) -> Round:
    """Run Fortio."""
    return Round.run([str(fortio), "load", url, str(RATE), str(SECONDS), str(CONNECTIONS)])


if __name__ == "__main__":
    main()
