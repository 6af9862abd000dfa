"""A graph as SVG in a page: boxes in layers, lines between them, and words on each line.

Lines differ by dash and width as well as by colour, and carry the mark of their tone; whatever is drawn is also written
in the table below, which is what a screen reader is given.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wavetank.widgets.markup import NOTHING, Markup, html, joined
from wavetank.widgets.models.layers import Layers, Place, arrange
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import shape

__all__ = ["Box", "Line", "graph"]

_WIDTH, _HEIGHT = 120, 42
_ACROSS, _DOWN = 288, 84
"""From the middle of a box to that of the next one: to the right, and below."""
_MARGIN = 6
_ROW, _LETTER, _BOLD, _ICON = 15, 6.2, 7.4, 14
"""Height of a row of words, about the width of a letter, of a bold one, and the room for an icon before them."""

_LONG, _TALL = 126, 2 * _ROW + 4
"""The room that the words of a line take."""
_SPOTS = (0.5, 0.62, 0.38, 0.74, 0.26)

_OPEN = html('<path class="lock" d="M0 6h8v5H0zM6 6V3.5a2 2 0 0 1 4 0V5"/>')
_CLOSED = html('<path class="lock" d="M2 6h8v5H2zM4 6V3.5a2 2 0 0 1 4 0V6"/>')

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its name, and a few words below; one that is ``outlined`` is not quite part of it."""

    name: str
    words: str
    outlined: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An edge, with up to two lines of words; ``locked`` draws a lock, open or closed (None: none) before the last."""

    source: str
    target: str
    words: Sequence[str]
    tone: Tone
    locked: bool | None = None


def graph(boxes: Collection[Box], lines: Sequence[Line], label: str) -> Markup:
    """Return the SVG, ``label`` being what a screen reader says in its place; nothing when there are no boxes."""
    if not boxes:
        return NOTHING
    layers = arrange([box.name for box in boxes], [(line.source, line.target) for line in lines])
    width = 2 * _MARGIN + _WIDTH + (layers.columns - 1) * _ACROSS
    height = 2 * _MARGIN + _HEIGHT + (layers.rows - 1) * _DOWN
    ways = [_points(line, layers) for line in lines]
    taken: list[_Point] = []
    drawn = [_line(line, points) for line, points in zip(lines, ways, strict=True)]
    drawn += [_words(line, _free_spot(points, taken)) for line, points in zip(lines, ways, strict=True)]
    drawn += [_box(box, layers) for box in boxes]
    return html(
        '<svg class="wt-graph" role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}px">{}</svg>',
        label,
        width,
        height,
        width,
        joined(drawn),
    )


def _box(box: Box, layers: Layers) -> Markup:
    x, y = _middle(layers.places[box.name])
    left, top = x - _WIDTH / 2, y - _HEIGHT / 2
    outline = html(' class="outlined"') if box.outlined else NOTHING
    rect = html('<rect x="{:g}" y="{:g}" width="{}" height="{}" rx="5"{}/>', left, top, _WIDTH, _HEIGHT, outline)
    return joined([rect, _text("n", x, y - 3, _short(box.name, _BOLD)), _text("w", x, y + 13, _short(box.words))])


def _text(css: str, x: float, y: float, words: str) -> Markup:
    return html('<text class="{}" x="{:g}" y="{:g}">{}</text>', css, x, y, words)


def _points(line: Line, layers: Layers) -> list[_Point]:
    """Return where a line begins, passes other layers, and ends; one that leads back leaves to the left."""
    source, target = layers.places[line.source], layers.places[line.target]
    aside = _WIDTH / 2 if source.column < target.column else -_WIDTH / 2
    (x, y), *bends, (end, row) = map(_middle, (source, *layers.bends[line.source, line.target], target))
    return [(x + aside, y), *bends, (end - aside, row)]


def _line(line: Line, points: Sequence[_Point]) -> Markup:
    curves = [
        f"C{(x0 + x1) / 2:g} {y0:g} {(x0 + x1) / 2:g} {y1:g} {x1:g} {y1:g}" for (x0, y0), (x1, y1) in pairwise(points)
    ]
    (x, y), (tip, row) = points[0], points[-1]
    back = -8 if x < tip else 8
    path = html('<path class="e" d="M{:g} {:g}{}"/>', x, y, "".join(curves))
    corners = " ".join(f"{at:g},{y:g}" for at, y in ((tip, row), (tip + back, row - 4.5), (tip + back, row + 4.5)))
    return html('<g class="wt-{}">{}<polygon points="{}"/></g>', line.tone, path, corners)


def _free_spot(points: Sequence[_Point], taken: list[_Point]) -> _Point:
    """Return the point of a line's first curve, near its middle, that is farthest from other words; take it."""

    def room(spot: _Point) -> float:
        return min((max(abs(spot[0] - x) / _LONG, abs(spot[1] - y) / _TALL) for x, y in taken), default=1)

    spots = [_on_curve(points[0], points[1], t) for t in _SPOTS]
    found = next((spot for spot in spots if room(spot) >= 1), None) or max(spots, key=room)
    taken.append(found)
    return found


def _words(line: Line, spot: _Point) -> Markup:
    """Return the words of a line around ``spot``, its mark and lock before them."""
    left = spot[0] - (_ICON + max(map(len, line.words), default=0) * _LETTER) / 2
    top = spot[1] - len(line.words) * _ROW / 2
    icons = [shape(line.tone), "" if line.locked is None else _CLOSED if line.locked else _OPEN]
    return joined(
        html('<g transform="translate({:g},{:g})">{}</g>', left, top + row * _ROW + 1, icon)
        + _text("l", left + _ICON, top + row * _ROW + 10, words)
        for row, (words, icon) in enumerate(zip(line.words, icons, strict=False))
    )


def _on_curve(begin: _Point, end: _Point, t: float) -> _Point:
    """Return the point at ``t`` (0 to 1) of a curve as `_line` draws them: level at both ends."""
    bent = 3 * (1 - t) * t * t + t**3
    across = 1.5 * (1 - t) * t + t**3
    return begin[0] + (end[0] - begin[0]) * across, begin[1] + (end[1] - begin[1]) * bent


def _middle(place: Place) -> _Point:
    return _MARGIN + _WIDTH / 2 + place.column * _ACROSS, _MARGIN + _HEIGHT / 2 + place.row * _DOWN


def _short(words: str, letter: float = _LETTER) -> str:
    """Return as much of ``words`` as a box is wide; the table has all of them."""
    most = int((_WIDTH - 8) / letter)
    return words if len(words) <= most else words[: most - 1] + "…"
