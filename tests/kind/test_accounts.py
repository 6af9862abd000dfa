"""What each account may do on a real cluster, to the last verb, and what the API server refuses beyond that."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scripts.accounts import ACCOUNTS, FOLDER, SERVERLESS, Account, may
from tests.support.kubectl import kubectl

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.errors import KubeError
from wavetank.faults import Fault
from wavetank.kube import Kube, Obj
from wavetank.kube.power import POWER_OFF_UNTIL

pytestmark = pytest.mark.kind

ADMINISTRATOR = ("kubernetes-admin", "--as-group=system:masters")
TRY = ("create", "--dry-run=server", "-f", "-")
OVERTAKEN = 5
OPERATOR = "system:serviceaccount:wavetank-system:wavetank-operator"


@pytest.fixture
def kubeconfig(kube: Kube, spec: ClusterSpec) -> Path:
    return kubeconfig_path(spec.name)


@pytest.fixture
def lab(kube: Kube, namespace: str) -> Any:
    """A namespace into which the user ``learner`` is let by what is shipped for that."""
    kube.apply([_bound("ClusterRole", namespace), _bound("Role", "wavetank-system")])
    yield namespace
    kube.delete(_bound("Role", "wavetank-system"))


def _bound(kind: str, namespace: str) -> Obj:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "wavetank-learner-of-a-test", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": kind, "name": "wavetank-learner"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "learner"}],
    }


def ask(kubeconfig: Path, user: str, *words: str, given: Obj | None = None) -> tuple[int, str]:
    """Run kubectl as ``user``; return its exit code, and what it has said."""
    ran = subprocess.run(
        [kubectl(), "--kubeconfig", str(kubeconfig), f"--as={user}", *words],
        input=json.dumps(given) if given else None,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_every_account_may_do_what_is_written_down_and_nothing_else(kubeconfig: Path, lab: str) -> None:
    _compare(ACCOUNTS, kubeconfig, lab)


def test_so_may_those_that_come_with_functions(knative_kube: Kube, kubeconfig: Path, namespace: str) -> None:
    _compare(SERVERLESS, kubeconfig, namespace)


def _compare(accounts: Any, kubeconfig: Path, lab: str) -> None:
    told: dict[str, str] = {}
    account: Account
    for name, account in accounts.items():
        told[name] = may(kubeconfig, account, lab)
    assert told == {name: (FOLDER / f"{name}.txt").read_text() for name in accounts}


def test_the_operator_changes_one_annotation_of_nodes_that_are_ours_and_nothing_else(
    kube: Kube, kubeconfig: Path, spec: ClusterSpec
) -> None:
    node = kube.get("Node", spec.worker_names[0])
    metadata = {key: value for key, value in node["metadata"].items() if key != "resourceVersion"}
    annotations = metadata["annotations"]

    def replaced(**changes: Any) -> tuple[int, str]:
        of_metadata = {} if "spec" in changes else changes
        changed = {**node, **({} if of_metadata else changes), "metadata": {**metadata, **of_metadata}}
        for _ in range(OVERTAKEN):  # the kubelet writes its node too, now and then
            code, said = ask(kubeconfig, OPERATOR, "replace", "--dry-run=server", "-f", "-", given=changed)
            if "the object has been modified" not in said:
                break
        return code, said

    for changes in (
        {"labels": {**metadata["labels"], "team": "prod"}},
        {"annotations": {**annotations, "team": "prod"}},
        {"annotations": {}},
        {"finalizers": ["example.com/held"]},
        {"spec": {**node["spec"], "unschedulable": True}},
    ):
        code, said = replaced(**changes)
        assert code != 0, changes
        assert "wavetank-operator-nodes" in said, said
    code, said = replaced(annotations={**annotations, POWER_OFF_UNTIL: "2026-01-01T00:00:00Z"})
    assert code == 0, said


def test_only_who_may_change_a_node_may_ask_for_it_to_be_stopped(kubeconfig: Path, lab: str, spec: ClusterSpec) -> None:
    target = {"node": spec.worker_names[0]}
    fault = Fault.from_spec("dark", {"kind": "node-stop", "target": target, "duration": "1s"}).to_resource(lab)
    code, said = ask(kubeconfig, "learner", *TRY, given=fault)
    assert code != 0
    assert f"learner may not update the node {target['node']}, and so may not have it stopped" in said
    code, said = ask(kubeconfig, *ADMINISTRATOR, *TRY, given=fault)
    assert code == 0, said


def test_a_learner_writes_no_status(kubeconfig: Path, lab: str) -> None:
    spec = {"kind": "latency", "target": {"selector": {"app": "web"}}, "duration": "1s"}
    patch = ("patch", "fault", "any", "--subresource=status", "--type=merge", "-p", "{}")
    code, said = ask(kubeconfig, "learner", "-n", lab, *patch)
    assert code != 0
    assert "forbidden" in said.lower()
    fault = Fault.from_spec("slow", spec).to_resource(lab)
    code, said = ask(kubeconfig, "learner", *TRY, given=fault)
    assert "no pod in the namespace" in said, "the operator's webhook answers them as it does everybody"


@pytest.mark.parametrize("place", ["istio-system", "default"])
def test_a_namespace_that_is_no_lab_is_no_target(kube: Kube, place: str) -> None:
    spec = {"kind": "pod-kill", "target": {"selector": {"app": "istiod"}}, "duration": "1s"}
    with pytest.raises(KubeError, match=f"loads and faults are for labs, and the namespace {place} is none"):
        kube.create(Fault.from_spec("killed", spec).to_resource(place))


def test_the_webhook_answers_nobody_but_the_api_server(kubeconfig: Path, kube: Kube) -> None:
    service = "/api/v1/namespaces/wavetank-system/services/https:wavetank-operator:443/proxy"
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}}
    for path in ("/faults", "/loads"):
        code, said = ask(kubeconfig, *ADMINISTRATOR, "create", "-f", "-", "--raw", service + path, given=review)
        assert code != 0
        assert "could not find the requested resource" in said, "which is how kubectl says 404"
