"""RevisionView: revisions and figures as they change, cold starts measured by a button, without a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.knative import NAMESPACE, Knative, autoscaler, pod, revision, route, service
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.observe.serverless import Figures, RevisionState, Serving, Windows
from wavetank.widgets import RevisionView
from wavetank.widgets.models.revisions import after, tone
from wavetank.widgets.models.tone import Tone

OLD, NEW = "tides-00001", "tides-00002"
LABELS = f'{{k8s_namespace_name="{NAMESPACE}",kn_revision_name="{OLD}"}}'
SAID = "\n".join(
    f"kn_revision_{name}{LABELS} {value}"
    for name, value in (
        ("concurrency_stable", 4),
        ("concurrency_panic", 30),
        ("concurrency_target", 7),
        ("panic_mode", 1),
    )
)


@dataclass(frozen=True)
class Here:
    kube: Kube
    namespace: str = NAMESPACE


@pytest.fixture
def knative(tmp_path: Path) -> Iterator[Knative]:
    with Knative(tmp_path) as knative:
        yield knative


@pytest.fixture
def view(knative: Knative) -> Iterator[RevisionView]:
    view = RevisionView(Here(knative.kube), "tides", gateway=knative.gateway)
    yield view
    view.close()


def test_in_a_terminal_it_is_the_table_with_the_figures(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides")
    knative.tell("knative-serving", "autoscaler-1", {"app": "autoscaler"}, SAID)
    assert repr(view).splitlines() == [
        "revision     traffic  wanted  there   ready  tags  state",
        "tides-00001    100 %       1      1  1 of 1        ready",
        f"{OLD}: 4.0 requests at once over the stable window, 30.0 over the panic window, target 7.0 a pod, in panic",
        "stable window 60 s, panic window 6 s, panic from 2 times on",
    ]


def test_without_metrics_it_says_so_and_shows_the_rest(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides")
    view.start()
    eventually(lambda: "1 pod ready, 1 wanted" in seen(view), "the pods")
    eventually(lambda: "Knative's autoscaler does not say what it has counted" in seen(view), "the trouble")


def test_what_the_autoscaler_sees_is_drawn_and_written(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides")
    knative.tell("knative-serving", "autoscaler-1", {"app": "autoscaler"}, SAID)
    view.start()
    eventually(lambda: "panic window (6 s) 30.0" in seen(view), "the figures")
    words = seen(view)
    assert "stable window (60 s) 4.0" in words
    assert "mode panic" in words
    figure = view._load.box.children[0].children[1]
    eventually(lambda: [list(line.y)[-1] for line in figure.marks[:3]] == [4, 30, 7], "the lines")


def test_a_new_revision_that_fails_is_told_with_who_keeps_the_traffic(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides")
    view.start()
    eventually(lambda: "1 pod ready" in seen(view), "the first picture")
    failed = ("False", "ExitCode1", "Container failed with: no such file")
    knative.put(revision(NEW, 2, Ready=failed, ContainerHealthy=failed), service("tides", NEW, OLD))
    eventually(lambda: "its container ended with exit code 1: no such file" in seen(view), "the reason")
    assert f"Traffic stays where it was: {OLD} 100 %." in seen(view)


def test_tags_and_bounds_are_shown(knative: Knative, view: RevisionView) -> None:
    url = "http://next-tides.tidewater.example.com"
    bounds = {"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "3"}
    knative.put(service("tides", OLD, OLD), revision(OLD, 1, annotations=bounds), autoscaler(OLD, 1, 1))
    knative.put(
        route("tides", [{"revisionName": OLD, "percent": 100}, {"revisionName": OLD, "tag": "next", "url": url}])
    )
    view.start()
    eventually(lambda: f"next: {url}" in seen(view), "the tag")
    assert "1 to 3 any number" in seen(view)


def test_cold_starts_are_measured_by_a_button_and_taken_apart(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides", pods=0)
    knative.timing = 'request;desc="1", age;dur=120, handle;dur=0'
    view._count.value = 1
    view.start()
    press(view, "Measure")
    eventually(lambda: "Cold starts, taken apart" in seen(view), "a cold start")
    eventually(lambda: not view._measure.disabled and view._stop.disabled, "the end")
    start = view.cold_starts.starts[0]
    assert start.disagreement < 0.1
    assert f"{1000 * start.whole:.0f} 120" in seen(view)
    assert view._bars.value.count('<i class="p') == 4 + 4, "four parts drawn, and their key"
    assert repr(view).endswith(repr(view.cold_starts))


def test_what_goes_wrong_is_told_on_the_page(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides", pods=0)
    knative.status = 500
    view.start()
    press(view, "Measure")
    eventually(lambda: "tides answered 500" in seen(view), "the error")
    eventually(lambda: not view._measure.disabled, "the button")


def test_names_are_shown_as_text_never_as_markup(knative: Knative, view: RevisionView) -> None:
    evil = "<img src=x onerror=alert(1)>"
    knative.put(service("tides", OLD, OLD), revision(OLD, 1, Ready=("False", evil, evil)))
    view.start()
    eventually(lambda: "onerror" in seen(view), "the reason")
    markup = " ".join(str(child.value) for child in view.body.children if hasattr(child, "value"))
    assert "<img" not in markup


def test_a_cluster_without_knative_is_told_and_one_that_gets_it_is_seen(tmp_path: Path) -> None:
    with Knative(tmp_path, installed=False) as bare:
        view = RevisionView(Here(bare.kube), "tides")
        view.start()
        eventually(lambda: "this cluster has no Knative" in seen(view), "the trouble")
        view.close()


class TestPicture:
    AT = datetime(2026, 11, 27, 20, tzinfo=UTC)
    WINDOWS = Windows(6, 0.6, 2)

    def serving(self, wanted: int, ready: int) -> Serving:
        return Serving(
            "tides", NAMESPACE, revisions=(RevisionState(OLD, 1, True, "ready", 100, (), wanted, ready, ready, ready),)
        )

    def test_each_look_is_one_more_sample(self) -> None:
        first = after(
            None, self.AT, self.serving(3, 1), {OLD: Figures(stable=2.0, panic=9.0, target=1.0)}, self.WINDOWS
        )
        second = after(first, self.AT + timedelta(seconds=1), self.serving(3, 3), {}, self.WINDOWS)
        assert [(one.wanted, one.there, one.panic) for one in second.samples] == [(3, 1, 9.0), (3, 3, None)]

    def test_figures_are_those_of_the_revision_with_the_most_traffic(self) -> None:
        revisions = (RevisionState(NEW, 2, True, "ready", 20), RevisionState(OLD, 1, True, "ready", 80))
        figures = {NEW: Figures(stable=1.0), OLD: Figures(stable=4.0)}
        picture = after(None, self.AT, Serving("tides", NAMESPACE, revisions=revisions), figures, None)
        assert picture.samples[0].stable == 4.0

    @pytest.mark.parametrize(
        ("state", "expected"),
        [
            (RevisionState(OLD, 1, True, "", pods=1, ready_pods=1, wanted=1), Tone.GOOD),
            (RevisionState(OLD, 1, True, "", wanted=0), Tone.WAIT),
            (RevisionState(OLD, 1, True, "", wanted=1), Tone.BUSY),
            (RevisionState(OLD, 1, None, ""), Tone.BUSY),
            (RevisionState(OLD, 1, False, "", pods=1), Tone.BAD),
        ],
    )
    def test_being_asleep_is_no_failure(self, state: RevisionState, expected: Tone) -> None:
        assert tone(state) is expected


def test_pods_of_another_service_are_not_counted(knative: Knative, view: RevisionView) -> None:
    knative.serve("tides", pods=1)
    knative.put(pod("other", "passes-00001"))
    assert view.picture
    assert view.picture.samples[-1].there == 1
