"""How fast the cluster is: up by step, pods to Ready, and back after a killed pod and a stopped node.

    python -m tests.bench.bench_cluster

A cluster that is up is used as it is; without one, one is brought up (which is what gives the interesting times of its
steps) and taken down at the end. What happens to the application is seen by a load, as a visitor would see it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import yaml

from wavetank.cluster import ClusterSpec, down, find_spec, kubeconfig_path, load_spec, status, up
from wavetank.faults import Fault, inject
from wavetank.faults import Target as Aim
from wavetank.kube import Kube, Obj
from wavetank.steps import StepEvent
from wavetank.traffic import Load, Second, Target, start_load
from wavetank.waves import let_operator_in

NAMESPACE = "wavetank-bench"
PODS = 10
TIMETABLE = Path(__file__).parents[2] / "labs/tidewater/manifests/timetable.yaml"
RATE = 20


def main() -> None:
    """Print all of it."""
    spec = load_spec(find_spec("kind")).with_addons(("operator",))
    with cluster(spec) as kube:
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        let_operator_in(kube, NAMESPACE)
        try:
            measure_pods(kube)
            deploy_one_replica(kube)
            measure_recovery(kube, "killed pod", "pod-kill", within=30)
            measure_recovery(kube, "stopped node", "node-stop", within=90)
        finally:
            kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, wait=60)


@contextmanager
def cluster(spec: ClusterSpec) -> Iterator[Kube]:
    """Have a cluster while the block lasts, and print what each step of `up` took."""
    was_absent = status(spec).state == "absent"
    began = time.monotonic()
    try:
        up(spec, report=print_step)
        what = "from nothing" if was_absent else "on a cluster that was up already"
        print(f"  {'up, ' + what:<44} {time.monotonic() - began:6.1f} s", flush=True)
        yield Kube.connect(kubeconfig_path(spec.name))
    finally:
        if was_absent:
            down(spec)


def print_step(event: StepEvent) -> None:
    """Print a step that has ended."""
    if event.state == "done":
        print(f"  {'up: ' + event.step:<44} {event.seconds:6.1f} s  {event.note}".rstrip(), flush=True)


def measure_pods(kube: Kube) -> None:
    """Create pods of the application one after the other, each timed until it is Ready."""
    deployment = next(obj for obj in yaml.safe_load_all(TIMETABLE.read_text()) if obj["kind"] == "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    spec.pop("topologySpreadConstraints")  # it names the labels of a ReplicaSet's pods
    took = []
    for number in range(PODS):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"ready-{number}", "namespace": NAMESPACE}}
        began = time.monotonic()
        created = kube.create({**pod, "spec": spec})
        kube.wait_for("Pod", f"ready-{number}", NAMESPACE, "Ready", timeout=60)
        took.append(time.monotonic() - began)
        kube.delete(created, namespace=NAMESPACE)
    shares = quantiles(took, n=100, method="inclusive")
    print(f"  {'pod create to Ready, p50 of ' + str(PODS):<44} {shares[49]:6.1f} s")
    print(f"  {'pod create to Ready, p95 of ' + str(PODS):<44} {shares[94]:6.1f} s", flush=True)


def deploy_one_replica(kube: Kube) -> None:
    """Run the application with a single pod, so that its recovery is the gap its visitors see."""
    kube.apply(TIMETABLE, namespace=NAMESPACE)
    kube.scale("timetable", NAMESPACE, 1)
    kube.rollout("timetable", NAMESPACE, timeout=60)


def measure_recovery(kube: Kube, what: str, kind: str, within: int) -> None:
    """Break the only pod under a load and print how long visitors were without answers."""
    load = Load(kind, Target("timetable", path="/sailings"), rate=RATE, duration=within, timeout=1)
    run = start_load(kube, load, NAMESPACE)
    seconds: list[Second] = []
    begun = threading.Event()

    def follow() -> None:
        for second in run.follow():
            seconds.append(second)
            begun.set()

    follower = threading.Thread(target=follow)
    follower.start()
    begun.wait(timeout=60)
    aim = Aim("selector", labels={"app": "timetable"}) if kind == "pod-kill" else Aim("node", name=node(kube))
    fault = inject(kube, Fault(kind, kind, aim, duration=within / 2), NAMESPACE)
    follower.join(timeout=within + 60)
    fault.wait_reverted()
    print(f"  {'without answers after a ' + what:<44} {gap(seconds):6.1f} s", flush=True)


def node(kube: Kube) -> str:
    """Return the node of the application's pod."""
    pods: list[Obj] = kube.list("Pod", NAMESPACE, selector="app=timetable", fields="status.phase=Running")
    name: str = pods[0]["spec"]["nodeName"]
    return name


def gap(seconds: list[Second]) -> float:
    """Return the seconds from the first failed request to the last, as a load that reports each second can tell."""
    failing = [second.t for second in seconds if second.failed]
    return failing[-1] - failing[0] + 1 if failing else 0


if __name__ == "__main__":
    main()
