"""What istioctl finds, from its own output (recorded from `istioctl analyze` 1.31-dev)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import Kube
from wavetank.observe.analysis import analyze, messages_of

RECORDED = [
    {
        "code": "IST0101",
        "documentationUrl": "https://istio.io/v1.31/docs/reference/config/analysis/ist0101/?ref=istioctl-analyze",
        "level": "Error",
        "message": 'Referenced host+subset in destinationrule not found: "web+v9"',
        "origin": "VirtualService tidewater/web",
    },
    {
        "code": "IST0102",
        "level": "Info",
        "message": "The namespace is not enabled for Istio injection.",
        "origin": "Namespace x",
    },
]


@pytest.fixture
def istioctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be an istioctl that writes what is in the file returned, and that it has found an error."""
    said, program = tmp_path / "said", tmp_path / "istioctl"
    program.write_text(f'#!/bin/sh\ncat {said}\necho "$@" > {tmp_path}/asked\nexit 79\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return said


def test_a_mistake_is_told_by_object_words_and_code() -> None:
    (message,) = messages_of(json.dumps(RECORDED))
    assert str(message) == (
        'VirtualService tidewater/web: Referenced host+subset in destinationrule not found: "web+v9" (IST0101)'
    )


def test_nothing_to_say_is_nothing() -> None:
    assert messages_of("") == messages_of("[]") == ()


def test_it_looks_at_one_namespace_of_the_cluster_that_is_connected_to(istioctl: Path, kube: Kube) -> None:
    istioctl.write_text(json.dumps(RECORDED))
    assert [message.code for message in analyze(kube, "tidewater")] == ["IST0101"]
    asked = (istioctl.parent / "asked").read_text()
    assert f"--kubeconfig {kube.connection.kubeconfig} --context test --namespace tidewater" in asked


def test_of_several_kubeconfigs_it_is_told_the_context(
    istioctl: Path, api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "absent"), str(api.kubeconfig(tmp_path))]))
    analyze(Kube.connect(), "tidewater")
    assert "analyze --context test --namespace tidewater" in (istioctl.parent / "asked").read_text()


def test_what_is_no_answer_is_told(istioctl: Path, kube: Kube) -> None:
    istioctl.write_text("Error: the server could not find the requested resource")
    with pytest.raises(KubeError, match="could not look"):
        analyze(kube, "tidewater")


def test_without_istioctl_it_says_where_one_is(kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotFoundError, match="istioctl is not on the PATH"):
        analyze(kube, "tidewater")
