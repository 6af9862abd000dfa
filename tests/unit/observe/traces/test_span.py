"""What Envoy's and Istio's tags on a span mean."""

from __future__ import annotations

import pytest
from tests.support.collecting import sample_spans

from wavetank.observe.traces.flags import flag_words
from wavetank.observe.traces.span import Span


def span(kind: str = "CLIENT", **parts: object) -> Span:
    return Span("1", "2", 0, 0, kind=kind, **parts)  # type: ignore[arg-type]


def test_istios_names_are_told_apart() -> None:
    noted = sample_spans("booking")[5]
    assert (noted.app, noted.called, noted.asked, noted.status) == ("booking", "payment", "POST /payments", 201)
    assert noted.pod == "booking-7d4f8b6c59-m2v9s"


@pytest.mark.parametrize(
    ("parts", "called"),
    [
        ({"tags": {"upstream_cluster": "outbound|80||payment.lab-03.svc.cluster.local;"}}, "payment"),
        ({"tags": {"upstream_cluster": "outbound|80|v2|payment.lab-03.svc.cluster.local"}}, "payment v2"),
        ({"tags": {"upstream_cluster": "outbound|443||rates.example.org"}}, "rates.example.org"),
        ({"tags": {"upstream_cluster": "PassthroughCluster", "http.url": "http://10.1.2.3:8080/a"}}, "10.1.2.3"),
        ({"tags": {"http.url": "http://payment.lab-03.svc:80/payments"}}, "payment"),
        ({"tags": {"http.url": "http://[broken/"}, "name": "payment.lab-03.svc.cluster.local:80/*"}, "payment"),
        ({"remote": "payment"}, "payment"),
        ({}, ""),
        ({"kind": "SERVER", "tags": {"upstream_cluster": "inbound|8080||;"}}, ""),
    ],
)
def test_who_was_called_is_found_in_whatever_says_it(parts: dict[str, object], called: str) -> None:
    assert span(**parts).called == called  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "status", "failed"),
    [
        ({"http.status_code": "200"}, 200, False),
        ({"http.status_code": "404"}, 404, False),
        ({"http.status_code": "503"}, 503, True),
        ({"http.status_code": "0", "error": "true"}, None, True),
        ({"http.status_code": "²"}, None, False),
        ({}, None, False),
    ],
)
def test_a_failure_is_an_error_of_the_server_or_no_answer(
    tags: dict[str, str], status: int | None, failed: bool
) -> None:
    assert (span(tags=tags).status, span(tags=tags).failed) == (status, failed)


def test_flags_are_told_in_words_and_unknown_ones_by_themselves() -> None:
    assert span(tags={"response_flags": "-"}).flags == ()
    flags = span(tags={"response_flags": "DI,UT,NEW"}).flags
    assert flags == ("DI", "UT", "NEW")
    assert flag_words(flags) == "a delay was injected (DI), the service took longer than its time-out (UT), NEW"


def test_a_request_without_http_is_called_by_the_spans_name() -> None:
    assert span(name="sail").asked == "sail"
    assert span(tags={"http.method": "GET", "http.url": "http://web/a/b?c=d"}).asked == "GET /a/b"
