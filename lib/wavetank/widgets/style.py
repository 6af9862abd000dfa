"""Small pieces of HTML in one look: marks with a shape per tone, tables, time stamps; as `markup` makes it.

The rules are in style.css, which each view carries with it, so that a saved notebook looks the same and nothing is
fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from wavetank.widgets.markup import NOTHING, Markup, html, joined
from wavetank.widgets.models.tone import Tone

__all__ = [
    "announced",
    "bar",
    "clock",
    "facts",
    "list_items",
    "mark",
    "note",
    "shape",
    "table",
]

_SHAPES = {
    Tone.GOOD: html('<circle class="f" cx="6" cy="6" r="5"/>'),
    Tone.BUSY: html('<circle class="s" cx="6" cy="6" r="4.5"/><path class="f" d="M6 1.5a4.5 4.5 0 0 1 0 9z"/>'),
    Tone.WAIT: html('<circle class="s" cx="6" cy="6" r="4.5"/>'),
    Tone.WARN: html('<path class="f" d="M6 .5 12 11.5H0z"/>'),
    Tone.BAD: html('<path class="s" d="M1.5 1.5l9 9m0-9l-9 9" style="stroke-width:3"/>'),
    Tone.GONE: html('<path class="s" d="M1 6h10"/>'),
}


def mark(tone: Tone) -> Markup:
    """Return the shape of ``tone``; the words beside it are the caller's, so a screen reader skips the shape."""
    return html('<svg class="wt-mark wt-{}" viewBox="0 0 12 12" aria-hidden="true">{}</svg>', tone, _SHAPES[tone])


def shape(tone: Tone) -> Markup:
    """Return the shape of ``tone`` as a part of a drawing, 12 units wide and high."""
    return html('<g class="wt-mark wt-{}">{}</g>', tone, _SHAPES[tone])


def note(text: str, tone: Tone = Tone.WARN) -> Markup:
    """Return a paragraph that stands out; line breaks in ``text`` are kept."""
    return html('<div class="wt-note wt-{}">{}</div>', tone, text) if text else NOTHING


def announced(words: str) -> Markup:
    """Return ``words`` so that a screen reader says them when it is free."""
    return html('<span role="status" aria-live="polite">{}</span>', words) if words else NOTHING


def clock(moment: datetime) -> Markup:
    """Return the local time of day of ``moment``, to the second."""
    return html('<time datetime="{}">{:%H:%M:%S}</time>', moment.isoformat(), moment.astimezone())


def list_items(items: Iterable[Markup], css: str, label: str) -> Markup:
    """Return a list of ready-made HTML ``items``, named ``label`` for a screen reader; nothing when there are none."""
    inside = joined(items)
    return inside and html('<ul class="{}" aria-label="{}">{}</ul>', css, label, inside)


def facts(lines: Iterable[tuple[str, str]]) -> Markup:
    """Return labels, each with what it stands for beside it."""
    cells = joined(html("<dt>{}</dt><dd>{}</dd>", label, words) for label, words in lines)
    return html('<dl class="wt-about">{}</dl>', cells)


def bar(share: float, words: str) -> Markup:
    """Return a bar as long as ``share`` (0 to 1) of the longest, and ``words`` that say how much it is."""
    drawn = html('<span class="wt-share" aria-hidden="true"><i style="width:{:.1%}"></i></span>', share)
    return html('{}<span class="wt-much">{}</span>', drawn, words)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, words: Collection[int] = ()) -> Markup:
    """Return a table of cells, text or what `html` has made: the first column names the row.

    Those in ``words`` are text, the others are numbers, one below the other by their last digit.
    """
    columns = joined(html('<th scope="col"{}>{}</th>', _css(i, words), cell) for i, cell in enumerate(head))
    lines = (joined(_cell(column, cell, words) for column, cell in enumerate(row)) for row in rows)
    body = joined(html("<tr>{}</tr>", line) for line in lines)
    return html(
        '<table class="wt-table" aria-label="{}"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        caption,
        columns,
        body,
    )


def _cell(column: int, cell: str, words: Collection[int]) -> Markup:
    return html('<th scope="row">{}</th>', cell) if column == 0 else html("<td{}>{}</td>", _css(column, words), cell)


def _css(column: int, words: Collection[int]) -> Markup:
    if column == 0:
        return NOTHING
    return html(' class="words"') if column in words else html(' class="num"')
