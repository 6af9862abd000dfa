"""Istio as far as the API server knows it: the kind VirtualService, and routes of the shapes that its users write."""

from __future__ import annotations

import copy
from typing import Any

from tests.support.pond import NAMESPACE, Pond

from wavetank.kube import Kube, Obj

KIND = ("networking.istio.io/v1", "VirtualService")
CRD: Obj = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "virtualservices.networking.istio.io"},
    "spec": {
        "group": "networking.istio.io",
        "scope": "Namespaced",
        "names": {"kind": "VirtualService", "plural": "virtualservices", "singular": "virtualservice"},
        "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}],
    },
}


def to(host: str = "booking", subset: str = "", **more: Any) -> Obj:
    """Return a destination of a route."""
    return {"destination": {"host": host, **({"subset": subset} if subset else {})}, **more}


OWN_DELAY = {"percentage": {"value": 100}, "fixedDelay": "7s"}
OWN_ABORT = {"percentage": {"value": 12.5}, "httpStatus": 500}
TESTER = [{"headers": {"end-user": {"exact": "jason"}}}]

SHAPES: dict[str, list[Obj]] = {
    "canary": [{"route": [to(subset="v1", weight=90), to(subset="v2", weight=10)]}],
    "header match": [{"match": TESTER, "route": [to(subset="v2")]}, {"route": [to(subset="v1")]}],
    "mirror": [
        {
            "name": "primary",
            "route": [to(subset="v1", weight=100)],
            "mirror": {"host": "booking", "subset": "v2"},
            "mirrorPercentage": {"value": 50},
        }
    ],
    "retries and timeout": [
        {
            "match": [{"uri": {"prefix": "/api"}}],
            "route": [to()],
            "timeout": "2s",
            "retries": {"attempts": 3, "perTryTimeout": "500ms", "retryOn": "5xx"},
        },
        {"route": [to()], "headers": {"request": {"set": {"x-tide": "high"}}}},
    ],
    "a delay for testers": [{"match": TESTER, "fault": {"delay": OWN_DELAY}, "route": [to()]}, {"route": [to()]}],
    "an abort for all": [{"fault": {"abort": OWN_ABORT}, "route": [to()]}],
    "both for testers": [
        {"name": "testers", "match": TESTER, "fault": {"delay": OWN_DELAY, "abort": OWN_ABORT}, "route": [to()]},
        {"name": "all", "route": [to()]},
    ],
    "the same requests twice": [{"fault": {"delay": OWN_DELAY}, "route": [to()]}, {"route": [to()]}],
    "a redirect": [{"match": [{"uri": {"exact": "/"}}], "redirect": {"uri": "/api"}}, {"route": [to()]}],
    "delegates": [{"match": [{"uri": {"prefix": "/api"}}], "delegate": {"name": "api"}}, {"route": [to()]}],
}
"""The HTTP routes of VirtualServices for booking, by what they do."""


def virtual_service(http: list[Obj], name: str = "booking", **spec: Any) -> Obj:
    """Return a learner's VirtualService, with labels and annotations of the learner's."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"team": "harbour"}, "annotations": {"why": "a canary"}}
    spec = {"hosts": ["booking"], "http": copy.deepcopy(http), **spec}
    return {"apiVersion": KIND[0], "kind": KIND[1], "metadata": metadata, "spec": spec}


def apply_as(kube: Kube, manager: str, obj: Obj) -> Obj:
    """Apply ``obj`` on the server as ``manager``, without force, as ``kubectl apply --server-side`` does."""
    return kube.connection.call(
        "PATCH",
        kube.path((obj["apiVersion"], obj["kind"]), obj["metadata"]["name"], obj["metadata"]["namespace"]),
        query={"fieldManager": manager, "force": False},
        body=obj,
        content_type="application/apply-patch+yaml",
    )


def with_istio(pond: Pond) -> Pond:
    """Give the pond Istio, and a pod with a sidecar."""
    pond.api.put(CRD)
    containers = [{"name": "caller"}, {"name": "istio-proxy"}]
    metadata = {"name": "caller", "namespace": NAMESPACE}
    pond.api.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}})
    return pond
