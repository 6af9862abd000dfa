"""Measuring cold starts of a service that wakes up step by step, through a gateway."""

from __future__ import annotations

import threading

import pytest
from tests.support.knative import NAMESPACE, Knative, pod
from tests.support.waiting import eventually

from wavetank.errors import InputError, KubeError, WaitTimeoutError
from wavetank.observe.serverless import ColdStart, measuring
from wavetank.observe.serverless.measuring import measure, samples

SLACK = 0.15


def fits(start: ColdStart, steps: tuple[float, ...]) -> bool:
    """Tell whether each part is as long as its step, and not much longer."""
    return all(
        step <= part + 0.01 and part < step + SLACK for part, step in zip(start.parts.values(), steps, strict=True)
    )


def test_each_part_is_as_long_as_its_step(knative: Knative) -> None:
    knative.serve(pods=0)
    knative.steps = (0.1, 0.2, 0.3, 0.25)
    start = measure(knative.kube, NAMESPACE, "tides", knative.gateway, "/today")
    assert fits(start, knative.steps), start
    assert start.disagreement < 0.1
    assert start.process is None
    assert knative.asked == [("tides.tidewater.example.com", "/today")]


def test_the_applications_own_clock_is_taken_up(knative: Knative) -> None:
    knative.serve(pods=0)
    knative.timing = 'request;desc="1", age;dur=180.5, handle;dur=0'
    start = measure(knative.kube, NAMESPACE, "tides", knative.gateway)
    assert start.process == 0.1805
    assert start.disagreement < 0.1


def test_it_waits_until_the_service_is_at_zero(knative: Knative) -> None:
    knative.serve(pods=1)
    measured: list[ColdStart] = []
    thread = threading.Thread(
        target=lambda: measured.append(measure(knative.kube, NAMESPACE, "tides", knative.gateway))
    )
    thread.start()
    eventually(lambda: any("watch=true" in path for _, path in knative.api.requests), "the watch for its end")
    assert knative.asked == []
    knative.to_zero()
    thread.join(10)
    assert len(measured) == 1


def test_a_pod_that_is_leaving_does_not_count_and_one_beside_it_does(
    knative: Knative, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_ASLEEP_WITHIN", 0.3)
    knative.serve(pods=2)
    first = pod("tides-00001-deployment-0", "tides-00001")
    knative.put({**first, "metadata": {**first["metadata"], "deletionTimestamp": "2026-11-27T12:00:00Z"}})
    with pytest.raises(WaitTimeoutError) as error:
        measure(knative.kube, NAMESPACE, "tides", knative.gateway)
    assert error.value.help.observed == "tides-00001-deployment-1 still there"


def test_a_service_that_does_not_get_to_zero_is_an_error(knative: Knative, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_ASLEEP_WITHIN", 0.3)
    knative.serve(pods=1)
    with pytest.raises(WaitTimeoutError, match="tides to be at zero") as error:
        measure(knative.kube, NAMESPACE, "tides", knative.gateway)
    assert error.value.help.observed == "tides-00001-deployment-0 still there"
    assert "min-scale" in error.value.help.hint
    assert knative.asked == []


def test_an_answer_that_no_new_pod_gave_is_no_cold_start(knative: Knative, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_NEWS_WITHIN", 0.3)
    knative.serve(pods=0)
    monkeypatch.setattr(knative, "wake", lambda host: None)
    with pytest.raises(KubeError, match="no new pod of tides was seen to answer"):
        measure(knative.kube, NAMESPACE, "tides", knative.gateway)


def test_an_answer_of_a_pod_on_its_way_out_is_no_cold_start_and_another_is_measured(
    knative: Knative, monkeypatch: pytest.MonkeyPatch
) -> None:
    knative.serve(pods=0)
    wake, ages = knative.wake, iter((28_000.0, 150.0))

    def wake_then_end(host: str) -> None:
        wake(host)
        knative.timing = f'request;desc="1", age;dur={next(ages)}, handle;dur=0'
        if len(knative.asked) == 1:
            threading.Timer(0.3, knative.to_zero).start()

    monkeypatch.setattr(knative, "wake", wake_then_end)
    start = measure(knative.kube, NAMESPACE, "tides", knative.gateway)
    assert start.process == 0.15
    assert len(knative.asked) == 2


def test_an_answer_that_is_a_failure_is_no_cold_start(knative: Knative) -> None:
    knative.serve(pods=0)
    knative.status = 503
    with pytest.raises(KubeError, match="tides answered 503"):
        measure(knative.kube, NAMESPACE, "tides", knative.gateway)


def test_a_gateway_that_is_not_there_is_named(knative: Knative) -> None:
    knative.serve(pods=0)
    with pytest.raises(KubeError, match="gave no answer through the gateway") as error:
        measure(knative.kube, NAMESPACE, "tides", "http://127.0.0.1:1")
    assert (
        error.value.help.command == "curl --noproxy '*' -i -H 'Host: tides.tidewater.example.com' http://127.0.0.1:1/"
    )


def test_several_are_measured_one_after_the_other_each_from_zero(knative: Knative) -> None:
    knative.serve(pods=0)
    knative.steps, told = (0.01, 0.01, 0.01, 0.01), []

    def after_each(starts: object) -> None:
        told.append(repr(starts).splitlines()[0])
        knative.to_zero()

    starts = samples(knative.kube, NAMESPACE, "tides", knative.gateway, count=3, report=after_each)
    assert len(starts.starts) == 3
    assert told == ["1 cold start of tides", "2 cold starts of tides", "3 cold starts of tides"]


def test_measuring_can_be_stopped_and_keeps_what_it_has(knative: Knative) -> None:
    knative.serve(pods=0)
    stop = threading.Event()
    starts = samples(knative.kube, NAMESPACE, "tides", knative.gateway, count=5, report=lambda _: stop.set(), stop=stop)
    assert len(starts.starts) == 1


@pytest.mark.parametrize("count", [0, 101])
def test_a_number_out_of_bounds_is_refused_before_anything_is_asked(knative: Knative, count: int) -> None:
    with pytest.raises(InputError, match="cannot be measured"):
        samples(knative.kube, NAMESPACE, "tides", knative.gateway, count=count)


def test_a_pod_of_another_service_is_none_of_its(knative: Knative) -> None:
    knative.serve(pods=0)
    knative.put(pod("other", "passes-00001"))
    assert measure(knative.kube, NAMESPACE, "tides", knative.gateway).whole > 0
