"""Whatever stands in a kubeconfig, or is said by a program that logs in or how one ended: what it is, or a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from tests.support.anything import as_json, broken, changed, printable

from wavetank.document import write_yaml
from wavetank.kube import Kube
from wavetank.kube.exec import _exit_code
from wavetank.kube.plugin import _credential
from wavetank.kube.quantity import quantity
from wavetank.kube.refusals import refusal

PROGRAM = {
    "command": "/no/such/log-in",
    "apiVersion": "client.authentication.k8s.io/v1",
    "args": ["get-token"],
    "env": [{"name": "AWS_PROFILE", "value": "harbour"}],
    "provideClusterInfo": True,
}
CONFIG: Any = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "tank",
    "clusters": [
        {
            "name": "tank",
            "cluster": {
                "server": "https://127.0.0.1:6443",
                "certificate-authority": "ca.crt",
                "proxy-url": "http://127.0.0.1:3128",
                "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "tank"}}],
            },
        }
    ],
    "contexts": [{"name": "tank", "context": {"cluster": "tank", "user": "me"}}],
    "users": [{"name": "me", "user": {"token": "tide", "client-certificate-data": "bWU=", "client-key-data": "bWU="}}],
}
LOGS_IN = {**CONFIG, "users": [{"name": "me", "user": {"exec": PROGRAM}}]}
PLAIN = {**CONFIG, "clusters": [{"name": "tank", "cluster": {"server": "https://127.0.0.1:6443"}}]}
ANSWER = {"status": {"token": "tide", "expirationTimestamp": "2026-11-30T12:00:00Z", "clientCertificateData": "-"}}


def connect(path: Path) -> None:
    with printable():
        Kube.connect(path)


@given(broken(CONFIG) | broken(LOGS_IN) | broken(PLAIN))
@example({**LOGS_IN, "users": [{"name": "me", "user": {"exec": {**PROGRAM, "env": [{"name": "a=b", "value": ""}]}}}]})
@example({**LOGS_IN, "users": [{"name": "me", "user": {"exec": {**PROGRAM, "command": "a\0b"}}}]})
def test_any_entries_are_used_or_refused(tmp_path: Path, config: Any) -> None:
    path = tmp_path / "config"
    path.write_bytes(as_json(config))
    connect(path)


@given(changed([write_yaml(CONFIG).encode(), write_yaml(LOGS_IN).encode()]))
def test_any_text_is_used_or_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(text)
    connect(path)


@given(broken(ANSWER).map(json.dumps) | changed([as_json(ANSWER)]).map(lambda said: said.decode(errors="replace")))
@example('{"status": {"token": "tide", "expirationTimestamp": "0001-01-01T00:00:00"}}')
@example("[" * 100_000)
def test_any_answer_is_a_credential_or_none(said: str) -> None:
    given_one = _credential(said)
    assert given_one is None or given_one.has_run_out in (True, False)


STATUS = {"message": "no", "reason": "Invalid", "details": {"causes": [{"field": "spec.x", "message": "unknown"}]}}


@given(broken(STATUS).map(as_json) | changed([as_json(STATUS)]))
@example(as_json({**STATUS, "details": "all wrong"}))
@example(b"[" * 100_000)
def test_any_refusal_is_told(body: bytes) -> None:
    assert refusal(422, body).status == 422


@given(changed([b"250m", b"64Mi", b"1.5e3", b"3", b"12E"]).map(lambda said: said.decode(errors="replace")))
@example("1Ti")
@example("1E")
@example("1e400")
def test_any_quantity_is_a_number_or_refused(text: str) -> None:
    with printable():
        assert abs(quantity(text)) < float("inf")


ENDED: Any = {
    "kind": "Status",
    "status": "Failure",
    "message": "command terminated with exit code 3",
    "code": 500,
    "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
}


@given(broken(ENDED).map(as_json) | changed([as_json(ENDED)]))
@example(b"")
@example(b"[]")
@example(b'{"message": "' + b"a" * 100_000 + b'"}')
def test_however_a_command_is_said_to_have_ended_it_is_a_code_or_an_error(told: bytes) -> None:
    with printable():
        assert isinstance(_exit_code(told), int)
