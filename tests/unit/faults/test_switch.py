"""What is said to a fault switch, and that Tidewater's own switch understands it."""

from __future__ import annotations

import pytest
from tests.support.pond import tidewater
from tests.support.tidewater import TIDEWATER, Running, running

from wavetank.faults import CATALOGUE, Fault
from wavetank.faults.switch import PORT, SWITCHED, label_selector, order, restarts, switch_target
from wavetank.faults.switch import running as running_pods
from wavetank.kube import Obj


@pytest.fixture(scope="module")
def payment() -> Obj:
    with running("payment") as service:
        yield service


def fault(kind: str, **parameters: float) -> Fault:
    spec = {"kind": kind, "target": {"deployment": "payment"}, "duration": "30s", "parameters": parameters}
    return Fault.from_spec("trouble", spec)


@pytest.mark.parametrize("kind", sorted(SWITCHED.keys() - {"container-crash"}))
def test_tidewater_takes_the_order_whole(kind: str, payment: Running) -> None:
    most = {one.name: one.least for one in CATALOGUE[kind].parameters}
    answer = payment.switch("POST", "/faults", order(fault(kind, **most), "a-fault", 20))
    assert answer.status == 201, answer.text
    (on,) = payment.switch("GET", "/faults").json["faults"]
    assert (on["id"], on["kind"]) == ("a-fault", kind)
    assert 19 < on["seconds_left"] <= 20
    assert len(on) - 3 == len(CATALOGUE[kind].parameters) - 1, "all but pods, which is not the pod's business"
    assert payment.switch("DELETE", "/faults/a-fault").status == 200


def test_a_crash_ends_the_process_with_an_error() -> None:
    with running("payment") as service:
        assert service.switch("POST", "/faults", order(fault("container-crash"), "a-fault", 20)).status == 201
        assert service.process.wait(5) != 0


def test_names_are_those_of_the_application() -> None:
    told = order(fault("memory-leak", mibPerSecond=4), "a-fault", 12.34)
    assert told == {"id": "a-fault", "kind": "memory-leak", "seconds": 12.3, "mib_per_second": 4, "limit_mib": 256}


def test_the_switch_is_at_the_port_where_tidewater_has_it() -> None:
    assert switch_target({"metadata": {"name": "web-1"}}) == f"pod:web-1:{PORT}"
    assert f'PORT = "{PORT}"' in (TIDEWATER / "shared" / "faultlistener.py").read_text()


@pytest.mark.parametrize("kind", sorted(SWITCHED))
def test_tidewater_s_own_bounds_are_those_of_the_resource(kind: str) -> None:
    parameters = [one for one in CATALOGUE[kind].parameters if one.name != "pods"]
    bounds = [(one.least, one.most, one.whole) for one in parameters]
    assert [(one.least, one.most, one.whole) for one in tidewater.KINDS[SWITCHED[kind]].values()] == bounds


def test_only_pods_with_a_process_to_talk_to_count_as_running() -> None:
    pods = [
        {"metadata": {"name": "b"}, "status": {"phase": "Running"}},
        {"metadata": {"name": "a"}, "status": {"phase": "Running"}},
        {"metadata": {"name": "new"}},
        {"metadata": {"name": "done"}, "status": {"phase": "Succeeded"}},
        {"metadata": {"name": "leaving", "deletionTimestamp": "now"}, "status": {"phase": "Running"}},
    ]
    assert [pod["metadata"]["name"] for pod in running_pods(pods)] == ["a", "b"]


def test_restarts_of_all_containers_count_or_those_of_one() -> None:
    statuses = [{"name": "web", "restartCount": 2}, {"name": "logger", "restartCount": 1}, {"name": "new"}]
    pod = {"status": {"containerStatuses": statuses}}
    assert (restarts(pod), restarts(pod, "web"), restarts(pod, "gone")) == (3, 2, 0)
    assert restarts({}) == 0


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({"app": "web", "tier": "front"}, "app=web,tier=front"),
        ({"matchLabels": {"app": "web"}}, "app=web"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "tier", "operator": "NotIn", "values": ["c"]},
                    {"key": "x", "operator": "Exists"},
                    {"key": "y", "operator": "DoesNotExist"},
                ],
            },
            "app=web,tier in (a,b),tier notin (c),x,!y",
        ),
    ],
)
def test_selectors_become_one_query(selector: Obj, query: str) -> None:
    assert label_selector(selector) == query
