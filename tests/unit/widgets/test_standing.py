"""What is said of a cluster that is there, or is not."""

from __future__ import annotations

import pytest

from wavetank.cluster import ClusterSpec, NodeStatus, Status
from wavetank.widgets.models.standing import Up, standing

SPEC = ClusterSpec(provider="kind", kubernetes="1.36").with_addons(("operator", "ingress"))


def seen(state: str = "up", *, lost: tuple[str, ...] = (), **addons: str) -> Status:
    nodes = tuple(NodeStatus(name, "node", "running", name not in lost) for name in SPEC.node_names)
    return Status("wavetank", "kind", state, nodes, addons, "", "", {}, {})


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
