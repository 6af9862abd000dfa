"""How long a function takes that has no pod: thirty cold starts, and where their time goes.

    python -m tests.bench.bench_serverless

Ten functions are asked one after the other, three times round: while one starts, the others fall asleep.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from tests.bench.bench_cluster import NAMESPACE, cluster

from wavetank.cluster import find_spec, load_spec
from wavetank.kube import Kube
from wavetank.observe.serverless import ColdStarts, measure

FUNCTIONS, ROUNDS = 10, 3
TIDES = Path(__file__).parents[2] / "labs/tidewater/manifests/functions/tides.yaml"


def main() -> None:
    """Print the table of them, and how far the parts are from the whole at worst."""
    spec = load_spec(find_spec("kind")).with_addons(("istio", "knative"))
    gateway = f"http://127.0.0.1:{spec.ports.gateway}"
    names = [f"tides-{number}" for number in range(FUNCTIONS)]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    with cluster(spec) as kube:
        kube.apply(namespace)
        try:
            deploy(kube, names)
            measured = [measure(kube, NAMESPACE, name, gateway, "/tides?days=1") for name in ROUNDS * names]
        finally:
            kube.delete(namespace, wait=150)
    apart = max(start.disagreement for start in measured)
    print(ColdStarts("tides", tuple(measured)))
    print(f"  {'parts and whole are apart by, at most':<44} {apart:6.1%}", flush=True)


def deploy(kube: Kube, names: list[str]) -> None:
    """Have the lab's own function under each of the names, ready."""
    function = yaml.safe_load(TIDES.read_text())
    for name in names:
        kube.apply({**function, "metadata": {"name": name}}, namespace=NAMESPACE)
    for name in names:
        kube.wait_for((function["apiVersion"], function["kind"]), name, NAMESPACE, "Ready", timeout=120)


if __name__ == "__main__":
    main()
