"""The status says in three conditions how far things are, for which generation, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.ingresses import ingress, stored

from wavetank.netlayer.status import Verdict, is_ready, make_status

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WAITING = Verdict("Unknown", "NotAnsweredYet", "a pod answers 404")
WRONG = Verdict("False", "Invalid", "the percentages add up to 90")


def words(status: dict[str, object]) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in status["conditions"]}  # type: ignore[attr-defined]


def test_ready_with_exactly_one_address_for_outside_and_one_for_within() -> None:
    status = make_status(stored(ingress()), Verdict(), Verdict(), NOON)
    assert words(status) == {"LoadBalancerReady": "True", "NetworkConfigured": "True", "Ready": "True"}
    outside = {"domainInternal": "istio-ingressgateway.istio-system.svc.cluster.local"}
    within = {"domainInternal": "knative-local-gateway.istio-system.svc.cluster.local"}
    assert status["publicLoadBalancer"] == {"ingress": [outside]}
    assert status["privateLoadBalancer"] == {"ingress": [within]}
    assert is_ready({**stored(ingress()), "status": status})


def test_what_is_wrong_comes_before_what_is_unknown() -> None:
    status = make_status(stored(ingress()), WRONG, WAITING, NOON)
    assert words(status) == {"LoadBalancerReady": "Unknown", "NetworkConfigured": "False", "Ready": "False"}
    ready = status["conditions"][-1]
    assert (ready["reason"], ready["message"]) == ("Invalid", "the percentages add up to 90")
    assert "publicLoadBalancer" not in status


def test_a_change_that_is_not_answered_yet_is_not_ready_and_keeps_its_addresses() -> None:
    before = stored(ingress(), **make_status(stored(ingress()), Verdict(), Verdict(), NOON))
    before["metadata"]["generation"] = 2
    assert not is_ready(before)
    status = make_status(before, Verdict(), WAITING, NOON)
    assert words(status)["Ready"] == "Unknown"
    assert status["observedGeneration"] == 2
    assert status["privateLoadBalancer"] == before["status"]["privateLoadBalancer"]


def test_the_time_is_that_of_the_last_turn_not_of_the_last_look() -> None:
    first = make_status(stored(ingress()), Verdict(), WAITING, NOON)
    again = stored(ingress(), **first)
    assert make_status(again, Verdict(), WAITING, NOON + timedelta(minutes=5)) == first
    then = make_status(again, Verdict(), Verdict(), NOON + timedelta(minutes=5))
    times = {condition["type"]: condition["lastTransitionTime"][11:16] for condition in then["conditions"]}
    assert times == {"LoadBalancerReady": "12:05", "NetworkConfigured": "12:00", "Ready": "12:05"}
