"""Whatever a price list, a proxy, a tracer, a certificate or an autoscaler says: figures, or one sentence."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from tests.support.anything import as_json, broken, changed, printable
from tests.support.collecting import sample
from tests.support.days import TWO_PEAKS, kept_pods, replayed
from tests.support.recorded import statistics
from tests.support.sidecars import certificate, certs

from wavetank.document import write_yaml
from wavetank.observe.analysis import messages_of
from wavetank.observe.billing import AlwaysOn, Meter, load_prices
from wavetank.observe.identity import parse_certs
from wavetank.observe.serverless.scrape import samples
from wavetank.observe.serverless.tallies import tally_of
from wavetank.observe.stats import parse_stats, plus, rise
from wavetank.observe.traces.query import Query
from wavetank.observe.traces.store import Store
from wavetank.observe.traces.trace import Trace
from wavetank.observe.traces.zipkin import parse_spans, span_json
from wavetank.observe.wire import overheard
from wavetank.widgets.models.traces import TraceBoard, bars, line

PRICES: Any = {
    "name": "an example",
    "source": "https://example.org/prices",
    "date": "2026-07-04",
    "currency": "EUR",
    "pay-per-use": {
        "million-requests": 0.2,
        "vcpu-second": 0.000024,
        "gib-second": 0.0000025,
        "rounded-up-to": "100ms",
        "idle": {"vcpu-second": 0, "gib-second": 0.0000025},
    },
    "always-on": {"vcpu-hour": 0.0405, "gib-hour": 0.0045},
}
SPANS: Any = json.loads(sample("delay"))[:3]
OLD: Any = json.loads(sample("old"))[:2]
FINDINGS = [
    {"code": "IST0101", "level": "Error", "message": "not found: web+v9", "origin": "VirtualService tidewater/web"}
]
CERTS = json.loads(certs(certificate("spiffe://cluster.local/ns/lab-03/sa/payment")))
PROXY = sorted(statistics("after").values(), key=len)[0]
EVENTING = (Path(__file__).parent / "serverless/recorded/eventing.prom").read_text()
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def lines(text: str, word: str, most: int = 40) -> bytes:
    """Return some lines of a text."""
    return "\n".join([line for line in text.splitlines() if word in line][:most]).encode()


@given(broken(PRICES).map(as_json) | changed([write_yaml(PRICES).encode(), as_json(PRICES)]))
@settings(max_examples=200)
def test_any_price_list_makes_bills_or_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "prices.yaml"
    path.write_bytes(text)
    with printable():
        prices = load_prices(path)
        str(prices).encode()
        repr(Meter(replayed(TWO_PEAKS, kept_pods(1)), prices, AlwaysOn())).encode()


@given(broken(SPANS).map(as_json) | broken(OLD).map(as_json) | changed([as_json(SPANS[:2])]))
@settings(max_examples=200)
@example(as_json([{**SPANS[0], "name": "\ud800", "tags": {"http.url": "http://[", "http.status_code": "\u0663"}}]))
@example(as_json([{**SPANS[0], "timestamp": 253_402_300_799_000_000, "duration": 253_402_300_799_000_000}]))
@example(b"[" + b"[" * 500 + b"]" * 500 + b"]")
def test_any_spans_are_drawn_or_refused_one_by_one(body: bytes) -> None:
    store = Store()
    with printable():
        parsed = parse_spans(body)
        store.add(parsed.spans)
        store.refuse(parsed.refused)
        str(store.stats).encode()
        for slowest in (False, True):
            for spans in store.find(Query(slowest=slowest, since=NOW)) + store.find(Query(limit=100)):
                trace = Trace.of(spans)
                board = TraceBoard("web", "the latest", NOW, (trace,), store.stats)
                board.text().encode()
                line(trace).encode()
                assert all(bar.left >= 0 and math.isfinite(bar.width) for bar in bars(trace))
        again = parse_spans(as_json([span_json(span) for span in parsed.spans]))
        assert again.spans == parsed.spans


@given(changed([lines(PROXY, "envoy_cluster"), lines(PROXY, "envoy_http"), lines(PROXY, "le=")]))
@settings(max_examples=200)
@example(b'envoy_cluster_upstream_rq_total{cluster_name="outbound|80||a"} 1e+06')
@example(b'envoy_cluster_upstream_rq_time_bucket{cluster_name="outbound|80||a",le="soon"} 1')
@example(b'envoy_cluster_upstream_rq_time_bucket{cluster_name="outbound|80||a"} 1')
@example(b'envoy_cluster_upstream_rq_total{cluster_name="outbound|80||a"} ' + b"9" * 5000)
def test_any_statistics_of_a_proxy_are_counted_or_passed_over(text: bytes) -> None:
    read, before = parse_stats(text.decode(errors="replace")), parse_stats(PROXY)
    for name, stats in {**read.clusters, **read.managers}.items():
        known = before.clusters.get(name, stats)
        risen = plus(rise(known, stats), stats)
        assert all(count >= 0 for count in (*risen.counters.values(), *risen.codes.values(), *risen.buckets.values()))


@given(changed([lines(EVENTING, "kn_eventing"), lines(EVENTING, "http_server")]))
@example(b'http_server_request_duration_seconds_count{a="b" 1')
@example(b"http_server_request_duration_seconds_count NaN")
@example(b'http_server_request_duration_seconds_count{http_response_status_code="teapot"} 1')
def test_any_metrics_of_knative_are_counted_or_passed_over(text: bytes) -> None:
    names = ("kn_eventing_dispatch_duration_seconds_count", "http_server_request_duration_seconds_count")
    assert all(math.isfinite(one.value) for one in samples(text.decode(errors="replace"), names))
    tally_of(text.decode(errors="replace"))


@given(broken(FINDINGS).map(json.dumps) | changed([as_json(FINDINGS)]).map(lambda said: said.decode(errors="replace")))
@example("[" * 100_000)
@example("5")
def test_whatever_istioctl_says_is_findings_or_told_to_be_none(said: str) -> None:
    with suppress(ValueError):
        [str(message).encode() for message in messages_of(said)]


@given(broken(CERTS).map(json.dumps) | changed([as_json(CERTS)]).map(lambda said: said.decode(errors="replace")))
@settings(max_examples=200)
@example("[" * 100_000)
@example('{"certificates": [5]}')
def test_whatever_envoy_says_of_its_certificates_is_an_identity_or_told_to_be_none(said: str) -> None:
    with suppress(ValueError):
        repr(parse_certs(said)).encode()


HEARD: Any = [
    {"from": "10.0.0.7", "bytes": 120, "text": ["POST /bookings", "{}"]},
    {"from": "10.0.0.8", "bytes": 517, "tls": ["TLS 1.3"]},
    {"from": "10.0.0.9", "bytes": 3, "hex": "00ff"},
    {"segments": 9, "readable": 1, "encrypted": 1},
]


@given(broken(HEARD))
@settings(max_examples=200)
@example([])
@example([[]])
@example([{"segments": float("nan"), "readable": 0, "encrypted": 0}])
def test_whatever_who_listens_prints_is_heard_or_refused(lines: Any) -> None:
    try:
        segments, readable, encrypted, heard = overheard([json.dumps(line) for line in lines])
    except ValueError:
        return
    assert min(segments, readable, encrypted) >= 0
    repr(heard).encode()
