"""Certificates: who is who, for how long, and who speaks to whom - on the page and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.seen import press, seen
from tests.support.sidecars import NAMESPACE, certificate, certs, put_pod
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.observe.identity import parse_certs
from wavetank.widgets import Certificates
from wavetank.widgets.models.certificates import expires
from wavetank.widgets.models.tone import Tone

WEB = "spiffe://cluster.local/ns/lab-03/sa/web"
TALKS = [("web", "timetable", True), ("booking", "payment", None), ("rogue", "payment", False)]


@dataclass(frozen=True)
class Lab:
    kube: Kube
    namespace: str = NAMESPACE


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        put_pod(api, "web-5c7d9f8b6f-abcde", certs(certificate(WEB, age=timedelta(hours=1))))
        put_pod(api, "web-5c7d9f8b6f-fghij", certs(certificate(WEB)))
        put_pod(api, "rogue", None)
        yield api


@pytest.fixture
def lab(api: ApiServer, tmp_path: Path) -> Lab:
    return Lab(Kube.connect(api.kubeconfig(tmp_path)))


@pytest.fixture
def view(lab: Lab) -> Iterator[Certificates]:
    view = Certificates(lab, lambda: TALKS)
    yield view
    view.close()


def test_the_text_is_the_same_whatever_the_pods_are_called(view: Certificates) -> None:
    assert repr(view).splitlines() == [
        "2 of 3 pods have a certificate",
        f"  {WEB}: 2 pods",
        "  the pod has no sidecar: 1 pod",
        "  booking to payment: not known",
        "  rogue to payment: in the open",
        "  web to timetable: mutual TLS",
    ]


def test_the_page_says_who_by_whom_and_for_how_long(view: Certificates) -> None:
    view.start()
    eventually(lambda: "2 of 3 pods have a certificate" in seen(view), "the first look")
    words = seen(view)
    assert f"web-5c7d9f8b6f-abcde {WEB} root 5e01882f, until 2035-12-30 in 22 h 59 min" in words
    assert "rogue pod rogue has no sidecar - -" in words
    assert "web timetable mutual TLS" in words
    assert "rogue payment in the open" in words


def test_without_anybody_to_tell_of_there_is_no_table_of_talks(lab: Lab) -> None:
    view = Certificates(lab)
    view.start()
    eventually(lambda: "2 of 3 pods" in seen(view), "the first look")
    assert "Who has spoken" not in seen(view)
    view.close()


def test_what_has_changed_is_read_again_on_demand(view: Certificates, api: ApiServer) -> None:
    view.start()
    eventually(lambda: "2 of 3 pods" in seen(view), "the first look")
    put_pod(api, "rogue", certs(certificate("spiffe://cluster.local/ns/lab-03/sa/rogue")))
    press(view, "Read again")
    eventually(lambda: "3 of 3 pods have a certificate" in seen(view), "the second look")


def test_a_view_that_is_displayed_reads_once(view: Certificates, api: ApiServer) -> None:
    view._repr_mimebundle_()
    eventually(lambda: "2 of 3 pods" in seen(view), "the page")
    assert sum("/exec" in path for _, path in api.requests) == 2


def test_a_cluster_that_is_away_is_said_and_comes_back(view: Certificates, api: ApiServer) -> None:
    api.stop()
    assert "does not answer" in view._repr_mimebundle_()["text/plain"]
    eventually(lambda: "does not answer" in seen(view), "the complaint")
    api.start()
    eventually(lambda: not view._again.disabled, "the button")
    press(view, "Read again")
    eventually(lambda: "2 of 3 pods" in seen(view), "the first look")
    assert "does not answer" not in seen(view)


@pytest.mark.parametrize(
    ("left", "tone", "words"),
    [
        (timedelta(days=89, hours=3), Tone.GOOD, "in 89 d 3 h"),
        (timedelta(hours=22, minutes=7), Tone.GOOD, "in 22 h 7 min"),
        (timedelta(minutes=9), Tone.WARN, "in 9 min"),
        (timedelta(seconds=40), Tone.WARN, "in 40 s"),
        (timedelta(minutes=-3), Tone.BAD, "expired 3 min ago"),
    ],
)
def test_the_time_left_is_told_in_words(left: timedelta, tone: Tone, words: str) -> None:
    identity = parse_certs(certs(certificate(WEB)))
    assert identity is not None
    assert expires(identity, identity.valid_until - left) == (tone, words)
    assert identity.valid_until > datetime.now(UTC)
