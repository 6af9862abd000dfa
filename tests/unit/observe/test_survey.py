"""A real mesh as it was recorded becomes the topology that its services themselves have counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.recorded import calls, look_at

from wavetank.observe.ledger import Ledger, entered, periods
from wavetank.observe.roster import MeshPod, Role, Roster
from wavetank.observe.scrape import Look
from wavetank.observe.signals import Mtls
from wavetank.observe.stats import ProxyStats, Stats
from wavetank.observe.survey import OUTSIDERS, survey
from wavetank.observe.topology import Topology


def between(*looks: Look) -> Topology:
    first = ledger = entered(Ledger(), looks[0])
    for look in looks[1:]:
        ledger = entered(ledger, look)
    return survey(looks[-1], periods(first, ledger), looks[-1].at - looks[0].at)


@pytest.fixture(scope="module")
def recorded() -> Topology:
    return between(look_at("before"), look_at("during"), look_at("after"))


class TestRecorded:
    def test_every_edge_has_the_requests_that_the_callers_themselves_counted(self, recorded: Topology) -> None:
        before, after = calls("before"), calls("after")
        for way, outcomes in after.items():
            edge = recorded.edge(*way)
            assert edge
            assert edge.signals.requests == sum(outcomes.values()) - sum(before[way].values())
            failed = sum(count - before[way].get(outcome, 0) for outcome, count in outcomes.items() if outcome > "3")
            assert edge.signals.errors == failed

    def test_loads_that_have_ended_are_told_of_with_what_they_had_sent_when_last_seen(self, recorded: Topology) -> None:
        sent = {edge.source: edge.signals.requests for edge in recorded.edges if edge.source.startswith("load-")}
        assert sent == {"load-bookers": 180, "load-lookers": 113}
        node = recorded.node("load-bookers")
        assert node
        assert (node.role, node.pods) == (Role.LOAD, 0)

    def test_aborts_are_on_the_edge_they_were_meant_for(self, recorded: Topology) -> None:
        edge = recorded.edge("booking", "payment")
        assert edge
        assert edge.signals.flags == {"FI": 57}
        assert edge.signals.codes == {"201": 118, "503": 57}
        assert edge.signals.error_share == pytest.approx(57 / 175)

    def test_what_comes_without_a_sidecar_is_told_by_the_callee(self, recorded: Topology) -> None:
        """While it was recorded, the services' own counters were read from each of two pods twelve times: plainly."""
        edge = recorded.edge(OUTSIDERS, "timetable")
        assert edge
        assert (edge.told_by_callee, edge.signals.mtls) == (True, Mtls.NO)
        assert edge.signals.requests == 2 * 12

    def test_every_edge_between_sidecars_was_encrypted(self, recorded: Topology) -> None:
        told = {(source, target): secure for source, target, secure in recorded.protection}
        assert told.pop((OUTSIDERS, "web")) is False
        assert {secure for (source, _), secure in told.items() if source != OUTSIDERS} == {True}

    def test_latencies_are_those_of_the_interval(self, recorded: Topology) -> None:
        edge = recorded.edge("web", "timetable")
        assert edge
        percentiles = [edge.signals.percentile(percent) for percent in (50, 95, 99)]
        assert all(percentiles)
        assert percentiles == sorted(percentiles, key=lambda ms: ms or 0)

    def test_an_idle_edge_stays_and_the_silence_is_told(self) -> None:
        look = look_at("after")
        idle = between(look, replace(look, at=look.at + 10))
        edge = idle.edge("web", "booking")
        assert edge
        assert edge.signals.requests == 0
        assert [reason.words for reason in idle.reasons] == ["Nobody has called anybody in the last 10 s."]

    def test_what_may_be_meant_for_several_is_on_no_edge_and_said(self) -> None:
        looks = [look_at(moment) for moment in ("before", "after")]
        fault = {"fault": {"abort": {"httpStatus": 503}}}
        for_web = {"spec": {"http": [{**fault, "route": [{"destination": {"host": "web"}}]}]}}
        routes = looks[1].roster.virtual_services
        unclear = [
            {**routes[0], "spec": {"http": [{**fault, "route": [{"destination": {"host": host}}]}]}} for host in "xy"
        ]
        told = between(
            looks[0], replace(looks[1], roster=replace(looks[1].roster, virtual_services=(*unclear, for_web)))
        )
        edge = told.edge("booking", "payment")
        assert edge
        assert edge.signals.requests == 118
        words = "57 calls of booking met an injected abort: meant for web or x or y, which of them Envoy does not tell."
        assert told.reasons[0].words == f"{words} They are on no edge."


def requests(count: int) -> Stats:
    return Stats({"upstream_rq_total": count, "upstream_rq_completed": count}, codes={"200": count})


def arrived(count: int, plain: int = 0) -> ProxyStats:
    """Return a callee's proxy: so many requests over two connections, ``plain`` of them unencrypted."""
    connections = {"downstream_cx_total": 2, "downstream_cx_ssl_total": 2 - plain}
    manager = Stats({"downstream_rq_total": count, "downstream_rq_completed": count, **connections})
    return ProxyStats({"inbound|8080||": requests(count)}, {"inbound_0.0.0.0_8080": manager})


def sent(**counts: int) -> ProxyStats:
    """Return a caller's proxy: so many requests to each cluster, named ``service`` or ``service_subset``."""
    clusters = {}
    for name, count in counts.items():
        service, _, subset = name.partition("_")
        clusters[f"outbound|80|{subset}|{service}.mesh.svc.cluster.local"] = requests(count)
    return ProxyStats(clusters)


