"""A mesh is looked at again and again: what is now, and what has happened since a mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.recorded import NAMESPACE
from tests.support.sea import Sea

from wavetank.observe import Mtls, mesh, watch
from wavetank.observe.topology import Topology


@pytest.fixture
def sea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sea]:
    monkeypatch.setattr(mesh, "_LEAST", 0.0)  # the recorded seconds have passed already
    with Sea(tmp_path) as sea:
        sea.show("before")
        yield sea


def requests(topology: Topology, source: str, target: str) -> int:
    edge = topology.edge(source, target)
    assert edge
    return edge.signals.requests


def test_what_happened_is_told_since_the_look_before(sea: Sea) -> None:
    watched = watch(sea.kube, NAMESPACE)
    sea.show("during")
    assert requests(watched.topology(), "load-bookers", "web") == 180


def test_a_mark_divides_what_was_from_what_is_counted(sea: Sea) -> None:
    watched = watch(sea.kube, NAMESPACE)
    sea.show("during")
    watched.mark()
    assert requests(watched.since_mark(), "web", "timetable") == 0
    sea.show("after")
    assert requests(watched.since_mark(), "web", "timetable") == 120 - 114


def test_without_a_mark_everything_counts_from_the_beginning(sea: Sea) -> None:
    watched = watch(sea.kube, NAMESPACE)
    sea.show("after")
    watched.topology()
    assert requests(watched.since_mark(), "web", "booking") == 180


def test_now_is_ten_seconds_at_most(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "WINDOW", 0.0)  # every look is too long ago, and only the last one counts
    watched = watch(sea.kube, NAMESPACE)
    sea.show("after")
    assert requests(watched.topology(), "web", "booking") == 180
    assert requests(watched.topology(), "web", "booking") == 0


def test_protection_is_remembered_while_no_connection_is_made(sea: Sea) -> None:
    """The proxy's connections since its start are mixed: only the latest tell how it is now."""
    cluster = 'cluster_name="outbound|80||payment.mesh.svc.cluster.local"'

    def say(connections: int, handshakes: int) -> None:
        told = {"upstream_cx_total": connections, "ssl_handshake": handshakes, "upstream_rq_total": 1}
        text = "".join(f"envoy_cluster_{name}{{{cluster}}} {count}\n" for name, count in told.items())
        for pod in ("booking-5897676c96-6zz4k", "booking-5897676c96-rszbs"):
            sea.say(pod, text)

    say(10, 4)
    watched = watch(sea.kube, NAMESPACE)
    assert watched.topology().edge("booking", "payment").signals.mtls is None
    say(12, 4)
    assert watched.topology().edge("booking", "payment").signals.mtls is Mtls.NO
    watched.mark()
    assert watched.since_mark().edge("booking", "payment").signals.mtls is Mtls.NO


def test_an_interval_too_short_to_tell_a_rate_is_waited_for(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "_LEAST", 0.3)
    assert watch(sea.kube, NAMESPACE).topology().seconds >= 0.3
