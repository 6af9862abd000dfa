"""What sidecars cost, beside what the applications take themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer

from wavetank.errors import NotSupportedError, WaitTimeoutError
from wavetank.kube import Kube, Obj
from wavetank.observe import cost as costs
from wavetank.observe.cost import compare_loads, cost
from wavetank.traffic import Summary

NAMESPACE = "mesh"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(costs, "_READING_WITHIN", 0.3)
    monkeypatch.setattr(costs, "_PAUSE", 0.05)
    with ApiServer() as api:
        yield api


def put_pod(api: ApiServer, name: str, app: str, sidecar: bool = True) -> None:
    containers = [{"name": app}, *([{"name": "istio-proxy"}] if sidecar else [])]
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": app}}
    spec, status = {"containers": containers}, {"phase": "Running"}
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})


def put_reading(api: ApiServer, name: str, **usage: tuple[str, str]) -> None:
    containers = [
        {"name": container.replace("_", "-"), "usage": {"cpu": cpu, "memory": memory}}
        for container, (cpu, memory) in usage.items()
    ]
    metadata = {"name": name, "namespace": NAMESPACE}
    reading: Obj = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": metadata}
    api.put({**reading, "containers": containers})


def kube_of(api: ApiServer, folder: Path) -> Kube:
    return Kube.connect(api.kubeconfig(folder))


def test_proxies_and_applications_are_added_up_by_workload(api: ApiServer, tmp_path: Path) -> None:
    for name, app in (("web-1", "web"), ("web-2", "web"), ("booking-1", "booking")):
        put_pod(api, name, app)
        put_reading(api, name, **{app: ("2464179n", "13312Ki"), "istio_proxy": ("5m", "34Mi")})
    put_pod(api, "stranger-1", "stranger", sidecar=False)
    put_reading(api, "stranger-1", stranger=("0", "1Mi"))
    told = cost(kube_of(api, tmp_path), NAMESPACE)
    assert (told.proxies.cpu, told.proxies.memory) == (pytest.approx(15), 102)
    assert repr(told).splitlines() == [
        "workload  pods  proxies mCPU  applications mCPU  proxies MiB  applications MiB",
        "booking      1             5                  2           34                13",
        "stranger     1             0                  0            0                 1",
        "web          2            10                  5           68                26",
        "together     4            15                  7          102                40",
    ]


def test_a_pod_nobody_has_read_yet_is_waited_for_and_named(api: ApiServer, tmp_path: Path) -> None:
    put_pod(api, "web-1", "web")
    with pytest.raises(WaitTimeoutError) as caught:
        cost(kube_of(api, tmp_path), NAMESPACE)
    assert caught.value.help.observed == "no reading of web-1"
    put_reading(api, "web-1", web=("1m", "1Mi"))
    assert cost(kube_of(api, tmp_path), NAMESPACE).applications.cpu == pytest.approx(1)


def test_without_a_metrics_server_it_is_said_how_to_get_one(api: ApiServer, tmp_path: Path) -> None:
    put_pod(api, "web-1", "web")
    api.resources = [resource for resource in api.resources if resource.kind != "PodMetrics"]
    with pytest.raises(NotSupportedError) as caught:
        cost(kube_of(api, tmp_path), NAMESPACE)
    assert caught.value.help.hint.startswith("wavetank up --for")


def summary(*milliseconds: float, failed: int = 0) -> Summary:
    told = Summary(sent=len(milliseconds))
    told.status.update({"200": len(milliseconds) - failed, "503": failed})
    for one in milliseconds:
        told.latencies.record(one / 1000)
    return told


def test_two_runs_of_a_load_are_laid_beside_each_other() -> None:
    assert compare_loads(summary(*[10.0] * 9, 20.0), summary(*[14.0] * 9, 30.0, failed=1)).splitlines() == [
        "               without mesh  with mesh  added",
        "requests sent            10         10",
        "failed                 0.0%      10.0%",
        "p50 ms                 10.0       14.0   +4.0",
        "p95 ms                 20.0       30.0  +10.0",
        "p99 ms                 20.0       30.0  +10.0",
    ]


def test_a_run_without_answers_has_nothing_to_compare() -> None:
    assert compare_loads(summary(), summary(5.0)).splitlines()[3] == "p50 ms                    -        5.0      -"
