"""A rollout is not waited for whose newest pods can never start; any other is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE

from wavetank.kube import Kube
from wavetank.lesson import Bench
from wavetank.lesson.checks import run_check
from wavetank.lesson.lab import Lab, Named

Obj = dict[str, Any]
LONG = 20.0
NO_IMAGE = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: ErrImagePull: web:v11: not found"}
NO_KEY = {"reason": "CreateContainerConfigError", "message": "couldn't find key NOTICES in ConfigMap tidewater/web"}
FROM_KEY = {"name": "NOTICE", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "NOTICES"}}}
SELECTOR = {"matchLabels": {"app": "web"}}


def objects(waiting: Obj, *, generation: int = 1, image: str = "web:v11", **container: Any) -> list[Obj]:
    """Return a Deployment whose one pod waits for something."""

    def made(kind: str, name: str, *, of: str = "", api: str = "apps/v1", **more: Any) -> Obj:
        owners = [{"apiVersion": "apps/v1", "kind": "x", "name": of, "uid": of, "controller": True}] if of else []
        metadata = {"name": name, "namespace": NAMESPACE, "uid": name, "labels": {"app": "web"}, **more.pop("meta", {})}
        return {"apiVersion": api, "kind": kind, "metadata": {**metadata, "ownerReferences": owners}, **more}

    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    status = {"name": "web", "image": image, "state": {"waiting": waiting}, "ready": False, "restartCount": 0}
    revision = {"annotations": {"deployment.kubernetes.io/revision": "2"}}
    return [
        made(
            "Deployment",
            "web",
            meta={"generation": generation},
            spec={"replicas": 1, "selector": SELECTOR, "template": template},
            status={"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1},
        ),
        made("ReplicaSet", "web-2", of="web", meta=revision, spec={"selector": SELECTOR, "template": template}),
        made(
            "Pod",
            "web-2-a",
            of="web-2",
            api="v1",
            spec={"containers": [{"name": "web", "image": image, **container}]},
            status={"phase": "Pending", "containerStatuses": [status]},
        ),
    ]


@pytest.fixture
def waits(kube: Kube, lab: Lab, api: ApiServer) -> Callable[[list[Obj], float], bool]:
    """Check a rollout of these objects, and say whether it has waited to the end of so many seconds."""

    def check(there: list[Obj], within: float) -> bool:
        for obj in there:
            api.put(obj)
        began = time.monotonic()
        with Bench(lambda: kube, lab) as bench:
            result = run_check(Named("rollout", {"deployment": "web", "within": f"{within:g}s"}), bench)
        assert not result.passed
        return time.monotonic() - began >= within

    return check


def settings(*keys: str) -> Obj:
    metadata = {"name": "web", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict.fromkeys(keys, "pier 3")}


@pytest.mark.parametrize(
    "there",
    [
        objects(NO_IMAGE),
        objects({"reason": "InvalidImageName", "message": "couldn't parse image name"}),
        objects(NO_KEY, env=[FROM_KEY]),
        [settings("NOTICE"), *objects(NO_KEY, env=[FROM_KEY])],
        objects(NO_KEY, envFrom=[{"secretRef": {"name": "bank"}}]),
    ],
    ids=["no image", "no image's name", "no ConfigMap", "no key", "no Secret"],
)
def test_what_never_starts_is_not_waited_for(waits: Callable[[list[Obj], float], bool], there: list[Obj]) -> None:
    assert not waits(there, LONG)


@pytest.mark.parametrize(
    "there",
    [
        objects({"reason": "ContainerCreating"}),
        objects({"reason": "ErrImagePull", "message": "dial tcp: i/o timeout"}),
        objects(NO_IMAGE, image="localhost:5001/tidewater/web:v11"),
        objects(NO_IMAGE, generation=2),
        [settings("NOTICES"), *objects(NO_KEY, env=[FROM_KEY])],
    ],
    ids=["it starts", "no network", "may still be pushed", "mended already", "made since"],
)
def test_what_may_come_is(waits: Callable[[list[Obj], float], bool], there: list[Obj]) -> None:
    assert waits(there, 1.0)
