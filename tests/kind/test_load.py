"""Loads on a real cluster: what its API refuses, what a load does there, and how it ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.traffic import Load, LoadRun, LoadStatus, Ramp, Target, start_load

pytestmark = pytest.mark.kind

TIMETABLE = Path(__file__).parents[2] / "labs/tidewater/manifests/timetable.yaml"
SAILINGS = Target("timetable", path="/sailings")


@pytest.fixture
def timetable(kube: Kube, namespace: str) -> str:
    """Float the timetable service; its namespace."""
    kube.apply(TIMETABLE, namespace=namespace)
    kube.rollout("timetable", namespace, timeout=60)
    return namespace


def resource(namespace: str, **change: Any) -> Obj:
    obj = Load("steady", SAILINGS, rate=20, duration=5).to_resource(namespace)
    spec = {**obj["spec"], **change}
    return {**obj, "spec": {key: value for key, value in spec.items() if value is not None}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"duration": None}, r"spec\.duration: Required value"),
        ({"duration": "0s"}, "the duration must be more than 0 and at most 1h, so that every load ends by itself"),
        ({"duration": "61m"}, "the duration must be more than 0 and at most 1h"),
        ({"duration": "60"}, "a duration is a number with a unit, such as 90s"),
        ({"rate": None}, r"spec\.rate: Required value"),
        ({"rate": -1}, "the rate must be more than 0 and at most 2000 requests a second"),
        ({"rate": 2001}, "the rate must be more than 0 and at most 2000"),
        ({"timeout": "2m"}, "the timeout must be more than 0 and at most 1m"),
        ({"target": {}}, r"spec\.target\.service: Required value"),
        ({"target": {"service": "http://web"}}, "must be the name of a Service in this namespace"),
        ({"target": {"service": "timetable", "path": "x"}}, "the target's path must begin with /"),
        ({"target": {"service": "timetable", "port": 0}}, "the target's port must be from 1 to 65535"),
        ({"profile": "tsunami"}, "supported values: .*steady.*ramp.*spike.*day.*trace"),
        ({"ramp": {"from": 1}}, "ramp is only for the profile ramp"),
        ({"profile": "ramp", "ramp": {"from": 21}}, "a ramp must begin from 0 to the load's rate"),
        ({"profile": "spike", "spike": {"base": 21}}, "a spike's base must be from 0 to the load's rate"),
        ({"profile": "spike", "spike": {"at": "soon"}}, "a duration is a number with a unit"),
        ({"profile": "trace"}, "the profile trace needs a trace"),
        ({"profile": "trace", "trace": [[0, 21]]}, "and a rate from 0 to the load's rate"),
    ],
    ids=str,
)
def test_the_api_refuses_a_wrong_load_in_words(kube: Kube, namespace: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(KubeError, match=words) as caught:
        kube.create(resource(namespace, **change))
    assert caught.value.status == 422


def test_the_api_refuses_a_target_that_matches_nothing(kube: Kube, namespace: str) -> None:
    with pytest.raises(KubeError, match="there is no Service harbour"):
        kube.create(resource(namespace, target={"service": "harbour"}))


def test_a_load_sends_all_it_was_asked_to_and_completes(kube: Kube, timetable: str) -> None:
    run = start_load(kube, Load("steady", SAILINGS, rate=20, duration=5), timetable)
    seconds = list(run.follow())
    status = wait_until_ended(kube, run)

    assert [second.t for second in seconds] == list(range(len(seconds)))
    assert sum(second.sent for second in seconds) == 100
    again = run.summary()  # the log can be read again
    assert (again.status, again.sent) == ({"200": 100}, 100)
    assert sum(second.failed for second in seconds) == 0
    assert (status.phase, status.sent, status.failed) == ("Completed", 100, 0)


def test_a_profile_reaches_the_cluster(kube: Kube, timetable: str) -> None:
    run = start_load(kube, Load("rising", SAILINGS, rate=20, duration=6, profile=Ramp()), timetable)
    seconds = list(run.follow())

    assert sum(second.sent for second in seconds) == 60
    assert seconds[4].sent > 2 * seconds[1].sent


def test_a_load_ends_within_two_seconds_when_asked_to_stop(kube: Kube, timetable: str) -> None:
    run = start_load(kube, Load("steady", SAILINGS, rate=20, duration=600), timetable)
    next(run.follow())
    asked = time.monotonic()
    run.stop()
    took = time.monotonic() - asked

    assert took < 2
    assert run.status().phase == "Stopped"
    assert run.status().sent == run.summary().sent > 0


def test_a_deleted_load_takes_its_pod_with_it(kube: Kube, timetable: str) -> None:
    run = start_load(kube, Load("steady", SAILINGS, rate=5, duration=600), timetable)
    next(run.follow())
    pod = kube.get("Load", run.name, timetable)["status"]["pod"]
    kube.delete(kube.get("Load", run.name, timetable), namespace=timetable, wait=10)

    kube.wait_for("Pod", pod, timetable, lambda obj: obj is None, timeout=15, waiting_for="the load's pod to go")


def test_kubectl_get_loads_reads_well(kube: Kube, timetable: str) -> None:
    run = start_load(kube, Load("steady", SAILINGS, rate=20, duration=2), timetable)
    wait_until_ended(kube, run)
    table = kube.connection.call(
        "GET",
        f"/apis/wavetank.dev/v1alpha1/namespaces/{timetable}/loads",
        accept="application/json;as=Table;v=v1;g=meta.k8s.io",
    )
    columns = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]

    assert columns == ["Name", "Target", "Profile", "Rate", "Duration", "Phase", "Sent", "Failed", "Age"]
    assert table["rows"][0]["cells"][:8] == ["steady", "timetable", "steady", 20, "2s", "Completed", 40, 0]


def wait_until_ended(kube: Kube, run: LoadRun) -> LoadStatus:
    ended = kube.wait_for(
        "Load",
        run.name,
        run.namespace,
        lambda load: load is not None and LoadStatus.from_resource(load).ended,
        timeout=30,
        waiting_for="the load to end",
    )
    return LoadStatus.from_resource(ended)
