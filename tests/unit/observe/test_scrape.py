"""One look asks every proxy at once, through the API server, and names who does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.recorded import NAMESPACE, look_at, statistics
from tests.support.sea import Sea

from wavetank.errors import NotFoundError, UnreachableError
from wavetank.observe.reasons import reasons
from wavetank.observe.scrape import look
from wavetank.observe.stats import FILTER

WEB = "web-7cf7f4bd54-8nppr"


@pytest.fixture
def sea(tmp_path: Path) -> Iterator[Sea]:
    with Sea(tmp_path) as sea:
        sea.show("during")
        yield sea


def test_every_sidecar_and_gateway_is_read(sea: Sea) -> None:
    seen = look(sea.kube, NAMESPACE)
    assert {pod.name for pod in seen.roster.pods if pod.uid in seen.stats} == statistics("during").keys()
    assert (seen.silent, reasons(seen)) == ({}, [])


def test_the_roster_is_what_there_is(sea: Sea) -> None:
    told, recorded = look(sea.kube, NAMESPACE).roster, look_at("during").roster
    assert (told.services, told.subsets) == (recorded.services, recorded.subsets)
    assert {pod.name for pod in told.pods} == {pod.name for pod in recorded.pods}
    assert len(told.virtual_services) == 2


def test_envoy_is_asked_for_what_is_read_only(sea: Sea) -> None:
    look(sea.kube, NAMESPACE)
    asked = [urlsplit(path) for _, path in sea.api.requests if "15090" in path]
    assert {parse_qs(url.query, keep_blank_values=True)["filter"][0] for url in asked} == {FILTER}
    assert all("usedonly" in parse_qs(url.query, keep_blank_values=True) for url in asked)


def test_a_proxy_that_says_nothing_is_named_and_hides_nobody(sea: Sea) -> None:
    sea.silence(WEB)
    seen = look(sea.kube, NAMESPACE)
    uid = next(pod.uid for pod in seen.roster.pods if pod.name == WEB)
    assert seen.silent == {uid: "no answer within 0.8 s"}
    assert len(seen.stats) == len(statistics("during")) - 1


def test_a_proxy_that_refuses_is_named_too(sea: Sea) -> None:
    sea.say(WEB, "upstream is away", status=503)
    assert list(look(sea.kube, NAMESPACE).silent.values()) == ["upstream is away"]


def test_a_proxy_that_does_not_run_yet_is_not_asked(sea: Sea) -> None:
    sea.change(WEB, status={"phase": "Pending"})
    look(sea.kube, NAMESPACE)
    assert not [path for _, path in sea.api.requests if f"{WEB}:15090" in path]


def test_a_cluster_without_istio_is_looked_at_all_the_same(tmp_path: Path) -> None:
    with Sea(tmp_path, istio=False) as sea:
        sea.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        seen = look(sea.kube, NAMESPACE)
        assert [reason.words for reason in reasons(seen)] == ["There is no Istio in this cluster."]


def test_the_label_of_the_namespace_is_read(sea: Sea) -> None:
    assert look(sea.kube, NAMESPACE).roster.is_labelled
    labels = {"istio-injection": "disabled"}
    sea.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    assert not look(sea.kube, NAMESPACE).roster.is_labelled


def test_a_namespace_that_is_not_there_is_said(sea: Sea) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        look(sea.kube, "nowhere")


def test_an_api_server_that_is_away_is_no_silent_proxy(sea: Sea) -> None:
    sea.api.stop()
    with pytest.raises(UnreachableError):
        look(sea.kube, NAMESPACE)
