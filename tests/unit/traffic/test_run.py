"""A load followed over a real connection to an API server that goes away at times; a test plays the operator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.loads import LOAD, NAMESPACE, Operator, second, summary_line
from tests.support.waiting import eventually

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube
from wavetank.traffic import Load, LoadRun, Target, list_loads, start_load


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def kube(api: ApiServer, tmp_path: Path) -> Kube:
    return Kube.connect(api.kubeconfig(tmp_path))


@pytest.fixture
def operator(api: ApiServer) -> Operator:
    return Operator(api)


def test_a_load_is_followed_from_its_first_second_to_its_summary(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(*(second(t).to_line() for t in range(3)), summary_line(3))
    operator.end("Completed")

    assert [one.t for one in run.follow()] == [0, 1, 2]
    assert run.summary().sent == 60
    assert run.status().ended


def test_seconds_come_as_they_are_reported(kube: Kube, operator: Operator) -> None:
    following = start_load(kube, LOAD, NAMESPACE).follow()
    for t in range(3):
        operator.says(second(t).to_line())
        assert next(following).t == t


def test_another_process_can_follow_from_the_beginning(kube: Kube, operator: Operator) -> None:
    start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line(), second(1).to_line(), summary_line(2))
    operator.end("Completed")

    assert LoadRun(kube, LOAD.name, NAMESPACE).summary().sent == 40


def test_an_api_server_that_goes_away_loses_nothing_and_tells_nothing_twice(
    api: ApiServer, kube: Kube, operator: Operator
) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line(), second(1).to_line())
    troubles: list[str] = []
    seen: list[int] = []

    def follow() -> None:
        for one in run.follow(on_trouble=troubles.append):
            seen.append(one.t)

    follower = threading.Thread(target=follow)
    follower.start()
    eventually(lambda: seen == [0, 1], "the seconds before the outage")
    try:
        api.stop()
        eventually(lambda: troubles, "the follower to notice the outage")
        operator.says(second(2).to_line(), second(3).to_line(), summary_line(4))
        operator.end("Completed")
    finally:
        api.start()
    follower.join(timeout=20)

    assert seen == [0, 1, 2, 3]
    assert "does not answer" in troubles[0]
    assert troubles[-1] == ""


def test_a_stream_that_falls_silent_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch, kube: Kube, operator: Operator
) -> None:
    monkeypatch.setattr("wavetank.traffic.run._SILENT_WITHIN", 0.3)
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line())
    troubles: list[str] = []
    seen: list[int] = []

    def follow() -> None:
        for one in run.follow(on_trouble=troubles.append):
            seen.append(one.t)

    follower = threading.Thread(target=follow)
    follower.start()
    eventually(lambda: troubles and "does not answer" in troubles[0], "the follower to notice the silence")
    operator.says(second(1).to_line(), summary_line(2))
    operator.end("Completed")
    follower.join(timeout=20)

    assert seen == [0, 1]


def test_following_ends_on_request_while_the_load_goes_on(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line())
    stop = threading.Event()
    following = run.follow(stop)
    assert next(following).t == 0

    stop.set()
    assert list(following) == []
    assert run.status().phase == "Running"


def test_stop_ends_the_load_and_waits_for_its_end(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    run.stop()

    assert run.status().phase == "Stopped"
    run.stop()


def test_a_pod_that_dies_at_once_is_told_with_its_last_words(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says("Traceback (most recent call last):", "MemoryError")
    operator.end("Failed", message="the load pod ended with exit code 1")

    with pytest.raises(KubeError, match="reported nothing") as caught:
        run.summary()
    assert caught.value.help.observed == "the load pod ended with exit code 1"
    assert caught.value.help.logs[-1] == "MemoryError"


def test_a_load_that_broke_off_is_told_after_its_last_second(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line(), second(1).to_line())
    operator.end("Failed", message="its pod ended with exit code 255")

    following = run.follow()
    assert [next(following).t, next(following).t] == [0, 1]
    with pytest.raises(KubeError, match="the load steady broke off after 2 s") as caught:
        next(following)
    assert caught.value.help.observed == "its pod ended with exit code 255"


def test_a_load_that_was_stopped_before_it_told_its_sum_has_not_broken_off(kube: Kube, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.says(second(0).to_line())
    run.stop()

    assert run.summary().sent == 20


def test_a_load_the_operator_refuses_is_told_with_its_reason(kube: Kube, api: ApiServer, operator: Operator) -> None:
    run = start_load(kube, LOAD, NAMESPACE)
    operator.set_status(phase="Failed", message="there is no Service web")

    with pytest.raises(KubeError, match="did not start") as caught:
        run.summary()
    assert caught.value.help.observed == "there is no Service web"


def test_a_name_can_be_used_again_once_its_load_has_ended(kube: Kube, api: ApiServer, operator: Operator) -> None:
    first = start_load(kube, LOAD, NAMESPACE)
    with pytest.raises(InputError, match="still running"):
        start_load(kube, LOAD, NAMESPACE)
    before = api.get("Load", LOAD.name, NAMESPACE)
    first.stop()

    second_run = start_load(kube, LOAD, NAMESPACE)
    after = api.get("Load", LOAD.name, NAMESPACE)
    assert before is not None
    assert after is not None
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert second_run.status().phase == "Running"


def test_loads_are_listed_by_name(kube: Kube, api: ApiServer, operator: Operator) -> None:
    assert list_loads(kube, NAMESPACE) == []
    start_load(kube, LOAD, NAMESPACE)
    other = Load("another", Target("web"), rate=5, duration=10).to_resource("elsewhere")
    api.put(other)

    assert [(load.name, load.phase) for load in list_loads(kube, NAMESPACE)] == [("steady", "Running")]
    assert [load.name for load in list_loads(kube)] == ["another", "steady"]
