"""What a status says is believed only as far as the spec could have led to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.faults.breakers import BREAKERS
from wavetank.faults.mesh import Injection
from wavetank.faults.remembered import remembered_break, remembered_injection
from wavetank.faults.virtualservice import virtual_service
from wavetank.kube import Obj

ENDS = datetime(2026, 11, 23, 17, 40, 30, tzinfo=UTC)
CONTAINER = {"name": "booking", "image": "booking:v1", "envFrom": [{"configMapRef": {"name": "there"}}]}
OBJECTS: dict[str, Obj] = {
    "deployment": {
        "kind": "Deployment",
        "metadata": {"name": "booking"},
        "spec": {"template": {"spec": {"containers": [CONTAINER]}}},
    },
    "service": {
        "kind": "Service",
        "metadata": {"name": "booking"},
        "spec": {"selector": {"app.kubernetes.io/name": "booking"}, "ports": [{"port": 80, "targetPort": "http"}]},
    },
    "node": {"kind": "Node", "metadata": {"name": "booking"}},
}


def fault(kind: str) -> Fault:
    what = {"bad-image": "deployment", "config-missing": "deployment", "node-stop": "node"}.get(kind, "service")
    return Fault.from_spec("trouble", {"kind": kind, "target": {what: "booking"}, "duration": "30s"})


def original(kind: str) -> dict[str, Any]:
    asked = fault(kind)
    return dict(BREAKERS[kind](OBJECTS[asked.target.what], asked, ENDS).to_status())


@pytest.mark.parametrize("kind", BREAKERS)
def test_what_a_fault_has_written_itself_is_believed(kind: str) -> None:
    assert remembered_break(fault(kind), original(kind)).to_status() == original(kind)


FORGED: list[dict[str, Any]] = [
    {"kind": "ReplicaSet"},
    {"kind": "Secret"},
    {"name": "payment"},
    {"name": "../nodes/worker"},
    {"path": "/metadata/labels/team"},
    {"path": "/metadata/annotations/team"},
    {"path": "/spec/template/spec/containers/[name=booking]/command"},
    {"path": "/spec/template/spec/containers/[name=booking]/image/x"},
    {"path": "/spec/type"},
    {"path": None},
    {"became": {"a": "mapping"}},
    {"was": {"a": "mapping"}},
]


@pytest.mark.parametrize("kind", BREAKERS)
@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_what_it_cannot_have_written_is_not(kind: str, forged: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not what its spec leads to"):
        remembered_break(fault(kind), original(kind) | forged)


def injection() -> dict[str, Any]:
    found = virtual_service("booking", "harbour", "booking")
    return dict(Injection.plan(found, fault("mesh-delay")).to_status())


def test_what_a_fault_has_put_into_the_mesh_itself_is_believed() -> None:
    assert remembered_injection(fault("mesh-delay"), injection()).to_status() == injection()


@pytest.mark.parametrize(
    "forged",
    [
        {"service": "payment"},
        {"part": "abort"},
        {"became": {"fixedDelay": "1h"}},
        {"name": "../virtualservices"},
        {"name": ""},
        {"routes": "none"},
        {"routes": ["none"]},
        {"owners": None},
        {"made": "yes"},
    ],
    ids=str,
)
def test_what_it_cannot_have_put_there_is_not(forged: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not what its spec leads to"):
        remembered_injection(fault("mesh-delay"), injection() | forged)
    with pytest.raises(InputError):
        remembered_injection(fault("mesh-delay"), {})
