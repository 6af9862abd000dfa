"""A topology as a table: the same for the same counts, every number with its word."""

from __future__ import annotations

import pytest

from wavetank.observe.reasons import Reason
from wavetank.observe.roster import Role
from wavetank.observe.signals import Mtls, Signals
from wavetank.observe.topology import Edge, Node, Topology, trouble

BUSY = Signals(
    10,
    requests=120,
    codes={"201": 114, "503": 6},
    flags={"UO": 4, "UT": 30},
    retries=28,
    buckets={5.0: 60, 10.0: 114, 25.0: 114, 50.0: 120, float("inf"): 120},
    mtls=Mtls.YES,
)
TOPOLOGY = Topology(
    "mesh",
    10.2,
    edges=(Edge("web", "booking", BUSY), Edge("web", "timetable", Signals(10))),
    reasons=(Reason("payment has no sidecar.", "kubectl -n mesh rollout restart deployment/payment"),),
)


def test_printed_it_is_a_table_with_its_reasons_below() -> None:
    assert repr(TOPOLOGY) == "\n".join(
        [
            "namespace mesh, over 10 s",
            "from  to         requests  a second  failed  p50 ms  p95 ms  p99 ms  retries  protection  trouble",
            "web   booking         120      12.0    5.0%     5.0      10      45       28  mTLS        "
            "6x 503, 30 UT (a try timed out), 4 UO (refused by a circuit breaker)",
            "web   timetable         0       0.0       -       -       -       -        0  unknown",
            "payment has no sidecar.",
            "  kubectl -n mesh rollout restart deployment/payment",
        ]
    )


def test_an_empty_one_is_its_reasons() -> None:
    empty = Topology("mesh", 10, reasons=(Reason("There is no Istio in this cluster.", "wavetank up"),))
    assert repr(empty) == "namespace mesh, over 10 s\nThere is no Istio in this cluster.\n  wavetank up"


@pytest.mark.parametrize(("mtls", "protected"), [(Mtls.YES, True), (Mtls.NO, False), (Mtls.MIXED, False), (None, None)])
def test_protected_is_what_was_encrypted_every_time(mtls: Mtls | None, protected: bool | None) -> None:
    edges = (Edge("a", "b", Signals(1, mtls=mtls)),)
    assert Topology("mesh", 1, edges=edges).protection == [("a", "b", protected)]


def test_trouble_tells_everything_that_is_not_as_it_should_be() -> None:
    signals = Signals(1, 9, {"200": 3, "4xx": 2}, {"DC": 1, "DI": 2}, turned_away=2, ejected=1)
    assert trouble(signals) == (
        "2x 4xx, 1 DC (the caller gave up), 2 DI (delayed by an injected fault), 2 turned away by the sidecar, "
        "1 ejected just now"
    )
    assert trouble(Signals(1, 9, {"200": 9})) == ""


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("web", pods=2, sidecars=2), "2 pods"),
        (Node("web", pods=1, sidecars=1), "1 pod"),
        (Node("web", pods=3, sidecars=1), "sidecar in 1 of 3"),
        (Node("web"), "gone"),
        (Node("api.example.com", Role.OUTSIDE), "outside"),
    ],
)
def test_a_node_says_what_it_is(node: Node, words: str) -> None:
    assert node.words == words
