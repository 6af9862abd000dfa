"""A load is played as a function's day, and what its requests took and which pods were there comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.functions import CRDS, put_function
from tests.support.moving import NAMESPACE, MovingCluster

from wavetank.errors import KubeError, NotFoundError
from wavetank.lesson.replay import replay_day
from wavetank.observe.billing import Day
from wavetank.traffic import Load, Target

DAY = Load("day", Target("tides"), rate=20, duration=3)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path) as cluster:
        for crd in CRDS:
            cluster.api.put(crd)
        yield cluster


def test_a_day_is_its_requests_its_pods_and_what_a_container_asks_for(cluster: MovingCluster) -> None:
    put_function(cluster.api, "tides", pods=2, min_scale=2)
    put_function(cluster.api, "boarding-pass", pods=1)
    said: list[str] = []
    session = cluster.open_lab(loads={"day": DAY})
    session.say = said.append
    replayed = session.replay("day", "tides")
    assert replayed.duration == 3
    assert (replayed.size.vcpu, replayed.size.gib) == (pytest.approx(0.1), pytest.approx(0.125))
    assert sum(request.count for request in replayed.requests) == 60
    assert all(0 < request.seconds < 0.1 for request in replayed.requests)
    assert [(pod.name, pod.kept, pod.ended) for pod in replayed.pods] == [
        ("tides-00001-0", 2, None),
        ("tides-00001-1", 2, None),
    ]
    assert sum(part.kept for part in Day.of(replayed).slices) == pytest.approx(2 * 86400)
    assert said[-1] == "replaying the day: 3 of 3 s, 60 requests"


def test_half_a_day_is_none(cluster: MovingCluster) -> None:
    put_function(cluster.api, "tides")
    stop = threading.Event()
    with pytest.raises(KubeError) as caught:
        replay_day(
            cluster.kube, NAMESPACE, Load("day", Target("tides"), 20, 600), "tides", say=lambda _: stop.set(), stop=stop
        )
    assert "was not replayed to its end: the load day was stopped" in str(caught.value)


def test_a_function_that_is_not_there_is_told_before_anything_is_sent(cluster: MovingCluster) -> None:
    with pytest.raises(NotFoundError, match="tides"):
        replay_day(cluster.kube, NAMESPACE, DAY, "tides")
    assert cluster.api.objects("Load", NAMESPACE) == []
