"""How soon a fresh Python can speak to a cluster: what every command and every notebook waits for first.

    python -m tests.bench.bench_client

Against the tests' own API server, so that it is the client that is measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.support.apiserver import ApiServer

RUNS = 5
FRESH = """
import json, sys, time
from pathlib import Path
marks = [time.perf_counter()]
from wavetank.kube import Kube
marks.append(time.perf_counter())
kube = Kube.connect(Path(sys.argv[1]))
marks.append(time.perf_counter())
kube.list("Node")
marks.append(time.perf_counter())
kube.list("Node")
marks.append(time.perf_counter())
print(json.dumps([after - before for before, after in zip(marks, marks[1:])]))
"""
STEPS = ("import wavetank.kube", "Kube.connect", "first list, with discovery", "second list")


def main() -> None:
    """Print the median of each step."""
    with ApiServer() as api, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", FRESH, str(api.kubeconfig(Path(folder)))]
        runs = [json.loads(subprocess.check_output(command)) for _ in range(RUNS)]
    for step, seconds in zip(STEPS, zip(*runs, strict=True), strict=True):
        print(f"  {'client: ' + step:<44} {median(seconds) * 1000:6.0f} ms", flush=True)


if __name__ == "__main__":
    main()
