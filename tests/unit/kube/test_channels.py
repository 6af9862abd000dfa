"""Streams over TLS: the server is who the kubeconfig says, and so is the client."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.authority import certify
from tests.support.proxied import ENVIRONMENTS, surround

from wavetank.errors import UnreachableError
from wavetank.kube import Kube

Config = dict[str, dict[str, str]]


@pytest.fixture
def config(api: ApiServer, tmp_path: Path) -> Config:
    """Have the server speak TLS, with a client it trusts; what its kubeconfig says of the two can be changed."""
    server, client = certify(tmp_path, "server"), certify(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server.values())
    context.load_verify_locations(client["client-certificate"])
    context.verify_mode = ssl.CERT_REQUIRED
    assert api._server is not None
    api._server.socket = context.wrap_socket(api._server.socket, server_side=True)
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"nodeName": "worker"}})
    api.answer("pod:web:8080", lambda request: (200, {}, b"aye"))
    return {"cluster": {"certificate-authority": server["client-certificate"]}, "user": client}


def connect(api: ApiServer, folder: Path, config: Config) -> Kube:
    path = api.kubeconfig(folder)
    told = json.loads(path.read_text())
    address = told["clusters"][0]["cluster"]["server"].replace("http:", "https:")
    told["clusters"][0]["cluster"] = {"server": address, **config["cluster"]}
    told["users"][0]["user"] = config["user"]
    path.write_text(json.dumps(told))
    return Kube.connect(path)


@pytest.mark.parametrize("named", [None, *ENVIRONMENTS])
def test_both_sides_know_each_other_whatever_proxy_is_set(
    api: ApiServer, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    surround(monkeypatch, ENVIRONMENTS[named] if named else {})
    kube = connect(api, tmp_path, config)
    assert kube.request("pod:web:8080", "/", "default").text == "aye"


def test_a_server_that_nobody_vouches_for_is_not_talked_to(api: ApiServer, tmp_path: Path, config: Config) -> None:
    kube = connect(api, tmp_path, config)
    kube.kinds.find("Pod")
    kube.connection.configuration.ssl_ca_cert = config["user"]["client-certificate"]
    with pytest.raises(UnreachableError) as caught:
        kube.request("pod:web:8080", "/", "default")
    assert "certificate verify failed" in caught.value.help.observed


def test_a_kubeconfig_without_an_authority_says_so(api: ApiServer, tmp_path: Path, config: Config) -> None:
    config["cluster"] = {}
    with pytest.raises(UnreachableError) as caught:
        connect(api, tmp_path, config).list("Pod")
    assert "certificate verify failed" in caught.value.help.observed
    assert "names no certificate-authority" in caught.value.help.hint
    assert "comes from the context 'test'" in caught.value.help.expected


def test_a_client_certificate_that_has_run_out_says_so(api: ApiServer, tmp_path: Path, config: Config) -> None:
    config["user"] = certify(tmp_path, "late", since=datetime(2020, 2, 2, tzinfo=UTC))
    with pytest.raises(UnreachableError) as caught:
        connect(api, tmp_path, config).list("Pod")
    assert "the client certificate ran out at 2020-02-02 01:00" in caught.value.help.hint


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_who_wants_it_may_talk_to_anybody(api: ApiServer, tmp_path: Path, config: Config) -> None:
    config["cluster"] = {"insecure-skip-tls-verify": True}  # type: ignore[dict-item]
    assert connect(api, tmp_path, config).request("pod:web:8080", "/", "default").text == "aye"
