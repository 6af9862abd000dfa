"""What tells that an addon works where a running pod is not proof enough: each asks again and again until it is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

from wavetank.cluster.spec import ClusterSpec
from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube import Kube, Obj

__all__ = ["Check", "creatable", "gateway_answers", "nodes_are_measured"]

Check = Callable[[Kube, ClusterSpec], None]
"""Returns when it is so; raises `WaitTimeoutError` when it is not in time."""

ANSWER_SECONDS = 60
PROBE_HOST = "probe.wavetank.dev"
"""What `clusters/manifests/istio-system.yaml` answers to."""


def nodes_are_measured(kube: Kube, spec: ClusterSpec) -> None:
    """Wait until ``kubectl top nodes`` knows every node: a metrics server is Ready one reading before that."""

    def missing() -> str:
        try:
            measured = {node["metadata"]["name"] for node in kube.list(("metrics.k8s.io/v1beta1", "NodeMetrics"))}
        except KubeError as error:  # the aggregated API is not routed yet
            return error.summary
        return "" if measured.issuperset(spec.node_names) else f"only {', '.join(sorted(measured)) or 'no node'}"

    if seen := _last_word(missing, every=0.5):  # measurements cannot be watched
        raise WaitTimeoutError(
            "the metrics server does not measure every node",
            observed=seen,
            expected=f"{', '.join(spec.node_names)} within {ANSWER_SECONDS} s",
            command="kubectl -n kube-system logs deployment/metrics-server",
        )


def gateway_answers(kube: Kube, spec: ClusterSpec) -> None:
    """Wait until a request from this machine comes through the gateway: istiod, proxy and port all work then."""

    def other_answer() -> str:
        try:
            status = _ask(spec.ports.gateway, PROBE_HOST)
        except (OSError, HTTPException) as error:
            return str(error) or type(error).__name__
        return "" if status == 200 else f"status {status}"

    if seen := _last_word(other_answer):  # a port cannot be watched
        raise WaitTimeoutError(
            "the mesh's gateway does not answer",
            observed=f"{seen} at 127.0.0.1:{spec.ports.gateway}",
            expected=f"200 for the host {PROBE_HOST} within {ANSWER_SECONDS} s",
            command="kubectl -n istio-system logs deployment/istio-ingressgateway --tail 20",
            hint="a cluster made by an older Wavetank does not publish this port: `wavetank down`, then `wavetank up`",
        )


def creatable(obj: Obj, webhook: str) -> Check:
    """Return a check that waits until ``obj`` could be created: its webhook judges it, and nothing is kept.

    ``webhook`` is the Deployment that judges, as namespace/name.
    """
    namespace, _, deployment = webhook.partition("/")

    def check(kube: Kube, _: ClusterSpec) -> None:
        path = kube.resource_of(obj).path(obj["metadata"]["namespace"])

        def refusal() -> str:
            try:
                kube.connection.call("POST", path, query={"dryRun": "All"}, body=obj)
            except KubeError as error:
                return error.summary
            return ""

        if seen := _last_word(refusal):  # what a webhook would say cannot be watched
            raise WaitTimeoutError(
                f"no {obj['kind']} of {obj['apiVersion']} can be created",
                observed=seen,
                expected=f"{webhook} to judge one within {ANSWER_SECONDS} s",
                command=f"kubectl -n {namespace} logs deployment/{deployment} --tail 20",
            )

    return check


def _last_word(objection: Callable[[], str], every: float = 0.2) -> str:
    """Return "" as soon as there is no ``objection``, else the last one after `ANSWER_SECONDS`."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while (seen := objection()) and time.monotonic() < deadline:
        time.sleep(every)
    return seen


def _ask(port: int, host: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()
