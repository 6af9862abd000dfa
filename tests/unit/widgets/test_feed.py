"""A feed keeps a picture up to date, says when the API server is away, and leaves no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.moving import NAMESPACE, MovingCluster
from tests.support.waiting import eventually

from wavetank.widgets.feed import Feed, Watched, look
from wavetank.widgets.models.change import Change
from wavetank.widgets.models.cluster import ClusterPicture, after

WATCHED = (Watched("Node"), Watched("Pod", NAMESPACE))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path, startup=0.1) as cluster:
        cluster.deploy("web", 2)
        yield cluster


@pytest.fixture
def feed(cluster: MovingCluster) -> Iterator[Feed[ClusterPicture]]:
    feed = Feed(cluster.kube, WATCHED, ClusterPicture(), after, lambda: None)
    yield feed
    feed.close()


def summary(feed: Feed[ClusterPicture]) -> str:
    return feed.picture.summary()


def test_one_look_needs_no_thread(cluster: MovingCluster) -> None:
    before = threading.active_count()
    picture = look(cluster.kube, WATCHED, ClusterPicture(), after)
    assert picture.summary() == "3 of 3 nodes ready, 2 of 2 pods ready"
    assert threading.active_count() <= before + 1  # the server's own, for our connection


def test_it_follows_what_changes(cluster: MovingCluster, feed: Feed[ClusterPicture]) -> None:
    feed.start()
    eventually(lambda: summary(feed) == "3 of 3 nodes ready, 2 of 2 pods ready", "the first picture")
    assert feed.picture.happenings == ()
    gone = cluster.kill("web")
    eventually(lambda: any(f"{gone} is gone" == h.words for h in feed.picture.happenings), "the killed pod")
    eventually(lambda: summary(feed).endswith("2 of 2 pods ready"), "its replacement")


def test_an_outage_is_told_and_what_was_missed_is_caught_up(cluster: MovingCluster, feed: Feed[ClusterPicture]) -> None:
    feed.start()
    eventually(lambda: summary(feed).endswith("2 of 2 pods ready"), "the first picture")
    assert feed.lost_for() is None
    cluster.api.stop()
    eventually(lambda: feed.lost_for() is not None, "the outage to be noticed", within=5)
    missed = cluster.pods("web")[0]
    cluster.api.delete("Pod", missed, NAMESPACE)
    cluster.api.start()
    eventually(lambda: feed.lost_for() is None, "the server to be back", within=5)
    eventually(lambda: summary(feed).endswith("1 of 1 pods ready"), "the picture to be caught up", within=10)
    assert f"{missed} is gone" in [happening.words for happening in feed.picture.happenings]


def test_what_the_reducer_raises_is_told_and_gone_when_it_can_go_on(cluster: MovingCluster) -> None:
    broken = threading.Event()

    def reduce(picture: ClusterPicture, change: Change) -> ClusterPicture:
        if broken.is_set() and change.kind == "Pod":
            raise KeyError("containerStatuses")
        return after(picture, change)

    touched = threading.Event()
    feed = Feed(cluster.kube, WATCHED, ClusterPicture(), reduce, touched.set)
    feed.start()
    try:
        eventually(lambda: summary(feed).endswith("2 of 2 pods ready"), "the first picture")
        broken.set()
        touched.clear()
        cluster.kill("web")
        assert touched.wait(5)
        with pytest.raises(KeyError, match="containerStatuses"):
            assert feed.picture
        broken.clear()
        eventually(lambda: not feed._failed, "the feed to recover", within=5)
        eventually(lambda: summary(feed).endswith("2 of 2 pods ready"), "the replaced pod", within=5)
        assert all(thread.is_alive() for thread in feed._threads)
    finally:
        feed.close()


def test_closing_it_ends_its_threads(feed: Feed[ClusterPicture]) -> None:
    feed.start()
    eventually(lambda: feed.picture.nodes, "the first picture")
    threads = list(feed._threads)
    feed.close()
    eventually(lambda: not any(thread.is_alive() for thread in threads), "the threads to end", within=3)
