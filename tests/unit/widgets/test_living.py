"""Views that live long: a reducer that fails is told and comes back, and a cell that is run again leaves no thread."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.moving import MovingCluster
from tests.support.seen import seen
from tests.support.waiting import eventually

from wavetank.lesson import LabSession
from wavetank.widgets import AutoscaleView, ClusterView, FaultPanel, LoadPanel, RolloutView, view
from wavetank.widgets.feed import Feed
from wavetank.widgets.view import LiveView

FOLLOWING: dict[str, Callable[[LabSession], LiveView]] = {
    "AutoscaleView": AutoscaleView,
    "ClusterView": ClusterView,
    "FaultPanel": FaultPanel,
    "LoadPanel": LoadPanel,
    "RolloutView": lambda lab: RolloutView(lab, "web"),
}
RUNS = 100


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path, startup=0.1) as cluster:
        cluster.deploy("web", 2)
        yield cluster


def feed_of(shown: Any) -> Feed[Any]:
    found = shown.desk._feed if isinstance(shown, LoadPanel) else shown._feed
    assert isinstance(found, Feed)
    return found


def test_every_view_that_follows_a_feed_is_tried() -> None:
    package = Path(view.__file__).parent
    found = {file.stem for file in package.glob("*.py") if re.search(r"following\((Feed|LoadDesk)\(", file.read_text())}
    assert found == {"autoscale", "cluster", "faults", "load", "rollout", "shift"}
    assert len(FOLLOWING) == len(found) - 1, "all but TrafficShift, which needs Istio's kind"


@pytest.mark.parametrize("name", sorted(FOLLOWING))
def test_a_reducer_that_fails_is_told_on_the_page_and_the_view_comes_back(name: str, cluster: MovingCluster) -> None:
    shown = FOLLOWING[name](cluster.open_lab())
    feed, broken = feed_of(shown), threading.Event()
    reduce = feed._after

    def fail_meanwhile(picture: Any, change: Any) -> Any:
        if broken.is_set():
            raise KeyError("spec <b>")
        return reduce(picture, change)

    feed._after = fail_meanwhile
    broken.set()
    shown.start()
    try:
        eventually(lambda: "could not be drawn: KeyError: 'spec <b>'" in seen(shown), "the notice")
        broken.clear()
        eventually(lambda: "could not be drawn" not in seen(shown), "the view to come back", within=10)
    finally:
        shown.close()


def test_a_cell_that_is_run_a_hundred_times_leaves_as_many_threads_as_one_run(
    cluster: MovingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_cell", lambda: "the same cell")
    lab = cluster.open_lab()

    def ours() -> int:  # the API server's own, one for each connection, are not the view's
        return sum("process_request_thread" not in thread.name for thread in threading.enumerate())

    last = ClusterView(lab)
    last._repr_mimebundle_()
    eventually(lambda: "2 of 2 pods ready" in seen(last), "the first picture")
    once = ours()
    for _ in range(RUNS - 1):
        last = ClusterView(lab)
        last._repr_mimebundle_()
    eventually(lambda: ours() <= once, f"no more than {once} threads after {RUNS} runs", within=30)
    eventually(lambda: "2 of 2 pods ready" in seen(last), "the last one to live")
    last.close()
    eventually(lambda: ours() < once, "its threads to end")
