"""Where to draw a graph: in layers from left to right, so that callers stand before those they call.

The way of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical System Structures", 1981), kept
small: turn edges that close a cycle, give each node a layer, keep a slot for an edge in each layer it passes, and order
the slots of a layer by their neighbours, so that few edges cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import fmean

__all__ = ["Layers", "Place", "arrange"]

Way = tuple[str, str]
Slot = str | tuple[str, str, int]
"""A node, or the slot that an edge keeps in a layer between its ends."""

_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A column, from 0, and a row in the middle of which something stands; rows of shorter columns are fractions."""

    column: int
    row: float


@dataclass(frozen=True, slots=True)
class Layers:
    """Where nodes stand, and where long edges pass the columns between their ends, from the source on."""

    columns: int
    rows: int
    places: Mapping[str, Place]
    bends: Mapping[Way, tuple[Place, ...]]


def arrange(names: Iterable[str], ways: Iterable[Way]) -> Layers:
    """Return where to draw a graph: the same for the same graph, in whatever order it is told."""
    nodes, edges = sorted(names), sorted({way for way in ways if way[0] != way[1]})
    forward = _forward(nodes, edges)
    layers = _layers(nodes, forward)
    columns, neighbours = _slots(nodes, forward, layers)
    _order(columns, neighbours)
    rows = max(map(len, columns), default=0)
    places: dict[Slot, Place] = {
        slot: Place(number, row + (rows - len(column)) / 2)
        for number, column in enumerate(columns)
        for row, slot in enumerate(column)
    }
    return Layers(
        len(columns),
        rows,
        {name: places[name] for name in nodes},
        {(source, target): _bends(source, target, layers, places) for source, target in edges},
    )


def _forward(nodes: Sequence[str], edges: Sequence[Way]) -> list[Way]:
    """Return the edges with those turned round that lead back to where a walk along them came from."""
    after = defaultdict(list)
    for source, target in edges:
        after[source].append(target)
    turned: list[Way] = []
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        for target in after[name]:
            turned.append((target, name) if target in path else (name, target))
            if target not in done and target not in path:
                walk(target, (*path, target))
        done.add(name)

    entered = {target for _, target in edges}
    for name in sorted(nodes, key=lambda name: (name in entered, name)):
        if name not in done:
            walk(name, (name,))
    return sorted(set(turned))


def _layers(nodes: Sequence[str], edges: Sequence[Way]) -> dict[str, int]:
    """Return the layer of each node: behind all that lead to it, and close before those it leads to if none does."""
    layers = dict.fromkeys(nodes, 0)
    for _ in nodes:  # the longest way there has fewer edges than there are nodes
        for source, target in edges:
            layers[target] = max(layers[target], layers[source] + 1)
    entered = {target for _, target in edges}
    for name in nodes:
        targets = [layers[target] for source, target in edges if source == name]
        if targets and name not in entered:
            layers[name] = min(targets) - 1
    return layers


def _slots(
    nodes: Sequence[str], edges: Sequence[Way], layers: Mapping[str, int]
) -> tuple[list[list[Slot]], dict[Slot, list[Slot]]]:
    """Return the slots of each layer, and the neighbours of each slot in the layers beside it."""
    columns: list[list[Slot]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    neighbours: defaultdict[Slot, list[Slot]] = defaultdict(list)
    for name in nodes:
        columns[layers[name]].append(name)
    for source, target in edges:
        chain: list[Slot] = [source]
        for layer in range(layers[source] + 1, layers[target]):
            chain.append((source, target, layer))
            columns[layer].append(chain[-1])
        for one, other in pairwise([*chain, target]):
            neighbours[one].append(other)
            neighbours[other].append(one)
    return columns, neighbours


def _order(columns: list[list[Slot]], neighbours: Mapping[Slot, Sequence[Slot]]) -> None:
    """Sort each column by where the neighbours stand, back and forth; who has none stays at the end."""
    most = max(map(len, columns), default=0)
    rows: dict[Slot, float] = {}

    def number(column: Sequence[Slot]) -> None:
        rows.update({slot: row + (most - len(column)) / 2 for row, slot in enumerate(column)})

    def middle(slot: Slot) -> float:
        return fmean(rows[other] for other in neighbours[slot]) if neighbours.get(slot) else inf

    for column in columns:
        number(column)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=middle)
            number(column)


def _bends(source: str, target: str, layers: Mapping[str, int], places: Mapping[Slot, Place]) -> tuple[Place, ...]:
    """Return where an edge passes the columns between its ends; one that was turned passes them backwards."""
    first, last = layers[source], layers[target]
    if first < last:
        return tuple(places[source, target, layer] for layer in range(first + 1, last))
    return tuple(places[target, source, layer] for layer in range(first - 1, last, -1))
