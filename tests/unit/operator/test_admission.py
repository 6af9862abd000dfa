"""The webhook as the API server meets it: over TLS, trusting one certificate, answered in words."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.operator_process import operating
from tests.support.pond import NAMESPACE, Pond
from tests.support.waiting import eventually

from wavetank.kube import Obj
from wavetank.operator.admission import CONFIGURATION, HOST

OPERATOR = Path(__file__).parents[3] / "clusters/manifests/operator.yaml"
FAULT = {"kind": "latency", "target": {"deployment": "booking"}, "duration": "30s"}
LOAD = {"target": {"service": "booking"}, "rate": 1, "duration": "5s"}


def manifest(kind: str) -> Obj:
    (found,) = (obj for obj in yaml.safe_load_all(OPERATOR.read_text()) if obj["kind"] == kind)
    return found


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def ask(pond: Pond, port: int, plural: str, spec: Obj, namespace: str = NAMESPACE) -> Any:
    """Send what the API server sends when a load or fault is created, as it is configured to, and return the answer."""
    status, text = post(pond, port, webhook_path(pond, plural), review(plural, spec, namespace))
    assert status == 200
    answer = json.loads(text)["response"]
    assert answer["uid"] == "asked"
    return answer


def status_of(port: int, path: str, pond: Pond) -> int:
    """Ask at ``path`` as somebody who knows how, and return the status of the answer."""
    return post(pond, port, path, review("faults", FAULT, NAMESPACE))[0]


def review(plural: str, spec: Obj, namespace: str) -> Obj:
    kind = {"faults": "Fault", "loads": "Load"}[plural]
    obj = {"apiVersion": "wavetank.dev/v1alpha1", "kind": kind, "spec": spec}
    obj["metadata"] = {"name": "trouble", "namespace": namespace, "uid": "of-the-new-one"}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "asked",
            "operation": "CREATE",
            "resource": {"group": "wavetank.dev", "version": "v1alpha1", "resource": plural},
            "userInfo": {"username": "learner"},
            "object": obj,
        },
    }


def post(pond: Pond, port: int, path: str, asked: Obj) -> tuple[int, bytes]:
    """Send a question over a connection that the API server trusts; return status and text of the answer."""
    configuration = pond.api.get("ValidatingWebhookConfiguration", CONFIGURATION, "")
    assert configuration
    config = configuration["webhooks"][0]["clientConfig"]
    trusted, service = base64.b64decode(config["caBundle"]).decode(), config["service"]
    host = f"{service['name']}.{service['namespace']}.svc"
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        ssl.create_default_context(cadata=trusted).wrap_socket(plain, server_hostname=host) as secured,
    ):
        connection = http.client.HTTPConnection(host)
        connection.sock = secured
        connection.request("POST", path, json.dumps(asked), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def is_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_judges_in_words_over_a_connection_the_api_server_trusts(pond: Pond, port: int) -> None:
    pond.deploy("booking")
    pond.api.put(manifest("ValidatingWebhookConfiguration"))
    with operating(pond.kube, webhook_port=port):
        eventually(lambda: is_served(port), "the webhook to be served")
        assert ask(pond, port, "faults", FAULT) == {"uid": "asked", "allowed": True}

        refused = ask(pond, port, "faults", {**FAULT, "target": {"deployment": "boking"}})
        assert refused["allowed"] is False
        assert refused["status"]["code"] == 422
        assert refused["status"]["message"] == (
            "the target matches nothing; observed: there is no Deployment boking in the namespace harbour; "
            "expected: one of booking"
        )

        warned = ask(pond, port, "loads", LOAD)
        assert warned["allowed"] is True
        assert warned["warnings"] == ["the Service booking has no ready endpoints now: requests will fail until it has"]
        assert ask(pond, port, "loads", LOAD, namespace="kube-system")["allowed"] is False


def test_it_answers_nobody_but_who_was_told_where_to_ask(pond: Pond, port: int) -> None:
    pond.deploy("booking")
    pond.api.put(manifest("ValidatingWebhookConfiguration"))
    with operating(pond.kube, webhook_port=port):
        eventually(lambda: is_served(port), "the webhook to be served")
        paths = {webhook_path(pond, plural) for plural in ("faults", "loads")}
        assert len({path.rpartition("/")[0] for path in paths}) == 1
        (secret,) = {path.split("/")[1] for path in paths}
        assert len(secret) == 32
        asked = len(pond.api.requests)
        for path in ("/faults", "/loads", "/", f"/{'0' * 32}/faults", f"/{secret[:-1]}/faults"):
            assert status_of(port, path, pond) in (404, 405)
        assert not [url for _, url in pond.api.requests[asked:] if "deployments" in url], "it has not even looked"
        assert status_of(port, f"/{secret}/faults", pond) == 200
    with operating(pond.kube, webhook_port=port):
        eventually(lambda: is_served(port), "the webhook to be served again")
        assert secret not in webhook_path(pond, "faults"), "another operator, another place"


def webhook_path(pond: Pond, plural: str) -> str:
    configuration = pond.api.get("ValidatingWebhookConfiguration", CONFIGURATION, "")
    assert configuration
    (webhook,) = (one for one in configuration["webhooks"] if one["name"] == f"{plural}.wavetank.dev")
    return str(webhook["clientConfig"]["service"]["path"])


def test_an_operator_that_nobody_asks_tends_all_the_same(pond: Pond, port: int) -> None:
    pond.deploy("booking")
    with operating(pond.kube, webhook_port=port):
        pond.fault("trouble", "latency", {"deployment": "boking"}, finalizer=False)
        eventually(lambda: pond.status("trouble").get("phase") == "Failed", "the fault to be refused afterwards")
    assert "there is no Deployment boking" in pond.status("trouble")["message"]


def test_the_configuration_names_the_service_the_certificate_is_for() -> None:
    service = manifest("Service")["metadata"]
    assert f"{service['name']}.{service['namespace']}.svc" == HOST
    for webhook in manifest("ValidatingWebhookConfiguration")["webhooks"]:
        assert webhook["clientConfig"]["service"]["name"] == service["name"]


def test_nothing_that_exists_ever_waits_for_the_operator() -> None:
    for webhook in manifest("ValidatingWebhookConfiguration")["webhooks"]:
        assert webhook["failurePolicy"] == "Ignore"
        assert [rule["operations"] for rule in webhook["rules"]] == [["CREATE"]]