def pod(workload: str, app: str = "", **parts: Any) -> MeshPod:
    return MeshPod(workload, f"{workload}-1", "mesh", workload, labels={"app": app or workload}, **parts)


def survey_of(*told: tuple[MeshPod, ProxyStats | None], **parts: Any) -> Topology:
    """Return the topology of ten seconds in which each pod's proxy (None: it has none) has counted this."""
    pods = tuple(one for one, _ in told)
    services = {one.labels["app"]: {"app": one.labels["app"]} for one in pods}
    roster = Roster("mesh", pods, **{"services": services, **parts})
    last = {one.uid: stats for one, stats in told if stats}
    return between(Look(0, roster, dict.fromkeys(last, ProxyStats())), Look(10, roster, last))


def told_of(topology: Topology) -> dict[tuple[str, str], int]:
    return {(edge.source, edge.target): edge.signals.requests for edge in topology.edges}


V1, V2 = pod("timetable", app="timetable"), pod("timetable-v2", app="timetable")


class TestWhoIsMeant:
    def test_a_service_with_one_workload_is_that_workload(self) -> None:
        web, shown = pod("web-deployment", app="web"), pod("front")
        assert told_of(survey_of((shown, sent(web=20)), (web, arrived(20)))) == {("front", "web-deployment"): 20}

    def test_subsets_lead_to_their_own_workloads(self) -> None:
        subsets = {("timetable", "v2"): {"version": "v2"}, ("timetable", "v1"): {"version": "v1"}}
        v1 = replace(V1, labels={**V1.labels, "version": "v1"})
        v2 = replace(V2, labels={**V2.labels, "version": "v2"})
        caller = pod("web"), sent(timetable_v1=90, timetable_v2=10)
        told = survey_of(caller, (v1, arrived(90)), (v2, arrived(10)), subsets=subsets)
        assert told_of(told) == {("web", "timetable"): 90, ("web", "timetable-v2"): 10}

    def test_a_service_with_several_workloads_is_a_node_and_they_say_what_came_through(self) -> None:
        told = survey_of((pod("web"), sent(timetable=100)), (V1, arrived(70)), (V2, arrived(30)))
        assert told_of(told) == {
            ("web", "service timetable"): 100,
            ("service timetable", "timetable"): 70,
            ("service timetable", "timetable-v2"): 30,
        }
        node = told.node("service timetable")
        assert node
        assert node.role is Role.SERVICE

    def test_hosts_beyond_the_namespace_are_outside(self) -> None:
        calls = ProxyStats(
            {
                "outbound|443||api.example.com": requests(3),
                "outbound|80||till.shop.svc.cluster.local": requests(4),
            }
        )
        told = survey_of((pod("web"), calls))
        assert told_of(told) == {("web", "api.example.com"): 3, ("web", "till.shop"): 4}
        assert {node.role for node in told.nodes if node.name != "web"} == {Role.OUTSIDE}

    def test_a_gateway_is_shown_for_what_it_sends_here_only(self) -> None:
        gateway = replace(pod("istio-ingressgateway"), namespace="istio-system", role=Role.GATEWAY)
        calls = ProxyStats(
            {
                "outbound|80||web.mesh.svc.cluster.local": requests(5),
                "outbound|80||web.other.svc.cluster.local": requests(6),
            }
        )
        assert told_of(survey_of((gateway, calls), (pod("web"), arrived(5)))) == {("istio-ingressgateway", "web"): 5}
        assert survey_of((gateway, ProxyStats()), (pod("web"), arrived(0))).node("istio-ingressgateway") is None


class TestWithoutSidecar:
    def test_a_callee_without_sidecar_is_known_from_its_callers_and_that_is_said(self) -> None:
        bare = pod("payment", has_proxy=False, owner="deployment/payment")
        told = survey_of((pod("booking"), sent(payment=12)), (bare, None))
        assert told_of(told) == {("booking", "payment"): 12}
        node = told.node("payment")
        assert node
        assert (node.words, node.arriving) == ("sidecar in 0 of 1", None)
        assert "what reaches it is only known from its callers" in told.reasons[0].words
        assert told.reasons[0].command == "kubectl -n mesh rollout restart deployment/payment"

    def test_callers_without_sidecar_are_what_nobody_else_has_counted(self) -> None:
        told = survey_of((pod("booking"), sent(payment=12)), (pod("payment"), arrived(20, plain=1)))
        assert told_of(told) == {("booking", "payment"): 12, (OUTSIDERS, "payment"): 8}

    def test_encrypted_requests_that_nobody_counted_are_no_outsiders(self) -> None:
        """A caller that has just gone took its last counts with it."""
        assert told_of(survey_of((pod("payment"), arrived(20)))) == {}

    def test_tries_of_a_known_caller_are_not_taken_for_somebody_elses(self) -> None:
        retrying = sent(payment=10)
        ((name, stats),) = retrying.clusters.items()
        counters = {**stats.counters, "upstream_rq_total": 15, "upstream_rq_retry": 5}
        caller = ProxyStats({name: replace(stats, counters=counters)})
        assert (OUTSIDERS, "payment") not in told_of(
            survey_of((pod("web"), caller), (pod("payment"), arrived(15, plain=1)))
        )
