"""Reading traces through the API server: what is found, what is awaited, and what is said when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.collecting import Collecting, sample, shifted
from tests.support.waiting import eventually

from wavetank.errors import KubeError, NotFoundError, UnreachableError, WaitTimeoutError
from wavetank.kube import Kube
from wavetank.observe.traces import Query, find_trace, find_traces, read_stats, wait_for_traces, why_no_trace
from wavetank.observe.traces.store import Store

WEB = Query("web.tidewater")
BOOKING_ID = "7f1c9a52e04b4d3886a1f06e2d9c4b17"
BEGAN = datetime(2025, 11, 27, 16, 31, 7, 120_000, tzinfo=UTC)


@pytest.fixture
def collecting(api: ApiServer) -> Iterator[Collecting]:
    with Collecting(api, Store(max_spans=30)) as collecting:
        yield collecting


def put_pod(api: ApiServer, app: str, *containers: str) -> None:
    metadata = {"name": f"{app}-1", "namespace": "tidewater", "labels": {"app": app}}
    spec = {"containers": [{"name": name} for name in containers]}
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def put_telemetry(api: ApiServer, percentage: float) -> None:
    """Put Istio's kind there, and a resource of it for the whole mesh."""
    names = {"plural": "telemetries", "singular": "telemetry", "kind": "Telemetry"}
    version: dict[str, Any] = {"name": "v1", "served": True, "storage": True}
    spec = {"group": "telemetry.istio.io", "names": names, "scope": "Namespaced", "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    api.put({**crd, "metadata": {"name": "telemetries.telemetry.istio.io"}, "spec": spec})
    wanted = {"tracing": [{"randomSamplingPercentage": percentage}]}
    metadata = {"name": "mesh", "namespace": "istio-system"}
    api.put({"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry", "metadata": metadata, "spec": wanted})


def test_traces_are_found_the_latest_or_the_slowest_first(kube: Kube, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    collecting.send(shifted("delay", 1, seconds=-60))
    collecting.send(shifted("timeout", 2, seconds=-30))
    assert [round(trace.duration) for trace in find_traces(kube, WEB)] == [840, 509, 2041]
    assert [round(trace.duration) for trace in find_traces(kube, Query(slowest=True, limit=2))] == [2041, 840]
    assert [trace.services for trace in find_traces(kube, Query("payment.tidewater"))] == [
        ("web", "timetable", "booking", "payment")
    ]
    assert [trace.summary for trace in find_traces(kube, Query(failed=True))] == [
        "web: POST /api/bookings, 509 ms, 3 spans, 502"
    ]
    assert find_traces(kube, Query("ferry.tidewater")) == []


def test_only_what_began_since_then_is_found(kube: Kube, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    collecting.send(shifted("delay", 1, seconds=(datetime.now(UTC) - BEGAN).total_seconds()))
    found = find_traces(kube, Query(since=datetime.fromtimestamp(time.time() - 30, UTC)))
    assert [round(trace.duration) for trace in found] == [2041]


def test_one_trace_is_found_by_its_id(kube: Kube, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    assert len(find_trace(kube, BOOKING_ID).hops) == 7
    with pytest.raises(NotFoundError, match="there is no such trace") as caught:
        find_trace(kube, "../healthz")
    assert "7 spans received" in caught.value.help.observed


def test_the_collector_tells_what_it_has_let_go_of(kube: Kube, collecting: Collecting) -> None:
    for number in range(1, 11):
        collecting.send(shifted("booking", number))
    stats = read_stats(kube)
    assert (stats.received, stats.dropped, stats.spans, stats.max_spans) == (70, 42, 28, 30)


def test_a_cluster_without_a_collector_says_how_to_get_one(kube: Kube) -> None:
    for ask in (lambda: find_traces(kube, WEB), lambda: read_stats(kube), lambda: wait_for_traces(kube, WEB)):
        with pytest.raises(NotFoundError, match="no trace collector") as caught:
            ask()
        assert "wavetank up" in caught.value.help.hint
        assert "-n wavetank-system get deployments" in caught.value.help.command


def test_a_collector_that_is_gone_is_told_from_one_that_never_was(kube: Kube, collecting: Collecting) -> None:
    collecting.go_away()
    with pytest.raises(KubeError, match="the trace collector does not answer") as caught:
        find_traces(kube, WEB)
    assert "no endpoints available" in caught.value.help.observed
    assert "-l app.kubernetes.io/name=wavetank-traces" in caught.value.help.command


def test_an_api_server_that_is_away_is_not_taken_for_the_collector(kube: Kube, api: ApiServer) -> None:
    api.stop()
    with pytest.raises(UnreachableError, match="the API server"):
        find_traces(kube, WEB)


def test_traces_are_awaited_until_they_are_as_they_should_be(kube: Kube, collecting: Collecting) -> None:
    waited: list[tuple[str, ...]] = []

    def wait() -> None:
        (trace,) = wait_for_traces(kube, WEB, lambda trace: "payment" in trace.services, timeout=20)
        waited.append(trace.services)

    collecting.send(sample("timeout"))
    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: sum("traces" in path for _, path in collecting.api.requests) >= 2, "two questions")
    assert not waited
    collecting.send(sample("booking"))
    waiting.join(10)
    assert waited == [("web", "timetable", "booking", "payment")]


def test_a_collector_that_comes_back_is_waited_for(kube: Kube, collecting: Collecting) -> None:
    collecting.send(sample("booking"))
    collecting.go_away()
    threading.Timer(0.3, collecting.come_back).start()
    assert len(wait_for_traces(kube, WEB, timeout=20)) == 1


def test_a_wait_in_vain_says_what_was_there_instead(kube: Kube, collecting: Collecting) -> None:
    collecting.send(sample("old"))
    with pytest.raises(WaitTimeoutError, match="waited 0 s for 2 traces of booking") as caught:
        wait_for_traces(kube, Query("booking"), count=2, timeout=0)
    assert caught.value.help.observed == (
        "0 of 1 are as they should be; the first: booking calls payment, 7.9 ms, 2 spans, 200"
    )
    assert caught.value.help.hint.startswith("incomplete: 1 span names a parent")


def test_a_wait_for_a_collector_that_is_gone_says_so(kube: Kube, collecting: Collecting) -> None:
    collecting.go_away()
    with pytest.raises(WaitTimeoutError) as caught:
        wait_for_traces(kube, WEB, timeout=0)
    assert caught.value.help.observed == "the trace collector does not answer"


def test_a_wait_in_vain_says_why_there_is_none(api: ApiServer, kube: Kube, collecting: Collecting) -> None:
    put_pod(api, "web", "web")
    with pytest.raises(WaitTimeoutError, match="waited 0 s for 1 trace of web") as caught:
        wait_for_traces(kube, WEB, timeout=0)
    assert "has a sidecar" in caught.value.help.observed
    assert "istio-injection=enabled" in caught.value.help.hint
    with pytest.raises(WaitTimeoutError, match="of any service") as caught:
        wait_for_traces(kube, Query(), timeout=0)
    assert caught.value.help.observed.startswith("0 spans received")


def test_why_there_is_no_trace_is_read_from_the_cluster(api: ApiServer, kube: Kube, collecting: Collecting) -> None:
    put_pod(api, "web", "web", "istio-proxy")
    assert why_no_trace(kube, "web.tidewater").observed == "no Telemetry resource asks for traces of web"
    put_telemetry(api, 0)
    assert why_no_trace(kube, "web.tidewater").observed == "the sampling for web is 0 %, so no request is traced"
    put_telemetry(api, 100)
    assert why_no_trace(kube, "web.tidewater").observed == "no proxy has sent a single span yet"
    collecting.send(sample("old"))
    assert "no fitting trace of web is among what has arrived: 2 spans" in why_no_trace(kube, "web.tidewater").observed
