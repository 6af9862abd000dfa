"""How far it is, read from what was noted."""

from __future__ import annotations

from dataclasses import asdict

from wavetank.bootstrap import behind, doing, waiting_for
from wavetank.bootstrap.progress import Progress, after, of_records
from wavetank.steps import StepEvent


def played(*events: tuple[str, str, float, str]) -> Progress:
    """Play events one second apart, the first at second 100 of some clock."""
    picture = Progress()
    for second, (step, state, seconds, note) in enumerate(events):
        picture = after(picture, StepEvent(step, state, seconds, note), 100.0 + second)  # type: ignore[arg-type]
    return picture


def test_steps_appear_as_they_begin_and_stay_in_their_place() -> None:
    picture = played(("network", "started", 0, ""), ("nodes", "started", 0, ""), ("network", "done", 2.0, "made"))
    assert [(step.name, step.state) for step in picture.steps] == [("network", "done"), ("nodes", "under way")]
    assert picture.summary() == "1 step done, under way: nodes"


def test_a_step_under_way_has_a_clock_and_one_that_has_ended_its_time() -> None:
    picture = played(("nodes", "started", 0, ""), ("images", "started", 0, ""), ("nodes", "done", 1.5, ""))
    nodes, images = picture.steps
    assert (nodes.seconds(130.0), images.seconds(130.0)) == (1.5, 29.0)


def test_a_heartbeat_brings_what_the_step_says_of_itself_and_nothing_else() -> None:
    before = played(("pull", "started", 0, ""))
    (pull,) = after(before, StepEvent("pull", "running", 15.0, "43 of 120 MB"), 115.0).steps
    assert (pull.state, pull.took, pull.note) == ("under way", None, "43 of 120 MB")


def test_a_step_that_fails_is_told_from_one_that_is_done() -> None:
    picture = played(("a", "started", 0, ""), ("b", "started", 0, ""), ("a", "failed", 2.0, ""), ("b", "done", 3.0, ""))
    assert (picture.named("failed"), picture.named("done")) == (["a"], ["b"])
    assert picture.summary() == "1 step done"


def test_in_words_it_is_the_steps_that_have_ended() -> None:
    assert str(Progress()) == "no step has ended yet"
    picture = played(("nodes", "started", 0, ""), ("x", "started", 0, ""), ("nodes", "done", 31.24, "there already"))
    assert str(picture).split() == ["done", "nodes", "31.2", "s", "there", "already"]


def test_a_step_that_was_done_and_comes_again_stays_as_it_was() -> None:
    picture = played(("nodes", "started", 0, ""), ("nodes", "done", 31.0, ""))
    again = after(picture, StepEvent("nodes", "started"), 200.0)
    assert after(again, StepEvent("nodes", "done", 0.1, "there already"), 200.1) == picture


def test_a_step_that_failed_and_comes_again_begins_anew() -> None:
    picture = played(("nodes", "started", 0, ""), ("nodes", "failed", 31.0, ""), ("nodes", "started", 0, ""))
    assert picture.summary() == "0 steps done, under way: nodes"


def record(step: str, state: str, at: float, seconds: float = 0.0) -> dict[str, object]:
    return {"step": asdict(StepEvent(step, state, seconds)), "at": at}  # type: ignore[arg-type]


RECORDS = [
    {"began": 1000.0, "asked": ["containers", "kubernetes", "mesh", "functions"]},
    {"estimates": {"containers": 60.0, "kubernetes": 400.0}},
    record("build registry", "started", 1001.0),
    record("build registry", "done", 1041.0, 40.0),
    {"ready": ["containers"]},
    record("build kubernetes", "started", 1042.0),
]


def test_a_journal_tells_what_is_ready_what_is_under_way_and_how_long_it_may_take() -> None:
    progress = of_records(RECORDS)
    assert progress.ready == ("containers",)
    assert (doing(progress), progress.left("kubernetes", 1100.0)) == ("build kubernetes", 300.0)
    assert (
        waiting_for(progress, "kubernetes", 1100.0) == "waiting for Kubernetes, made in about 5 min: build kubernetes"
    )
    assert waiting_for(progress, "mesh", 1100.0) == "waiting for the service mesh: build kubernetes"
    assert behind(progress, 1100.0).splitlines() == [
        "in the background:",
        "  containers, images and a registry  ready",
        "  Kubernetes                         on its way, made in about 5 min",
        "  the service mesh                   on its way",
        "  functions                          on its way",
        "  … build kubernetes (58 s)",
    ]


def test_what_went_wrong_stands_until_it_is_mended() -> None:
    wrong = of_records([*RECORDS, {"error": "a port is taken"}])
    assert behind(wrong, 1100.0).endswith("a port is taken")
    assert of_records([*RECORDS, {"error": "a port is taken"}, {"error": ""}]).error == ""


def test_once_it_has_ended_nothing_is_under_way() -> None:
    ended = of_records([*RECORDS, {"ended": True}])
    assert "Kubernetes                         not ready" in behind(ended, 1100.0)
    assert "…" not in behind(ended, 1100.0)


def test_one_that_was_killed_is_told_as_ended() -> None:
    killed = of_records(RECORDS)
    told = behind(killed, 90_000.0, alive=False)
    assert told.startswith("what went on in the background has ended:")
    assert "on its way" not in told
