"""How long one look at a mesh takes: fifty sidecars, asked through the API server.

    python -m tests.bench.bench_observe

Against the tests' own API server, whose proxies say what recorded ones said, each after the time a real one takes.
Server and client share this process, so that a real cluster is rather faster.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.support.apistore import Answer, Request
from tests.support.recorded import NAMESPACE, objects, statistics
from tests.support.sea import Sea

from wavetank.observe import watch
from wavetank.observe.scrape import look
from wavetank.observe.stats import parse_stats

PODS = 50
RUNS = 5
ANSWERS_AFTER = 0.015
"""Seconds a sidecar takes to answer, as measured on a kind cluster."""


def main() -> None:
    """Print how long it takes to read one proxy's text, to look once, and to tell a topology."""
    text = next(text for pod, text in statistics("during").items() if pod.startswith("web-"))
    tell("read the statistics of one proxy", lambda: parse_stats(text))
    with tempfile.TemporaryDirectory() as folder, Sea(Path(folder)) as sea:
        sea.show("during")
        crowd(sea, text)
        tell(f"look at {PODS} proxies", lambda: look(sea.kube, NAMESPACE))
        mesh = watch(sea.kube, NAMESPACE)
        tell("the same, and its topology", mesh.since_mark)


def crowd(sea: Sea, text: str) -> None:
    """Have fifty pods with sidecars in the namespace, and only them."""
    pod = next(pod for pod in objects("during")["Pod"] if pod["metadata"]["name"].startswith("web-"))
    for there in sea.api.objects("Pod", NAMESPACE):
        sea.api.delete("Pod", there["metadata"]["name"], NAMESPACE)
    for number in range(PODS):
        name = f"web-{number}"
        metadata = {**pod["metadata"], "name": name, "uid": name}
        sea.api.put({"apiVersion": "v1", "kind": "Pod", **pod, "metadata": metadata})
        sea.api.answer(f"pod:{name}:15090", slowly(text), NAMESPACE)


def slowly(text: str) -> Callable[[Request], Answer]:
    """Return a proxy that says ``text`` after a while."""

    def answer(_: Request) -> Answer:
        time.sleep(ANSWERS_AFTER)
        return 200, {"Content-Type": "text/plain"}, text.encode()

    return answer


def tell(what: str, work: Callable[[], object]) -> None:
    """Print the median of what ``work`` takes."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    print(f"  {'mesh: ' + what:<44} {median(took) * 1000:6.1f} ms", flush=True)


if __name__ == "__main__":
    main()
