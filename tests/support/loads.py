"""Plays the operator's part for loads on the tests' API server: a pod for each load, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tests.support.apiserver import ApiServer

from wavetank.traffic import Load, Second, Summary, Target
from wavetank.traffic.histogram import Latencies

NAMESPACE = "tidewater"
LOAD = Load("steady", Target("web"), rate=20, duration=60)
POD = "load-steady-0"

Obj = dict[str, Any]


def second(t: int, sent: int = 20) -> Second:
    latencies = Latencies()
    for _ in range(sent):
        latencies.record(0.01)
    text = latencies.encode()
    return Second(t, f"2026-05-01T12:00:{t:02d}Z", sent, sent, 0, {"200": sent}, text, text)


def summary_line(seconds: int) -> str:
    return Summary.of(second(t) for t in range(seconds)).to_line()


class Operator:
    """Runs a load as the operator does: in a pod, which writes the ``script``, ended when its load is asked to stop."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.script: list[str] = []
        api.put(yaml.safe_load((Path(__file__).parents[2] / "clusters/manifests/crd-load.yaml").read_text()))
        api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE}})
        api.on_write(self._reconcile)

    def _reconcile(self, change: str, obj: Obj) -> None:
        if obj["kind"] != "Load" or change == "DELETED":
            return
        if change == "ADDED":
            self._set_pod("Running")
            self.says(*self.script)
            self.set_status(phase="Running", pod=POD)
        elif obj["spec"].get("stop") and obj["status"]["phase"] == "Running":
            self.end("Stopped")

    def set_status(self, **status: object) -> None:
        """Report a status, in the place of the one before."""
        load = self.api.get("Load", LOAD.name, NAMESPACE)
        assert load is not None
        self.api.put({**load, "status": status})

    def _set_pod(self, phase: str) -> None:
        metadata = {"name": POD, "namespace": NAMESPACE}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "load"}]}}
        self.api.put({**pod, "status": {"phase": phase}})

    def says(self, *lines: str) -> None:
        """Have the load pod write ``lines``."""
        self.api.log(POD, *lines, namespace=NAMESPACE)

    def end(self, phase: str, **status: object) -> None:
        """End the load and its pod."""
        self._set_pod("Failed" if phase == "Failed" else "Succeeded")
        self.api.end_log(POD, NAMESPACE)
        self.set_status(phase=phase, pod=POD, **status)
