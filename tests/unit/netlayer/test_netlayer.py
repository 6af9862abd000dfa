"""The whole networking layer against the tests' own API server and gateway: what Knative sees of it, and how fast."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.ingresses import (
    GATEWAY,
    HASH,
    TIDEWATER,
    VIRTUAL_SERVICE,
    GatewayPod,
    ingress,
    networking,
    path,
    rule,
    split,
)
from tests.support.waiting import eventually

from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.netlayer import leader, reconcile, store
from wavetank.netlayer.fingerprint import fingerprint
from wavetank.netlayer.main import LEASE_NAME, LEASE_NAMESPACE, run
from wavetank.netlayer.reconcile import FINALIZER
from wavetank.netlayer.spec import INGRESS
from wavetank.netlayer.status import is_ready

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

TLS = {"secretName": "cert", "secretNamespace": TIDEWATER}
TIDES = "tides.example.com"


@pytest.fixture
def layer(kube: Kube, pod: GatewayPod) -> Iterator[None]:
    with networking(kube):
        yield


def read(kube: Kube, name: str = "tides") -> Obj:
    return kube.get(INGRESS, name, TIDEWATER)


def condition(kube: Kube, type_: str, name: str = "tides") -> Obj:
    conditions = (read(kube, name).get("status") or {}).get("conditions") or ()
    return next((dict(one) for one in conditions if one["type"] == type_), {})


def wait_ready(kube: Kube, name: str = "tides") -> Obj:
    eventually(lambda: is_ready(read(kube, name)), f"{name} to be ready")
    return read(kube, name)


def wait_refused(kube: Kube, reason: str, name: str = "tides") -> str:
    eventually(lambda: condition(kube, "Ready", name).get("reason") == reason, f"{name} to be refused: {reason}")
    assert condition(kube, "Ready", name)["status"] == "False"
    return str(condition(kube, "NetworkConfigured", name)["message"])


def change(kube: Kube, name: str = "tides", **spec: object) -> None:
    kube.patch(INGRESS, name, TIDEWATER, {"spec": spec})


def routes(kube: Kube) -> list[Obj]:
    return kube.list(VIRTUAL_SERVICE, TIDEWATER)


def certificate(kube: Kube, content: str = "Zm9v") -> None:
    labels = {"networking.internal.knative.dev/certificate-uid": "some"}
    metadata = {"name": "cert", "namespace": TIDEWATER, "labels": labels}
    data = {"tls.crt": content, "tls.key": content}
    kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data})


def copies(kube: Kube) -> list[Obj]:
    return kube.list("Secret", "istio-system")


def test_an_ingress_gets_ready_and_so_does_each_change(kube: Kube, pod: GatewayPod, layer: None) -> None:
    kube.create(ingress())
    wait_ready(kube)
    for share in (10, 50, 90):
        change(kube, rules=[rule(TIDES, paths=[path(split("new", share), split("old", 100 - share))])])
        ready = wait_ready(kube)
        route = pod.route("http", TIDES, "/healthz", {HASH: "override"})
        assert route is not None
        assert route["headers"]["request"]["set"] == {HASH: fingerprint(ready)}
        assert [sent["weight"] for sent in route["route"]] == [share, 100 - share]
        assert ready["status"]["observedGeneration"] == ready["metadata"]["generation"]


def test_it_is_not_ready_before_every_pod_of_the_gateway_answers(
    kube: Kube, api: ApiServer, pod: GatewayPod, tmp_path: Path, layer: None
) -> None:
    with GatewayPod(api, "pod-2", tmp_path) as slow:
        kube.create(ingress())
        wait_ready(kube)
        with slow.deaf():
            change(kube, rules=[rule(TIDES, paths=[path(split("new"))])])
            eventually(lambda: "another" in condition(kube, "Ready").get("message", ""), "to be told who is behind")
            assert not is_ready(read(kube))
            assert "the gateway pod 127.0.0.1 does not route tides.example.com" in condition(kube, "Ready")["message"]
            assert condition(kube, "NetworkConfigured")["status"] == "True"
        wait_ready(kube)


def test_a_gateway_without_a_pod_is_waited_for(kube: Kube, api: ApiServer, tmp_path: Path) -> None:
    with networking(kube):
        kube.create(ingress())
        eventually(lambda: "no pod of the gateway" in condition(kube, "Ready").get("message", ""), "to be told")
        with GatewayPod(api, "pod-1", tmp_path):
            wait_ready(kube)


def test_what_is_hidden_is_asked_for_behind_the_local_door(kube: Kube, pod: GatewayPod, layer: None) -> None:
    kube.create(ingress(rule(TIDES), rule("tides.tidewater.svc.cluster.local", local=True)))
    wait_ready(kube)
    assert {(door, host) for door, host, _ in pod.asked} == {
        ("http", TIDES),
        ("local", "tides.tidewater.svc.cluster.local"),
        ("local", "tides.tidewater.svc"),
        ("local", "tides.tidewater"),
    }
    assert pod.route("http", "tides.tidewater", "/", {}) is None


def test_an_ingress_of_another_class_is_left_as_it_is(kube: Kube, layer: None) -> None:
    for name, cls in (("istios", "istio.ingress.networking.knative.dev"), ("nobodys", "")):
        kube.create(ingress(name=name, cls=cls))
    before = [read(kube, name) for name in ("istios", "nobodys")]
    kube.create(ingress())
    wait_ready(kube)
    assert [read(kube, name) for name in ("istios", "nobodys")] == before
    assert len(routes(kube)) == 1


def test_a_split_that_does_not_add_up_is_told_and_traffic_stays_where_it_was(kube: Kube, layer: None) -> None:
    kube.create(ingress())
    wait_ready(kube)
    before = routes(kube)
    change(kube, rules=[rule(TIDES, paths=[path(split("new", 60), split("old", 30))])])
    assert "percentages that add up to 90" in wait_refused(kube, "Invalid")
    assert routes(kube) == before
    change(kube, rules=[rule(TIDES, paths=[path(split("new", 60), split("old", 40))])])
    wait_ready(kube)


def test_what_somebody_edits_is_put_right(kube: Kube, layer: None) -> None:
    kube.create(ingress())
    wait_ready(kube)
    (wanted,) = routes(kube)
    edited = copy.deepcopy(wanted)
    edited["spec"]["http"] = [{"directResponse": {"status": 418}}]
    edited["spec"]["exportTo"] = ["."]
    kube.replace(edited)
    eventually(lambda: routes(kube)[0]["spec"] == wanted["spec"], "the routes to be as they were")
    changes = {"labels": {"wavetank.dev/made-by": None, "team": "harbour"}, "annotations": None}
    kube.patch(VIRTUAL_SERVICE, wanted["metadata"]["name"], TIDEWATER, {"metadata": changes})
    labels = {**wanted["metadata"]["labels"], "team": "harbour"}
    eventually(lambda: routes(kube)[0]["metadata"]["labels"] == labels, "the label to be back, and the other to stay")
    assert is_ready(read(kube))


def test_what_somebody_deletes_is_made_again(kube: Kube, layer: None) -> None:
    kube.create(ingress())
    wait_ready(kube)
    (wanted,) = routes(kube)
    kube.delete(wanted, namespace=TIDEWATER)
    eventually(lambda: routes(kube), "the routes to be there again")
    assert routes(kube)[0]["spec"] == wanted["spec"]


def test_hosts_that_are_no_longer_asked_for_are_no_longer_routed(kube: Kube, pod: GatewayPod, layer: None) -> None:
    kube.create(ingress(rule(TIDES), rule("new-tides.example.com", paths=[path(split("new"))])))
    wait_ready(kube)
    change(kube, rules=[rule(TIDES)])
    wait_ready(kube)
    assert pod.route("http", "new-tides.example.com", "/", {}) is None
    assert pod.route("http", TIDES, "/", {}) is not None


def test_of_two_with_one_host_the_older_has_it_and_the_other_says_so_until_it_is_free(
    kube: Kube, api: ApiServer, pod: GatewayPod, layer: None
) -> None:
    younger = ingress(rule("mine.example.com", TIDES, paths=[path(split("younger"))]), name="younger")
    younger["metadata"]["creationTimestamp"] = "2026-06-01T12:00:02Z"
    api.put(younger)
    wait_ready(kube, "younger")

    older = ingress(rule(TIDES, paths=[path(split("older"))]), name="older")
    older["metadata"]["creationTimestamp"] = "2026-06-01T12:00:01Z"
    api.put(older)
    wait_ready(kube, "older")
    words = wait_refused(kube, "HostTaken", "younger")
    assert "tides.example.com to the Ingress tidewater/older" in words
    assert backend(pod, TIDES) == "older"
    assert backend(pod, "mine.example.com") == "younger"

    change(kube, "older", rules=[rule("other.example.com")])
    wait_ready(kube, "younger")
    assert backend(pod, TIDES) == "younger"


def backend(pod: GatewayPod, host: str) -> str:
    route = pod.route("http", host, "/", {})
    assert route is not None
    return str(route["route"][0]["destination"]["host"].partition(".")[0])


def test_a_certificate_is_copied_followed_and_taken_away_with_its_ingress(
    kube: Kube, pod: GatewayPod, layer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_CERTIFICATES_AGAIN", 0.1)
    certificate(kube)
    kube.create(ingress(tls=[TLS]))
    ready = wait_ready(kube)
    assert ready["metadata"]["finalizers"] == [FINALIZER]
    assert TIDES in pod.sni
    (copied,) = copies(kube)
    assert copied["data"]["tls.crt"] == "Zm9v"

    certificate(kube, "YmFy")
    eventually(lambda: copies(kube)[0]["data"]["tls.key"] == "YmFy", "the new certificate to be copied")
    kube.delete(copies(kube)[0], namespace="istio-system")
    eventually(lambda: copies(kube), "the copy to be made again")

    kube.delete(read(kube), namespace=TIDEWATER, wait=5)
    assert copies(kube) == []
    assert kube.list(GATEWAY, TIDEWATER) == []


@pytest.mark.parametrize(
    ("hidden", "reason"), [("istio-system", "NoTLS"), (TIDEWATER, "SecretHidden")], ids=["at all", "in the namespace"]
)
def test_without_a_right_to_see_certificates_only_tls_is_refused(
    kube: Kube, api: ApiServer, pod: GatewayPod, monkeypatch: pytest.MonkeyPatch, hidden: str, reason: str
) -> None:
    monkeypatch.setattr(store, "_ASK_AGAIN", 0.1)
    certificate(kube)
    api.forbid = lambda path: f"/namespaces/{hidden}/secrets" in path
    with networking(kube):
        kube.create(ingress(tls=[TLS]))
        assert "clusters/manifests/netlayer-tls.yaml" in wait_refused(kube, reason)
        kube.create(ingress(rule("other.example.com"), name="other"))
        wait_ready(kube, "other")
        api.forbid = lambda path: False
        wait_ready(kube)


def test_a_redirect_answers_for_plain_http(kube: Kube, pod: GatewayPod, layer: None) -> None:
    certificate(kube)
    kube.create(ingress(tls=[TLS], httpOption="Redirected"))
    wait_ready(kube)
    assert pod.redirected() == {TIDES}
    assert {door for door, _, _ in pod.asked} == {"http", "https"}


def test_a_finalizer_goes_with_what_it_was_for(kube: Kube, layer: None) -> None:
    certificate(kube)
    kube.create(ingress(tls=[TLS]))
    wait_ready(kube)
    kube.patch(INGRESS, "tides", TIDEWATER, {"metadata": {"finalizers": [FINALIZER, "example.com/other"]}})
    change(kube, tls=None)
    eventually(lambda: read(kube)["metadata"]["finalizers"] == ["example.com/other"], "its finalizer to go")
    assert copies(kube) == []
    kube.patch(INGRESS, "tides", TIDEWATER, {"metadata": {"finalizers": None}})


def test_a_certificate_that_is_missing_is_told_and_waited_for(kube: Kube, layer: None) -> None:
    kube.create(ingress(tls=[TLS]))
    assert "there is no Secret tidewater/cert" in wait_refused(kube, "SecretMissing")
    certificate(kube)
    wait_ready(kube)


def test_an_object_of_somebody_else_is_not_taken(kube: Kube, pod: GatewayPod) -> None:
    with networking(kube):
        kube.create(ingress())
        wait_ready(kube)
        (made,) = routes(kube)
    # Nobody is at work: one that looked at the Ingress just when it went would make the route once more.
    kube.delete(read(kube), namespace=TIDEWATER, wait=5)
    eventually(lambda: not routes(kube), "the routes to go")
    theirs = {"name": made["metadata"]["name"], "namespace": TIDEWATER, "annotations": {"why": "mine"}}
    kube.create({"apiVersion": VIRTUAL_SERVICE[0], "kind": "VirtualService", "metadata": theirs, "spec": {"hosts": []}})
    with networking(kube):
        kube.create(ingress())
        assert f"VirtualService tidewater/{made['metadata']['name']}" in wait_refused(kube, "NotOwned")
        assert routes(kube)[0]["spec"] == {"hosts": []}


def test_what_was_left_behind_is_cleared_away_by_the_next_one(kube: Kube, pod: GatewayPod) -> None:
    certificate(kube)
    with networking(kube):
        kube.create(ingress(tls=[TLS]))
        wait_ready(kube)
    kube.patch(INGRESS, "tides", TIDEWATER, {"metadata": {"finalizers": None}})
    kube.delete(read(kube), namespace=TIDEWATER, wait=5)
    assert copies(kube), "nobody was there who would have deleted it"
    with networking(kube):
        eventually(lambda: not copies(kube), "the copy to go")


def test_a_restarted_one_asks_nobody_about_what_is_ready(kube: Kube, pod: GatewayPod) -> None:
    with networking(kube):
        kube.create(ingress())
        before = wait_ready(kube)
    pod.asked.clear()
    with networking(kube, "pod-2"):
        kube.create(ingress(rule("other.example.com"), name="other"))
        wait_ready(kube, "other")
    assert {host for _, host, _ in pod.asked} == {"other.example.com"}
    assert read(kube) == before


def test_a_second_one_does_nothing_until_the_first_has_ended(
    kube: Kube, pod: GatewayPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "_RENEW_EVERY", 0.05)
    with networking(kube, "pod-2") as second:
        eventually(lambda: holder(kube) == "pod-2", "the second to lead")
        with networking(kube, "pod-3"):
            kube.create(ingress())
            wait_ready(kube)
            assert holder(kube) == "pod-2"
        assert second.is_alive()
    assert holder(kube) == ""


def holder(kube: Kube) -> str:
    lease = kube.find(("coordination.k8s.io/v1", "Lease"), LEASE_NAME, LEASE_NAMESPACE)
    return str(lease["spec"]["holderIdentity"]) if lease else ""


def test_an_outage_of_the_api_server_only_delays(kube: Kube, api: ApiServer, pod: GatewayPod, layer: None) -> None:
    kube.create(ingress())
    wait_ready(kube)
    api.stop()
    api.put(ingress(rule("later.example.com"), name="later"))
    api.start()
    wait_ready(kube, "later")


class Picky(Kube):
    """An API whose webhook does not take every route."""

    def create(self, obj: Obj) -> Obj:
        if "bad_host.example.com" in obj["spec"].get("hosts", ()):
            raise KubeError("admission webhook denied the request: domain name invalid", status=400)
        return super().create(obj)


def test_what_the_api_refuses_is_told_in_its_words_and_holds_up_nobody(
    kube: Kube, api: ApiServer, pod: GatewayPod, tmp_path: Path
) -> None:
    with networking(Picky.connect(api.kubeconfig(tmp_path))):
        kube.create(ingress(rule("bad_host.example.com")))
        assert wait_refused(kube, "Refused").endswith("denied the request: domain name invalid")
        kube.create(ingress(rule("other.example.com"), name="other"))
        wait_ready(kube, "other")


def test_many_at_once(kube: Kube, layer: None) -> None:
    names = [f"tides-{number}" for number in range(30)]
    for name in names:
        kube.create(ingress(rule(f"{name}.example.com"), name=name))
    for name in names:
        wait_ready(kube, name)
    assert len(routes(kube)) == 30


def test_a_cluster_without_knative_is_told(api: ApiServer, kube: Kube) -> None:
    api.delete("CustomResourceDefinition", "ingresses.networking.internal.knative.dev")
    with pytest.raises(KubeError, match="Ingress"):
        run(kube, threading.Event(), "pod-1", threading.Event())
