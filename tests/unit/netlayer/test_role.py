"""What the networking layer asks of the API, all told: what its role has to grant, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.support.apiserver import ApiServer
from tests.support.ingresses import (
    TIDEWATER,
    GatewayPod,
    ingress,
    networking,
    path,
    rule,
    split,
)
from tests.support.permissions import Permission, needed
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.netlayer import leader, reconcile
from wavetank.netlayer.spec import INGRESS
from wavetank.netlayer.status import is_ready

MANIFESTS = Path(__file__).parents[3] / "clusters/manifests"
FILES = ("netlayer.yaml", "netlayer-tls.yaml")


def granted() -> set[Permission]:
    every = [obj for name in FILES for obj in yaml.safe_load_all((MANIFESTS / name).read_text())]
    roles = [obj for obj in every if obj["kind"] in ("ClusterRole", "Role")]
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


CERTIFICATE = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "cert",
        "namespace": TIDEWATER,
        "labels": {"networking.internal.knative.dev/certificate-uid": "some"},
    },
    "data": {"tls.crt": "Zm9v"},
}


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_it_asks_for_what_its_role_grants_and_nothing_else(
    kube: Kube, api: ApiServer, pod: GatewayPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "_RENEW_EVERY", 0.05)
    monkeypatch.setattr(reconcile, "_CERTIFICATES_AGAIN", 0.1)

    def ready() -> bool:
        found = api.select(api.of_kind(INGRESS[1], INGRESS[0]), TIDEWATER)
        return bool(found) and is_ready(found[0])

    api.put(CERTIFICATE)
    api.requests.clear()
    with networking(kube):
        tls = [{"secretName": "cert", "secretNamespace": TIDEWATER}]
        api.put(ingress(tls=tls))
        eventually(ready, "it to be ready")
        (route,) = api.objects("VirtualService")
        api.put({**route, "spec": {}})
        eventually(lambda: api.objects("VirtualService")[0]["spec"], "the edited route to be put right")
        (gateway,) = api.objects("Gateway")
        api.put({**gateway, "spec": {"servers": []}})
        eventually(lambda: api.objects("Gateway")[0]["spec"]["servers"], "the edited Gateway to be put right")
        unlabelled = {**gateway["metadata"], "labels": {}}
        api.put({**gateway, "metadata": unlabelled})
        api.put({**route, "metadata": {**route["metadata"], "labels": {}}})
        eventually(
            lambda: (
                api.objects("Gateway")[0]["metadata"]["labels"]
                and api.objects("VirtualService")[0]["metadata"]["labels"]
            ),
            "the labels to be back",
        )
        api.put({**CERTIFICATE, "data": {"tls.crt": "YmFy"}})
        eventually(lambda: api.objects("Secret", "istio-system")[0]["data"] == {"tls.crt": "YmFy"}, "the new copy")
        api.put(ingress(rule("other.example.com", paths=[path(split("new"))])))
        eventually(lambda: not api.objects("Gateway") and not api.objects("Secret", "istio-system"), "the rest to go")
        eventually(lambda: "other.example.com" in str(api.objects("VirtualService")), "the new host")
        eventually(lambda: len(api.objects("VirtualService")) == 1, "the old host to go")
        eventually(ready, "it to be ready again")
    assert api.objects("VirtualService"), "it ends without taking anything away"
    asked = {permission for request in api.requests for permission in needed(*request)}
    assert asked == granted()


def test_no_secret_is_its_own_to_see_unless_somebody_wants_tls() -> None:
    assert "secrets" not in (MANIFESTS / "netlayer.yaml").read_text()
