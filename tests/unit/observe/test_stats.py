"""A proxy's statistics are read from its text, and their rise survives what resets them."""

from __future__ import annotations

import re

import pytest
from tests.support.recorded import RECORDED, statistics

from wavetank.observe.stats import FILTER, Destination, ProxyStats, Stats, destination, parse_stats, plus, rise

BOOKING = "outbound|80||booking.mesh.svc.cluster.local"


def web(moment: str) -> Stats:
    return parse_stats((RECORDED / f"web-{moment}-the-rule.prom").read_text()).clusters[BOOKING]


def test_counters_codes_latencies_and_gauges_are_read() -> None:
    booking = web("after")
    assert booking.count("upstream_rq_completed") == 702
    assert booking.codes == {"201": 208, "502": 85, "503": 3}
    assert (booking.buckets[5.0], booking.buckets[float("inf")]) == (18, 248)
    assert booking.gauge("membership_healthy", "upstream_rq_active") == 2


def test_what_other_statistics_say_is_passed_over() -> None:
    told = f"""
# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{{cluster_name="{BOOKING}",response_code="200"}} 3
envoy_cluster_upstream_rq{{cluster_name="{BOOKING}",response_code_class="2xx"}} 3
envoy_cluster_external_upstream_rq{{cluster_name="{BOOKING}",response_code="200"}} 3
envoy_cluster_retry_upstream_rq{{cluster_name="{BOOKING}",response_code="503"}} 1
envoy_cluster_upstream_rq_time_sum{{cluster_name="{BOOKING}"}} 11889.284481398992284
envoy_cluster_upstream_rq_total{{cluster_name="{BOOKING}"}} 4
envoy_server_live{{}} 1
"""
    assert parse_stats(told) == ProxyStats({BOOKING: Stats({"upstream_rq_total": 4}, codes={"200": 3})})


def test_a_manager_counts_answers_by_class_and_what_was_injected() -> None:
    manager = parse_stats(statistics("after")["booking-5897676c96-6zz4k"]).managers["outbound_0.0.0.0_80"]
    assert set(manager.codes) == {"2xx", "5xx"}
    assert manager.count("fault_aborts_injected") > 0


def test_a_proxy_that_keeps_no_such_statistics_is_told_from_one_that_has_nothing_to_count() -> None:
    idle = f'envoy_cluster_membership_healthy{{cluster_name="{BOOKING}"}} 2'
    assert parse_stats(idle) == ProxyStats(included=True)
    assert parse_stats("envoy_server_live{} 1\n") == ProxyStats(included=False)


@pytest.mark.parametrize(
    "name",
    [
        f"cluster.{BOOKING}.upstream_rq_503",
        f"cluster.{BOOKING}.upstream_rq_time",
        "cluster.outbound|80|v2|timetable.mesh.svc.cluster.local.outlier_detection.ejections_active",
        "cluster.inbound|8080||.ssl.handshake",
        "http.outbound_0.0.0.0_80.fault.aborts_injected",
        "http.inbound_0.0.0.0_8080.downstream_rq_4xx",
    ],
)
def test_the_filter_takes_what_is_read(name: str) -> None:
    assert re.search(FILTER, name)


@pytest.mark.parametrize(
    "name", [f"cluster.{BOOKING}.upstream_cx_length_ms", "cluster.xds-grpc.upstream_rq_total", "http.agent.rq_total"]
)
def test_the_filter_leaves_the_rest(name: str) -> None:
    assert not re.search(FILTER, name)


def test_a_cluster_leads_to_a_host_or_a_subset_of_it() -> None:
    assert destination(BOOKING) == Destination("booking.mesh.svc.cluster.local")
    assert destination("outbound|80|v2|timetable.mesh.svc.cluster.local") == (
        "timetable.mesh.svc.cluster.local",
        "v2",
    )
    assert destination("inbound|8080||") is None


def test_a_rule_that_makes_envoy_forget_its_codes_loses_no_request() -> None:
    risen = rise(web("before"), web("after"))
    assert risen.count("upstream_rq_completed") == 702 - 104
    assert risen.codes == {"201": 208, "502": 85, "503": 3}
    assert risen.buckets[float("inf")] == 248


def test_codes_are_forgotten_together_also_if_one_of_them_has_overtaken_its_old_count() -> None:
    before = Stats(codes={"200": 400, "503": 2}, buckets={1.0: 5, 5.0: 9})
    after = Stats(codes={"200": 10, "503": 7}, buckets={1.0: 6, 5.0: 8})
    assert rise(before, after) == after


def test_a_counter_that_has_fallen_began_again() -> None:
    before, after = (
        Stats({"upstream_rq_total": 50, "ssl_handshake": 4}),
        Stats({"upstream_rq_total": 7, "ssl_handshake": 5}),
    )
    assert rise(before, after).counters == {"upstream_rq_total": 7, "ssl_handshake": 1}


def test_what_two_proxies_have_counted_adds_up() -> None:
    one = Stats({"upstream_rq_total": 1}, {"upstream_rq_active": 1}, {"200": 1}, {1.0: 1})
    assert plus(one, Stats({"ssl_handshake": 2}, {"upstream_rq_active": 2}, {"200": 2}, {1.0: 3})) == Stats(
        {"upstream_rq_total": 1, "ssl_handshake": 2}, {"upstream_rq_active": 3}, {"200": 3}, {1.0: 4}
    )
