"""Why there is no trace: the first thing on a span's way that does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from wavetank.observe.traces import Stats
from wavetank.observe.traces.why import explain

SOME = Stats(received=40, spans=40, traces=5)


def pod(*containers: str, native: bool = False) -> dict[str, Any]:
    named = [{"name": name} for name in containers]
    sidecar = {"initContainers": [{"name": "istio-init"}, {"name": "istio-proxy"}]} if native else {}
    return {"metadata": {"labels": {"app": "payment"}}, "spec": {"containers": named, **sidecar}}


def telemetry(percentage: float | None, namespace: str = "tidewater", app: str = "", **more: object) -> dict[str, Any]:
    tracing = {**({} if percentage is None else {"randomSamplingPercentage": percentage}), **more}
    selector = {"selector": {"matchLabels": {"app": app}}} if app else {}
    return {"metadata": {"namespace": namespace}, "spec": {**selector, "tracing": [tracing]}}


IN_MESH = [pod("payment", "istio-proxy")]
ALL = [telemetry(100)]


def observed(*, pods: Any = IN_MESH, telemetries: Any = ALL, stats: Stats = SOME) -> str:
    return explain("payment", "tidewater", pods, telemetries, stats).observed


def test_a_service_without_pods_has_no_requests() -> None:
    assert observed(pods=[]) == "no pod of payment is there in tidewater"


def test_a_service_without_a_sidecar_is_seen_by_nobody() -> None:
    why = explain("payment", "tidewater", [pod("payment")], ALL, SOME)
    assert why.observed == "no pod of payment has a sidecar, so no proxy sees its requests"
    assert "kubectl label namespace tidewater istio-injection=enabled" in why.hint
    assert "rollout restart deployment/payment" in why.hint


def test_a_sidecar_among_the_init_containers_is_one() -> None:
    assert "sidecar" not in observed(pods=[pod("payment", native=True)])


def test_nobody_asks_for_traces() -> None:
    nothing = {"metadata": {"namespace": "tidewater"}, "spec": {"accessLogging": [{}]}}
    for telemetries in ([], [nothing], [telemetry(100, app="web")]):
        assert observed(telemetries=telemetries) == "no Telemetry resource asks for traces of payment"


@pytest.mark.parametrize(
    "telemetries",
    [
        [telemetry(0)],
        [telemetry(None, disableSpanReporting=True)],
        [telemetry(100, "istio-system"), telemetry(0)],
        [telemetry(100), telemetry(0, app="payment")],
        [telemetry(0, "istio-system"), telemetry(None)],
    ],
)
def test_a_sampling_of_nothing_is_found_wherever_it_is_said(telemetries: list[dict[str, Any]]) -> None:
    assert observed(telemetries=telemetries) == "the sampling for payment is 0 %, so no request is traced"


@pytest.mark.parametrize(
    ("telemetries", "words"),
    [
        ([telemetry(0, "istio-system"), telemetry(100)], "send it some requests;"),
        ([telemetry(0), telemetry(20, app="payment")], "of which 20 % are traced"),
        ([telemetry(None)], "of which 1 % are traced"),
    ],
)
def test_a_sampling_of_some_is_told_with_what_to_try(telemetries: list[dict[str, Any]], words: str) -> None:
    assert words in explain("payment", "tidewater", IN_MESH, telemetries, SOME).hint


def test_a_collector_that_nobody_sends_to_is_told_with_the_address_it_should_have() -> None:
    why = explain("payment", "tidewater", IN_MESH, ALL, Stats())
    assert why.observed == "no proxy has sent a single span yet"
    assert "wavetank-traces.wavetank-system.svc.cluster.local" in why.hint


def test_a_full_collector_may_have_let_go_of_it() -> None:
    full = Stats(received=900, dropped=700, spans=200, traces=30, max_spans=200)
    assert "700 let go of" in observed(stats=full)
