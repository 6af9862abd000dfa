"""The picture of a cluster on its way up, step by step, and what is said of one that is there."""

from __future__ import annotations

import pytest

from wavetank.cluster import ClusterSpec, NodeStatus, Status
from wavetank.steps import StepEvent
from wavetank.widgets.models.steps import StepsPicture, Up, after, standing

SPEC = ClusterSpec(provider="kind", kubernetes="1.36").with_addons(("operator", "ingress"))


def played(*events: tuple[str, str, float, str]) -> StepsPicture:
    """Play events one second apart, the first at second 100 of some clock."""
    picture = StepsPicture()
    for second, (step, state, seconds, note) in enumerate(events):
        picture = after(picture, StepEvent(step, state, seconds, note), 100.0 + second)  # type: ignore[arg-type]
    return picture


def seen(state: str = "up", *, lost: tuple[str, ...] = (), **addons: str) -> Status:
    nodes = tuple(NodeStatus(name, "node", "running", name not in lost) for name in SPEC.node_names)
    return Status("wavetank", "kind", state, nodes, addons, "", "", {}, {})


def test_steps_appear_as_they_begin_and_stay_in_their_place() -> None:
    picture = played(("network", "started", 0, ""), ("nodes", "started", 0, ""), ("network", "done", 2.0, "made"))
    assert [(step.name, step.state) for step in picture.steps] == [("network", "done"), ("nodes", "under way")]
    assert picture.summary() == "1 step done, under way: nodes"


def test_a_step_under_way_has_a_clock_and_one_that_has_ended_its_time() -> None:
    picture = played(("nodes", "started", 0, ""), ("images", "started", 0, ""), ("nodes", "done", 1.5, ""))
    nodes, images = picture.steps
    assert (nodes.seconds(130.0), images.seconds(130.0)) == (1.5, 29.0)


def test_a_heartbeat_changes_nothing() -> None:
    before = played(("nodes", "started", 0, ""))
    assert after(before, StepEvent("nodes", "running", 15.0), 115.0) == before


def test_a_step_that_fails_is_told_from_one_that_is_done() -> None:
    picture = played(("a", "started", 0, ""), ("b", "started", 0, ""), ("a", "failed", 2.0, ""), ("b", "done", 3.0, ""))
    assert (picture.named("failed"), picture.named("done")) == (["a"], ["b"])
    assert picture.summary() == "1 step done"


def test_in_words_it_is_the_steps_that_have_ended() -> None:
    assert str(StepsPicture()) == "no step has ended yet"
    picture = played(("nodes", "started", 0, ""), ("x", "started", 0, ""), ("nodes", "done", 31.24, "there already"))
    assert str(picture).split() == ["done", "nodes", "31.2", "s", "there", "already"]


def test_a_cluster_that_is_up_is_told_in_the_same_words_however_its_addons_were_asked_for() -> None:
    words = "cluster wavetank is up: 3 nodes, addons ingress, operator"
    assert str(Up.of(SPEC)) == words
    assert standing(SPEC, seen(operator="ready", ingress="ready", another="ready")) == words
    assert str(Up.of(ClusterSpec(provider="kind", kubernetes="1.36"))).endswith("addons none")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (seen("absent"), "there is no cluster wavetank yet"),
        (seen("down"), "cluster wavetank is there, but its API server does not answer"),
        (seen(ingress="ready"), "cluster wavetank is there, but not yet ready: addon operator"),
        (
            seen("degraded", lost=("wavetank-worker2",), ingress="1 of 2", operator="ready"),
            "cluster wavetank is there, but not yet ready: node wavetank-worker2, addon ingress",
        ),
    ],
)
def test_what_a_cluster_lacks_is_named(status: Status, words: str) -> None:
    assert standing(SPEC, status) == words


def test_an_addon_that_is_no_deployment_cannot_be_missed() -> None:
    with_registry = SPEC.with_addons(("registry",))
    assert "is up" in standing(with_registry, seen(operator="ready", ingress="ready"))
