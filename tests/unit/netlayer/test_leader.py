"""One Lease, one holder: who has it keeps it, who releases it or falls silent loses it, and never do two have it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.support.apiserver import ApiServer
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.netlayer import leader
from wavetank.netlayer.leader import LEASE, LeadershipLostError, Lease


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "_RENEW_EVERY", 0.05)
    monkeypatch.setattr(leader, "_DURATION", 3)
    monkeypatch.setattr(leader, "_GIVE_UP_AFTER", 1.5)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def lease(kube: Kube, identity: str) -> Lease:
    return Lease(kube, "default", "tides", identity)


def holder(kube: Kube) -> str:
    return str(kube.get(LEASE, "tides", "default")["spec"]["holderIdentity"])


def waiting(other: Lease, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=other.acquire, args=(stop,), daemon=True)
    thread.start()
    return thread


def test_the_first_gets_it_and_may_go_on_after_a_restart(kube: Kube, stop: threading.Event) -> None:
    assert lease(kube, "a").acquire(stop)
    assert lease(kube, "a").acquire(stop)
    assert holder(kube) == "a"


def test_the_second_waits_while_the_first_renews_and_begins_as_soon_as_it_is_released(
    kube: Kube, stop: threading.Event
) -> None:
    first, ended = lease(kube, "a"), threading.Event()
    assert first.acquire(stop)
    renewing = threading.Thread(target=first.keep, args=(ended,), daemon=True)
    renewing.start()
    second = waiting(lease(kube, "b"), stop)
    second.join(4)  # longer than the Lease lasts without being renewed
    assert second.is_alive()
    ended.set()
    renewing.join(5)
    first.release()
    second.join(2)
    assert not second.is_alive()
    assert holder(kube) == "b"


def test_a_holder_that_is_silent_for_the_whole_duration_loses_it(kube: Kube, stop: threading.Event) -> None:
    first = lease(kube, "a")
    assert first.acquire(stop)
    assert lease(kube, "b").acquire(stop)
    with pytest.raises(LeadershipLostError, match="held by b"):
        first.keep(stop)
    first.release()
    assert holder(kube) == "b", "what is somebody else's is not released"


def test_a_holder_that_cannot_renew_stops_before_anybody_else_begins(
    kube: Kube, api: ApiServer, stop: threading.Event
) -> None:
    first, lost = lease(kube, "a"), threading.Event()
    assert first.acquire(stop)

    def keep() -> None:
        with pytest.raises(LeadershipLostError, match="could not be renewed"):
            first.keep(stop)
        lost.set()

    threading.Thread(target=keep, daemon=True).start()
    api.stop()
    assert lost.wait(5)
    api.start()
    assert lease(kube, "b").acquire(stop)


def test_of_two_who_grasp_at_the_same_moment_one_gets_it(kube: Kube, api: ApiServer, stop: threading.Event) -> None:
    grasped: list[str] = []

    def grasp(name: str) -> None:
        if lease(kube, name).acquire(stop):
            grasped.append(name)

    threads = [threading.Thread(target=grasp, args=(name,), daemon=True) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    eventually(lambda: grasped, "one to have it")
    threads[0].join(0.3)
    assert grasped == [holder(kube)]
