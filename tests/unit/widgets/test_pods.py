"""How one pod or node is doing is read off its status as the API server has it."""

from __future__ import annotations

from typing import Any

import pytest

from wavetank.widgets.models.pods import read_node, read_pod, tag
from wavetank.widgets.models.tone import Tone

STARTED = "2026-11-23T12:00:00Z"
EARLIER, LATER = "2026-11-23T11:59:58Z", "2026-11-23T12:05:00Z"
SCHEDULED = {"type": "PodScheduled", "status": "True"}


def pod(*, ready: str = "False", changed: str = EARLIER, **parts: Any) -> dict[str, Any]:
    running = {"restartCount": 0, "state": {"running": {"startedAt": STARTED}}}
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": changed}
    status = {"phase": "Running", "conditions": [SCHEDULED, condition], "containerStatuses": [running]}
    return {
        "metadata": {"name": "web-1", "labels": {"app": "web"}, **parts.get("metadata", {})},
        "spec": {"nodeName": "worker", "containers": [{"image": "registry:5000/web:v2"}], **parts.get("spec", {})},
        "status": {**status, **parts.get("status", {})},
    }


def waiting(reason: str) -> dict[str, Any]:
    return {"containerStatuses": [{"restartCount": 3, "state": {"waiting": {"reason": reason}}}]}


UNPLACED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient cpu."}


@pytest.mark.parametrize(
    ("obj", "tone", "part"),
    [
        (pod(ready="True"), Tone.GOOD, "ready"),
        (pod(), Tone.BUSY, "starting"),
        (pod(changed=LATER), Tone.WARN, "not ready"),
        (pod(ready="True", metadata={"deletionTimestamp": STARTED}), Tone.GONE, "being stopped"),
        (pod(status=waiting("CrashLoopBackOff")), Tone.BAD, "CrashLoopBackOff"),
        (pod(status=waiting("ImagePullBackOff")), Tone.BAD, "image cannot be had"),
        (pod(status=waiting("CreateContainerConfigError")), Tone.BAD, "configuration is missing"),
        (pod(status=waiting("ContainerCreating")), Tone.BUSY, "starting"),
        (pod(spec={"nodeName": ""}, status={"conditions": [UNPLACED]}), Tone.WAIT, "not placed: 0/3 nodes"),
        (pod(status={"phase": "Succeeded"}), Tone.GONE, "done"),
        (pod(status={"phase": "Failed", "reason": "Evicted"}), Tone.BAD, "failed (Evicted)"),
    ],
)
def test_a_pods_state_is_a_tone_and_words(obj: dict[str, Any], tone: Tone, part: str) -> None:
    read = read_pod(obj)
    assert (read.tone, part in read.words) == (tone, True), read
    assert read.ready == (tone is Tone.GOOD)


def test_a_pod_is_known_by_its_application_and_version() -> None:
    read = read_pod(pod())
    assert (read.name, read.app, read.node, read.version) == ("web-1", "web", "worker", "v2")


@pytest.mark.parametrize(
    ("image", "expected"),
    [("web:v2", "v2"), ("registry:5000/web:v2", "v2"), ("registry:5000/web", ""), ("web@sha256:12ab", ""), ("web", "")],
)
def test_an_images_tag_is_told_from_ports_and_digests(image: str, expected: str) -> None:
    assert tag(image) == expected


def test_a_restart_says_why_the_container_ended() -> None:
    killed = {"restartCount": 2, "state": {}, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    crashed = {"restartCount": 1, "state": {}, "lastState": {"terminated": {"reason": "Error", "exitCode": 3}}}
    assert read_pod(pod(status={"containerStatuses": [killed]})).last_end == "OOMKilled"
    assert read_pod(pod(status={"containerStatuses": [crashed]})).last_end == "exit code 3"


@pytest.mark.parametrize(
    ("status", "spec", "tone", "ready"),
    [
        ("True", {}, Tone.GOOD, True),
        ("True", {"unschedulable": True}, Tone.WARN, True),
        ("Unknown", {}, Tone.BAD, False),
        ("False", {}, Tone.BAD, False),
    ],
)
def test_a_node_is_ready_when_its_kubelet_says_so(status: str, spec: dict[str, Any], tone: Tone, ready: bool) -> None:
    node = {"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": [{"type": "Ready", "status": status}]}}
    assert (read_node(node).tone, read_node(node).ready) == (tone, ready)
