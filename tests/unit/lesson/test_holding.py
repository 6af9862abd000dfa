"""What a finalizer holds is named, with whose it is and the command that helps, within the bound."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE, Harbour

from wavetank.errors import ClusterError, WaitTimeoutError
from wavetank.kube import Kube
from wavetank.kube.mark import Mark, write_mark
from wavetank.lesson import holding
from wavetank.lesson import restore as restore_module
from wavetank.lesson.lab import Lab
from wavetank.lesson.restore import restore
from wavetank.waves import FINALIZER

Obj = dict[str, Any]


@pytest.fixture(autouse=True)
def _quick(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_OPERATOR_WITHIN", 0.3)
    monkeypatch.setattr(restore_module, "_GONE_WITHIN", 0.5)


def put_operator(api: ApiServer, ready: int) -> None:
    metadata = {"name": "wavetank-operator", "namespace": "wavetank-system"}
    status = {"readyReplicas": ready, "observedGeneration": 1}
    api.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}, "status": status})


def held_fault(api: ApiServer, kube: Kube, lab: Lab) -> None:
    fault = lab.fault("slow").to_resource(NAMESPACE)
    fault["metadata"]["finalizers"] = [FINALIZER]
    kube.create(fault)


@pytest.mark.parametrize("leaving", [False, True], ids=["a fault that is on", "a namespace that is to go"])
def test_without_an_operator_going_somewhere_names_the_fault_and_changes_nothing(
    api: ApiServer, kube: Kube, lab: Lab, leaving: bool
) -> None:
    put_operator(api, 0)
    held_fault(api, kube, lab)
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": NAMESPACE}})
    if leaving:
        namespace = api.get("Namespace", NAMESPACE, "")
        assert namespace
        api.put({**namespace, "metadata": {**namespace["metadata"], "deletionTimestamp": "2026-11-30T12:00:00Z"}})
        kube.delete_object("Fault", "slow", NAMESPACE)
    before = api.version
    began = time.monotonic()
    with pytest.raises(ClusterError, match="nobody is there to end Fault/slow in tidewater") as caught:
        restore(kube, lab, "afloat")
    assert time.monotonic() - began < 5
    assert "the Deployment wavetank-operator in wavetank-system has no pod that is ready" in caught.value.help.observed
    assert caught.value.help.hint.startswith("wavetank up")
    assert "-n wavetank-system get deployments,pods" in caught.value.help.command
    assert api.version == before


def test_on_an_adopted_cluster_nobody_is_sent_to_make_another_one(api: ApiServer, kube: Kube, lab: Lab) -> None:
    put_operator(api, 0)
    held_fault(api, kube, lab)
    write_mark(kube.connection, Mark("theirs", "adopt"))
    with pytest.raises(ClusterError, match="nobody is there to end Fault/slow") as caught:
        restore(kube, lab, "afloat")
    assert caught.value.help.hint.startswith("install the operator in this cluster (it was adopted")


def test_an_operator_that_is_only_being_restarted_is_waited_for(
    api: ApiServer, kube: Kube, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_OPERATOR_WITHIN", 5.0)
    held_fault(api, kube, lab)

    def comes_back(*_: object, **__: object) -> Obj:
        put_operator(api, 1)
        fault = kube.get("Fault", "slow", NAMESPACE)
        kube.patch("Fault", "slow", NAMESPACE, {"metadata": {"finalizers": None}})
        return fault

    wait_for = kube.wait_for
    monkeypatch.setattr(kube, "wait_for", lambda *a, **k: comes_back() if a[0] == "Deployment" else wait_for(*a, **k))
    holding.require_operator(kube, NAMESPACE)


def test_what_somebody_elses_finalizer_holds_is_named_with_the_command(api: ApiServer, kube: Kube, lab: Lab) -> None:
    metadata = {"name": "mine", "namespace": NAMESPACE, "finalizers": ["example.com/hold"]}
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    with pytest.raises(WaitTimeoutError, match="ConfigMap/mine to be gone") as caught:
        restore(kube, lab, "empty")
    assert caught.value.help.observed == "held by finalizers: ConfigMap/mine by example.com/hold"
    assert "patch configmap/mine --type=merge -p '{" in caught.value.help.command


def test_so_is_what_keeps_a_namespace(api: ApiServer, kube: Kube, lab: Lab) -> None:
    metadata = {"name": "mine", "namespace": NAMESPACE, "finalizers": ["example.com/hold"]}
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    namespace = api.get("Namespace", NAMESPACE, "")
    assert namespace
    api.put({**namespace, "metadata": {**namespace["metadata"], "deletionTimestamp": "2026-11-30T12:00:00Z"}})
    with pytest.raises(WaitTimeoutError, match="the namespace tidewater to be gone") as caught:
        restore(kube, lab, "empty")
    assert "ConfigMap/mine by example.com/hold" in caught.value.help.observed
