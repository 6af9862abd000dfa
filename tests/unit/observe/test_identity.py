"""Who a pod is in the mesh: what its sidecar says, and what is said when it says nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.apiserver import ApiServer
from tests.support.sidecars import NAMESPACE, ROOT_SERIAL, certificate, certs, put_pod

from wavetank.errors import KubeError
from wavetank.kube import Kube
from wavetank.observe.identity import Held, identities, parse_certs, read_identity

PAYMENT = "spiffe://cluster.local/ns/lab-03/sa/payment"


def test_a_certificate_says_who_since_when_until_when_and_by_whom() -> None:
    identity = parse_certs(certs(certificate(PAYMENT, "58e2e466")))
    assert identity is not None
    assert (identity.uri, identity.trust_domain) == (PAYMENT, "cluster.local")
    assert (identity.namespace, identity.service_account, identity.serial) == ("lab-03", "payment", "58e2e466")
    assert identity.valid_until - identity.valid_from == timedelta(days=1)
    assert identity.time_left(identity.valid_until - timedelta(minutes=5)) == 300
    assert identity.time_left(identity.valid_until + timedelta(seconds=1)) == -1
    assert [(root.serial, root.valid_until.year) for root in identity.roots] == [(ROOT_SERIAL, 2035)]


def test_what_the_agent_says_of_its_own_is_passed_over() -> None:
    warning = "2026-11-27T17:22:23.053417Z\twarn\tOS CA Cert could not be found for agent\n"
    identity = parse_certs(warning + certs(certificate(PAYMENT)))
    assert identity is not None
    assert identity.uri == PAYMENT


def test_after_a_renewal_the_newest_counts() -> None:
    old, new = (certificate(PAYMENT, serial, age=timedelta(hours=age)) for serial, age in (("0ld", 12), ("new", 0)))
    for order in ((old, new), (new, old), (old, old, new, old)):
        identity = parse_certs(certs(*order))
        assert identity is not None
        assert identity.serial == "new"


@pytest.mark.parametrize("uri", ["spiffe://example.org/my-app", "spiffe://example.org"])
def test_a_spiffe_id_of_another_form_is_kept_whole(uri: str) -> None:
    identity = parse_certs(certs(certificate(uri)))
    assert identity is not None
    assert (identity.uri, identity.trust_domain, identity.service_account) == (uri, "example.org", "")


def test_certificates_of_nobody_in_the_mesh_do_not_count() -> None:
    roots_only = {"ca_cert": certificate(PAYMENT)["ca_cert"], "cert_chain": []}
    by_name = certificate(PAYMENT)
    by_name["cert_chain"][0]["subject_alt_names"] = [{"dns": "web.test"}]
    assert parse_certs(certs(roots_only, by_name)) is None
    assert parse_certs(certs()) is None


@pytest.mark.parametrize("native", [False, True])
def test_the_sidecar_is_asked_wherever_it_is(api: ApiServer, kube: Kube, native: bool) -> None:
    pod = put_pod(api, "payment-1", certs(certificate(PAYMENT)), native=native)
    assert read_identity(kube, pod).uri == PAYMENT


def test_a_pod_without_a_sidecar_is_told_how_to_get_one(api: ApiServer, kube: Kube) -> None:
    with pytest.raises(KubeError, match="pod web-1 has no sidecar") as caught:
        read_identity(kube, put_pod(api, "web-1", None))
    assert caught.value.help.observed == "containers web"
    assert "label namespace lab-03 istio-injection=enabled" in caught.value.help.command
    assert "rollout restart deployment" in caught.value.help.hint


def test_a_sidecar_that_does_not_run_is_not_asked(api: ApiServer, kube: Kube) -> None:
    with pytest.raises(KubeError, match="the sidecar of pod web-1 does not run") as caught:
        read_identity(kube, put_pod(api, "web-1", "", state="waiting"))
    assert caught.value.help.observed == "container istio-proxy is being started (waiting)"
    assert not any("/exec" in path for _, path in api.requests)


def test_a_sidecar_that_is_not_ready_says_what_it_said(api: ApiServer, kube: Kube) -> None:
    refused = "Error: failed to execute command on Envoy: dial tcp 127.0.0.1:15000: connect: connection refused"
    with pytest.raises(KubeError, match="the sidecar of pod web-1 does not answer") as caught:
        read_identity(kube, put_pod(api, "web-1", refused, code=1))
    assert caught.value.help.observed == "exit code 1"
    assert caught.value.help.logs == [refused]
    assert "-c istio-proxy -- pilot-agent request GET certs" in caught.value.help.command


@pytest.mark.parametrize("answer", ["[]", '{"other": 1}', '{"certificates": [{"cert_chain": [{}]}]}'])
def test_an_answer_of_another_kind_is_no_identity(api: ApiServer, kube: Kube, answer: str) -> None:
    with pytest.raises(KubeError, match=r"does not answer|has no certificate yet"):
        read_identity(kube, put_pod(api, "web-1", answer))


def test_a_sidecar_that_waits_for_its_certificate_is_said(api: ApiServer, kube: Kube) -> None:
    with pytest.raises(KubeError, match="has no certificate yet") as caught:
        read_identity(kube, put_pod(api, "web-1", certs()))
    assert "istiod" in caught.value.help.hint


def test_one_pod_that_cannot_be_asked_hides_none_of_the_others(api: ApiServer, kube: Kube) -> None:
    put_pod(api, "web-1", certs(certificate(PAYMENT)))
    put_pod(api, "plain", None)
    put_pod(api, "broken", "no", code=1)
    put_pod(api, "done", None, phase="Succeeded")
    broken, plain, web = identities(kube, NAMESPACE)
    assert plain == Held("plain", None, "pod plain has no sidecar")
    assert (broken.identity, broken.trouble) == (None, "the sidecar of pod broken does not answer")
    assert web.identity is not None
    assert web.identity.valid_until > datetime.now(UTC)


def test_several_sidecars_are_asked_at_once(api: ApiServer, kube: Kube) -> None:
    together = threading.Barrier(4, timeout=5)
    for number in range(4):
        put_pod(api, f"web-{number}", "")

        def answer(_: list[str]) -> tuple[int, bytes, bytes]:
            together.wait()
            return 0, certs(certificate(PAYMENT)).encode(), b""

        api.program(f"web-{number}", answer, NAMESPACE, container="istio-proxy")
    assert [held.trouble for held in identities(kube, NAMESPACE)] == [""] * 4
