"""Nothing is left behind: a notebook's kernel is killed in the middle, and its load and fault still end on time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from wavetank.kube import Kube, Obj

pytestmark = pytest.mark.kind

MANIFESTS = Path(__file__).parents[2] / "labs/tidewater/manifests"
SECONDS = 20
WAVES = """
from pathlib import Path
from wavetank.faults import Fault, Target as Aim, inject
from wavetank.kube import Kube
from wavetank.traffic import Load, Target, start_load

kube = Kube.connect(Path({kubeconfig!r}))
load = Load("orphan", Target("timetable", path="/sailings"), rate=10, duration={seconds})
start_load(kube, load, {namespace!r})
fault = inject(kube, {fault}, {namespace!r})
fault.wait_active()
print("making waves", flush=True)
"""
FAULT = 'Fault("orphan", "errors", Aim("selector", labels={{"app": "timetable"}}), {seconds}, {{"share": 1.0}})'


@pytest.fixture
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a kernel as a notebook does."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_killed_kernel_leaves_no_load_and_no_fault(
    kube: Kube, namespace: str, kernel: tuple[KernelManager, BlockingKernelClient]
) -> None:
    kube.apply(MANIFESTS / "timetable.yaml", namespace=namespace)
    kube.rollout("timetable", namespace, timeout=90)
    manager, client = kernel
    said: list[str] = []
    waves = WAVES.format(
        kubeconfig=str(kube.connection.kubeconfig),
        namespace=namespace,
        seconds=SECONDS,
        fault=FAULT.format(seconds=SECONDS),
    )
    reply = client.execute_interactive(
        waves, timeout=60, output_hook=lambda message: said.append(str(message["content"]))
    )
    assert reply["content"]["status"] == "ok", said
    manager.signal_kernel(9)

    fault = kube.get("Fault", "orphan", namespace)
    assert fault["status"]["phase"] == "Active"
    assert _answers(kube, namespace) == {503}

    for kind, phase in (("Fault", "Reverted"), ("Load", "Completed")):
        ended = kube.wait_for(
            kind,
            "orphan",
            namespace,
            lambda obj, phase=phase: obj is not None and obj.get("status", {}).get("phase") == phase,
            timeout=SECONDS + 30,
            waiting_for=f"the orphaned {kind} to end by itself",
        )
        assert _late(ended) < timedelta(seconds=5)
    assert _answers(kube, namespace) == {200}


def _late(ended: Obj) -> timedelta:
    """Return how long after its time a resource ended, seen from here and now."""
    ends_at = datetime.fromisoformat(ended["status"]["endsAt"])
    return datetime.now(UTC) - ends_at


def _answers(kube: Kube, namespace: str) -> set[int]:
    answers = (kube.request("service:timetable:80", "/sailings", namespace) for _ in range(6))
    return {answer.status for answer in answers}
