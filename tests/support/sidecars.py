"""Pods with sidecars on the tests' own API server, and what an Envoy answers about its certificates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.support.apiserver import ApiServer
from tests.support.merging import Obj

NAMESPACE = "lab-03"
ROOT_SERIAL = "5e01882fc8ef46479ab6415e10e0c84b"


def moment(after: timedelta = timedelta()) -> str:
    """Return the time ``after`` now, as Envoy writes it."""
    return (datetime.now(UTC) + after).strftime("%Y-%m-%dT%H:%M:%SZ")


def certificate(uri: str, serial: str = "58e2e466", *, age: timedelta = timedelta(hours=1)) -> Obj:
    """Return an entry of ``/certs``: a certificate for a day that is ``age`` old already, and the root of the mesh."""
    root = {"path": "<inline>", "serial_number": ROOT_SERIAL, "subject_alt_names": [], "days_until_expiration": "3649"}
    root |= {"valid_from": "2026-01-01T00:00:00Z", "expiration_time": "2035-12-30T00:00:00Z"}
    leaf = {"path": "<inline>", "serial_number": serial, "subject_alt_names": [{"uri": uri}]}
    leaf |= {"days_until_expiration": "0", "valid_from": moment(-age)}
    leaf["expiration_time"] = moment(timedelta(days=1) - age)
    return {"ca_cert": [root], "cert_chain": [leaf]}


def certs(*certificates: Obj) -> str:
    """Return what ``/certs`` answers."""
    return json.dumps({"certificates": list(certificates)}, indent=1)


def put_pod(
    api: ApiServer,
    name: str,
    answer: str | None = "",
    *,
    code: int = 0,
    native: bool = False,
    phase: str = "Running",
    state: str = "running",
) -> Obj:
    """Put a pod with a sidecar, in a ``state``, that answers ``answer`` about its certificates (None: without one)."""
    sidecar = {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.31.0"}
    spec: Obj = {"nodeName": "worker", "containers": [{"name": "web", "image": "wavetank.dev/tidewater/web:v1"}]}
    if answer is not None and native:
        spec["initContainers"] = [{"name": "istio-init"}, {**sidecar, "restartPolicy": "Always"}]
    elif answer is not None:
        spec["containers"].append(sidecar)

    def request(command: list[str]) -> tuple[int, bytes, bytes]:
        assert command == ["pilot-agent", "request", "GET", "certs"]
        return code, (answer or "").encode() if not code else b"", b"" if not code else (answer or "").encode()

    api.program(name, request, NAMESPACE, container="istio-proxy")
    metadata = {"name": name, "namespace": NAMESPACE}
    statuses = "initContainerStatuses" if native else "containerStatuses"
    status = {"phase": phase, statuses: [{"name": "istio-proxy", "state": {state: {}}}]}
    return api.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
