"""Each view on a cluster that moves, without a page: what it says in words, and what its buttons do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.moving import NAMESPACE, MovingCluster
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.faults import Fault, Target, inject
from wavetank.kube import Obj
from wavetank.lesson.lab import Choice, Exercise, Named, Number, Prediction
from wavetank.widgets import (
    AutoscaleView,
    Check,
    ClusterView,
    FaultPanel,
    LoadPanel,
    Predict,
    Progress,
    RolloutView,
)
from wavetank.widgets.view import View

FATE = Prediction("fate", "What becomes of it?", (Choice("it restarts", "a"), Choice("nothing", "b")), Named("x", {}))
GAP = Prediction("gap", "How long is the gap?", Number("seconds", 2), Named("x", {}))
HINTS = ("look at the labels", "compare them with the selector", "app: web")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MovingCluster]:
    with MovingCluster(tmp_path, startup=0.2) as cluster:
        cluster.deploy("web", 2)
        cluster.deploy("booking", 1)
        yield cluster


@pytest.fixture
def opened() -> Iterator[list[View]]:
    views: list[View] = []
    yield views
    for view in views:
        view.close()


def test_the_cluster_is_told_in_words_without_a_front_end(cluster: MovingCluster) -> None:
    assert repr(ClusterView(cluster.open_lab())).splitlines() == [
        "3 of 3 nodes ready, 3 of 3 pods ready",
        "  booking: 1 of 1 ready",
        "  web: 2 of 2 ready",
    ]


def test_no_text_has_an_id_in_it(cluster: MovingCluster) -> None:
    lab = cluster.open_lab(predictions=(FATE,))
    views = [ClusterView(lab), FaultPanel(lab), LoadPanel(lab), RolloutView(lab, "web"), AutoscaleView(lab)]
    for view in [*views, Predict(lab, "fate"), Progress(lab)]:
        text = view._repr_mimebundle_()["text/plain"]
        assert not re.search(r"0x[0-9a-f]+|[0-9a-f]{8}", text), text
        view.close()


def test_what_is_stored_with_a_notebook_is_the_state_when_it_was_shown(
    cluster: MovingCluster, opened: list[View]
) -> None:
    view = ClusterView(cluster.open_lab())
    opened.append(view)
    assert view._repr_mimebundle_()["text/plain"].startswith("3 of 3 nodes ready, 3 of 3 pods ready")


def test_a_cluster_that_is_away_does_not_keep_a_view_from_the_page(cluster: MovingCluster, opened: list[View]) -> None:
    view = ClusterView(cluster.open_lab())
    opened.append(view)
    cluster.api.stop()
    assert "does not answer" in view._repr_mimebundle_()["text/plain"]
    eventually(lambda: "does not answer since" in seen(view), "the outage on the page", within=10)
    cluster.api.start()
    eventually(lambda: "3 of 3 pods ready" in seen(view), "the picture", within=10)


def test_a_killed_pod_is_seen_and_named(cluster: MovingCluster, opened: list[View]) -> None:
    view = ClusterView(cluster.open_lab())
    opened.append(view)
    view.start()
    eventually(lambda: "3 of 3 pods ready" in seen(view), "the first picture")
    gone = cluster.kill("web")
    eventually(lambda: f"{gone} is gone" in seen(view), "the killed pod by name")
    eventually(lambda: "3 of 3 pods ready" in seen(view), "its replacement")


def test_names_are_shown_as_text_never_as_markup(cluster: MovingCluster, opened: list[View]) -> None:
    view = ClusterView(cluster.open_lab())
    opened.append(view)
    view.start()
    evil = "<img src=x onerror=alert(1)>"
    cluster.put_pod("web-evil", "web", "wavetank-worker", version=evil)
    eventually(lambda: "web-evil" in seen(view), "the pod")
    markup = " ".join(child.value for child in view.body.children)
    assert "<img" not in markup
    assert "&lt;img" in markup


def test_a_load_is_started_followed_marked_and_stopped(cluster: MovingCluster, opened: list[View]) -> None:
    panel = LoadPanel(cluster.open_lab())
    opened.append(panel)
    assert repr(panel) == "no load yet"
    panel.start()
    press(panel, "Start")
    eventually(lambda: panel.desk.series.snapshot().seconds, "the first second", within=15)
    inject(cluster.kube, Fault("kill", "pod-kill", Target("deployment", "web"), 5.0), NAMESPACE)
    eventually(lambda: "fault: pod-kill at deployment web" in seen(panel), "the mark of the fault")
    eventually(lambda: "steady (steady, 20 requests a second for 1m): running" in seen(panel), "its status")
    press(panel, "Stop")
    eventually(lambda: "stopped" in seen(panel), "the load to be stopped", within=15)
    assert re.search(r"^load steady \(stopped\): \d+ sent in \d+ s.*\n  at \d+ s: pod-kill", repr(panel), re.DOTALL)


def test_a_load_that_stood_still_says_so_on_the_page(cluster: MovingCluster, opened: list[View]) -> None:
    panel = LoadPanel(cluster.open_lab())
    opened.append(panel)
    cluster.still = 0.6
    panel.start()
    press(panel, "Start")
    eventually(lambda: "the load itself stood still for 1 s" in seen(panel), "the standstill", within=15)


def test_a_load_that_somebody_else_starts_is_followed_too(cluster: MovingCluster, opened: list[View]) -> None:
    lab = cluster.open_lab()
    panel = LoadPanel(lab)
    opened.append(panel)
    panel.start()
    cluster.kube.create(lab.model.load("rush").to_resource(NAMESPACE))
    eventually(lambda: "rush (steady, 120 requests a second" in seen(panel), "the other's load")
    eventually(lambda: panel.desk.series.snapshot().rate, "its first second", within=15)


def test_what_the_form_says_is_what_is_asked_for(cluster: MovingCluster, opened: list[View]) -> None:
    panel = LoadPanel(cluster.open_lab())
    opened.append(panel)
    panel._load.value = "rush"
    assert (panel._rate.value, panel._seconds.value) == (120, 90)
    panel._profile.value, panel._rate.value, panel._seconds.value = "ramp", 40, 15
    panel.start()
    press(panel, "Start")
    eventually(lambda: cluster.api.get("Load", "rush", NAMESPACE), "the Load")
    asked = cluster.api.get("Load", "rush", NAMESPACE)
    assert asked is not None
    assert {name: asked["spec"][name] for name in ("profile", "rate", "duration")} == {
        "profile": "ramp",
        "rate": 40,
        "duration": "15s",
    }


def test_a_fault_is_injected_shown_with_its_time_left_and_reverted(cluster: MovingCluster, opened: list[View]) -> None:
    panel = FaultPanel(cluster.open_lab())
    opened.append(panel)
    panel.start()
    eventually(lambda: panel._target.value, "something to aim at")
    panel._kind.value = "latency"
    panel._parameters.children[0].value = 250
    press(panel, "Inject")
    eventually(lambda: re.search(r"latency at deployment booking, active, (29|30) s left", seen(panel)), "the fault")
    assert repr(panel).startswith("active faults:\n  latency at deployment booking: active")
    asked = cluster.api.get("Fault", "latency-booking", NAMESPACE)
    assert asked is not None
    assert asked["spec"]["parameters"]["ms"] == 250
    press(panel, "Revert")
    eventually(lambda: repr(panel) == "no active fault", "the fault to be over")


def test_what_can_be_aimed_at_follows_the_kind(cluster: MovingCluster, opened: list[View]) -> None:
    panel = FaultPanel(cluster.open_lab())
    opened.append(panel)
    panel.start()
    panel._kind.value = "node-stop"
    eventually(
        lambda: [words for words, _ in panel._target.options] == ["node wavetank-worker", "node wavetank-worker2"],
        "workers",
    )
    panel._kind.value = "wrong-port"
    eventually(lambda: [words for words, _ in panel._target.options] == ["service booking", "service web"], "services")


def test_the_emergency_stop_ends_everything_and_says_what(cluster: MovingCluster, opened: list[View]) -> None:
    lab = cluster.open_lab()
    panel = FaultPanel(lab)
    opened.append(panel)
    panel.start()
    cluster.kube.create(lab.model.load("steady").to_resource(NAMESPACE))
    inject(cluster.kube, Fault("slow", "latency", Target("deployment", "web"), 60.0), NAMESPACE)
    press(panel, "Emergency stop")
    eventually(lambda: "Load tidewater/steady" in seen(panel) and "Fault tidewater/slow" in seen(panel), "its words")

    def phase(kind: str, name: str) -> str:
        obj: Obj | None = cluster.api.get(kind, name, NAMESPACE)
        return str(obj and obj["status"]["phase"])

    assert (phase("Load", "steady"), phase("Fault", "slow")) == ("Stopped", "Stopped")
    press(panel, "Emergency stop")
    eventually(lambda: "there was nothing to end" in seen(panel), "that nothing is left")


def test_where_a_running_cell_keeps_clicks_waiting_the_panel_names_the_way_that_does_not(
    cluster: MovingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "stop-all" not in seen(FaultPanel(cluster.open_lab()))
    monkeypatch.setattr("wavetank.widgets.faults.answers_while_busy", lambda: False)
    assert "wavetank fault stop-all" in seen(FaultPanel(cluster.open_lab()))


def test_a_prediction_is_kept_and_held_against_the_truth(cluster: MovingCluster, opened: list[View]) -> None:
    lab = cluster.open_lab(predictions=(FATE, GAP))
    view = Predict(lab, "fate")
    opened.append(view)
    press(view, "Commit")
    assert "Choose one of the answers first" in seen(view)
    view._answer.value = "nothing"
    press(view, "Commit")
    eventually(lambda: "Committed" in seen(view), "the answer to be kept")
    assert repr(view).endswith("you said: nothing")
    again = Predict(lab, "fate")
    assert again._answer.value == "nothing"
    assert "Committed" in seen(again)


def test_an_exercise_shows_its_task_and_its_hints_one_by_one(cluster: MovingCluster, opened: list[View]) -> None:
    exercise = Exercise("door", "A door", "start", "Add a Service.", (), (), HINTS)
    view = Check(cluster.open_lab(exercises=(exercise,)), "door")
    opened.append(view)
    assert "Add a Service." in seen(view)
    assert repr(view) == "exercise door (not yet): A door"
    press(view, "Hint 1 of 3")
    eventually(lambda: HINTS[0] in seen(view), "the first hint")
    assert HINTS[1] not in seen(view)
    press(view, "Hint 2 of 3")
    eventually(lambda: HINTS[1] in seen(view), "the second hint")
    assert repr(view) == "exercise door (not yet, 2 of 3 hints seen): A door"


def test_progress_follows_what_is_done_elsewhere(cluster: MovingCluster, opened: list[View]) -> None:
    exercise = Exercise("door", "A door", "start", "Add a Service.", (), (), HINTS)
    lab = cluster.open_lab(objectives=("Reach a service.",), exercises=(exercise,), predictions=(FATE,))
    view = Progress(lab)
    opened.append(view)
    view.start()
    eventually(lambda: "A door not yet -" in seen(view), "the exercise")
    assert "Reach a service." in seen(view)
    lab.hint("door")
    eventually(lambda: "1 of 3 hints" in seen(view), "the hint")
