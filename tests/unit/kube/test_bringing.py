"""What a cluster lacks is brought by who has made the cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import pod

from wavetank.errors import WavetankError
from wavetank.kube import Kube
from wavetank.kube.bringing import bring, is_adopted
from wavetank.kube.mark import Mark, write_mark
from wavetank.observe import scrape
from wavetank.observe.cost import cost
from wavetank.observe.reasons import reasons
from wavetank.observe.serverless import look, watch_events
from wavetank.observe.traces import Query, find_traces

LIB = Path(__file__).parents[3] / "lib/wavetank"
LACKING: dict[str, tuple[str, Callable[[Kube], object]]] = {
    "metrics": ("03-service-mesh", lambda kube: cost(kube, "harbour")),
    "traces": ("03-service-mesh", lambda kube: find_traces(kube, Query("web"))),
    "functions": ("04-serverless", lambda kube: look(kube, "harbour", "tides")),
    "events": ("04-serverless", lambda kube: watch_events(kube, "harbour", "sales").look()),
}
"""What there is to ask for, the lab whose addons bring it, and who asks for it."""


@pytest.fixture(autouse=True)
def _harbour(api: ApiServer, namespace: str) -> None:
    api.put({**pod("web-1"), "metadata": {"name": "web-1", "namespace": namespace}})
    api.resources = [resource for resource in api.resources if resource.kind != "PodMetrics"]


def hint_of(ask: Callable[[Kube], object], kube: Kube) -> str:
    with pytest.raises(WavetankError) as caught:
        ask(kube)
    assert "wavetank up" not in caught.value.help.command
    return caught.value.help.hint


@pytest.mark.parametrize("missed", LACKING)
def test_up_brings_what_is_missed_into_a_cluster_that_it_has_made(kube: Kube, missed: str) -> None:
    write_mark(kube.connection, Mark("basin", "up"))
    lab, ask = LACKING[missed]
    assert hint_of(ask, kube) == f"wavetank up --for {lab}"


@pytest.mark.parametrize("missed", LACKING)
def test_on_an_adopted_cluster_nobody_is_sent_to_make_another_one(kube: Kube, missed: str) -> None:
    write_mark(kube.connection, Mark("theirs", "adopt"))
    _, ask = LACKING[missed]
    assert re.fullmatch(r"install .+ in this cluster \(it was adopted: .*\)", hint_of(ask, kube))


def test_a_mesh_that_is_not_there_is_told_by_whose_the_cluster_is(kube: Kube) -> None:
    write_mark(kube.connection, Mark("basin", "up"))
    (reason,) = reasons(scrape.look(kube, "harbour"))
    assert reason.command == "wavetank up --for 03-service-mesh"
    write_mark(kube.connection, Mark("theirs", "adopt"))
    (reason,) = reasons(scrape.look(kube, "harbour"))
    assert "it was adopted" in reason.words
    assert reason.command == ""


def test_who_may_not_read_the_mark_is_told_what_holds_for_most(api: ApiServer, kube: Kube) -> None:
    write_mark(kube.connection, Mark("theirs", "adopt"))
    assert is_adopted(kube.connection)
    api.forbid = lambda path: "wavetank-cluster" in path
    assert bring(kube.connection, "Istio") == "wavetank up"


def test_whoever_is_at_a_cluster_says_it_by_this_one_way() -> None:
    packages = ("observe", "traffic", "faults", "operator", "netlayer", "lesson", "widgets")
    files = [file for package in packages for file in (LIB / package).rglob("*.py")] + [LIB / "waves.py"]
    told = re.compile(r"""(hint|command)=f?["'].*wavetank up""")
    assert [str(file) for file in files if told.search(file.read_text(encoding="utf-8"))] == []
