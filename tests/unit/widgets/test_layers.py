"""A graph is laid out so that callers stand before those they call, and always the same."""

from __future__ import annotations

import random

from wavetank.widgets.models.layers import Layers, Place, arrange

FERRIES = [("load", "web"), ("web", "timetable"), ("web", "booking"), ("booking", "payment")]
NAMES = ["load", "web", "timetable", "booking", "payment"]


def columns(layers: Layers) -> dict[str, int]:
    return {name: place.column for name, place in layers.places.items()}


def test_callers_stand_before_those_they_call() -> None:
    assert columns(arrange(NAMES, FERRIES)) == {"load": 0, "web": 1, "timetable": 2, "booking": 2, "payment": 3}


def test_the_same_graph_is_drawn_the_same_however_it_is_told() -> None:
    dice = random.Random(4)
    expected = arrange(NAMES, FERRIES)
    for _ in range(5):
        assert arrange(dice.sample(NAMES, 5), dice.sample(FERRIES, 4)) == expected


def test_nobody_stands_where_another_does() -> None:
    ways = [*FERRIES, ("stranger", "payment"), ("stranger", "web"), ("web", "payment")]
    layers = arrange([*NAMES, "stranger", "lonely"], ways)
    taken = [*layers.places.values(), *(bend for bends in layers.bends.values() for bend in bends)]
    assert len(set(taken)) == len(taken)
    assert all(0 <= place.row <= layers.rows - 1 for place in taken)


def test_who_is_called_by_nobody_stands_right_before_the_first_it_calls() -> None:
    assert columns(arrange([*NAMES, "stranger"], [*FERRIES, ("stranger", "payment")]))["stranger"] == 2


def test_a_long_edge_keeps_a_place_in_each_column_it_passes() -> None:
    layers = arrange(NAMES, [*FERRIES, ("web", "payment")])
    (bend,) = layers.bends["web", "payment"]
    assert bend.column == 2
    assert layers.bends["web", "booking"] == ()


def test_edges_do_not_cross_where_they_need_not() -> None:
    ways = [("a", "z"), ("b", "y"), ("c", "x")]
    places = arrange("abcxyz", ways).places
    assert [places[one].row - places[other].row for one, other in ways] == [0, 0, 0]


def test_a_cycle_has_an_edge_that_leads_back() -> None:
    layers = arrange("abc", [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")])
    assert columns(layers) == {"a": 0, "b": 1, "c": 2}
    assert [place.column for place in layers.bends["c", "a"]] == [1]


def test_a_single_node_and_none_can_be_drawn() -> None:
    assert arrange(["web"], []) == Layers(1, 1, {"web": Place(0, 0)}, {})
    assert arrange([], []) == Layers(0, 0, {}, {})
