"""Small pieces of HTML in one look: marks with a shape per tone, tables, time stamps; everything escaped.

The rules are in style.css, which each view carries with it, so that a saved notebook looks the same and nothing is
fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files

from wavetank.widgets.models.tone import Tone

__all__ = [
    "announced",
    "bar",
    "clock",
    "escape",
    "facts",
    "list_items",
    "mark",
    "note",
    "shape",
    "style_sheet",
    "table",
]

_SHAPES = {
    Tone.GOOD: '<circle class="f" cx="6" cy="6" r="5"/>',
    Tone.BUSY: '<circle class="s" cx="6" cy="6" r="4.5"/><path class="f" d="M6 1.5a4.5 4.5 0 0 1 0 9z"/>',
    Tone.WAIT: '<circle class="s" cx="6" cy="6" r="4.5"/>',
    Tone.WARN: '<path class="f" d="M6 .5 12 11.5H0z"/>',
    Tone.BAD: '<path class="s" d="M1.5 1.5l9 9m0-9l-9 9" style="stroke-width:3"/>',
    Tone.GONE: '<path class="s" d="M1 6h10"/>',
}


@cache
def style_sheet() -> str:
    """Return the style element every view begins with."""
    return f"<style>{files('wavetank.widgets').joinpath('style.css').read_text(encoding='utf-8')}</style>"


def mark(tone: Tone) -> str:
    """Return the shape of ``tone``; the words beside it are the caller's, so a screen reader skips the shape."""
    return f'<svg class="wt-mark wt-{tone}" viewBox="0 0 12 12" aria-hidden="true">{_SHAPES[tone]}</svg>'


def shape(tone: Tone) -> str:
    """Return the shape of ``tone`` as a part of a drawing, 12 units wide and high."""
    return f'<g class="wt-mark wt-{tone}">{_SHAPES[tone]}</g>'


def note(text: str, tone: Tone = Tone.WARN) -> str:
    """Return a paragraph that stands out; line breaks in ``text`` are kept."""
    return f'<div class="wt-note wt-{tone}">{escape(text)}</div>' if text else ""


def announced(words: str) -> str:
    """Return ``words`` so that a screen reader says them when it is free."""
    return f'<span role="status" aria-live="polite">{escape(words)}</span>' if words else ""


def clock(moment: datetime) -> str:
    """Return the local time of day of ``moment``, to the second."""
    return f'<time datetime="{moment.isoformat()}">{moment.astimezone():%H:%M:%S}</time>'


def list_items(items: Iterable[str], css: str, label: str) -> str:
    """Return a list of ready-made HTML ``items``, named ``label`` for a screen reader; nothing when there are none."""
    inside = "".join(items)
    return inside and f'<ul class="{css}" aria-label="{escape(label)}">{inside}</ul>'


def facts(lines: Iterable[tuple[str, str]]) -> str:
    """Return labels, each with what it stands for beside it."""
    cells = "".join(f"<dt>{escape(label)}</dt><dd>{escape(words)}</dd>" for label, words in lines)
    return f'<dl class="wt-about">{cells}</dl>'


def bar(share: float, words: str) -> str:
    """Return a bar as long as ``share`` (0 to 1) of the longest, and ``words`` that say how much it is."""
    drawn = f'<span class="wt-share" aria-hidden="true"><i style="width:{share:.1%}"></i></span>'
    return f'{drawn}<span class="wt-much">{escape(words)}</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, words: Collection[int] = ()) -> str:
    """Return a table of ready-made HTML cells: the first column names the row, those in ``words`` are text.

    The others are numbers, one below the other by their last digit.
    """
    columns = "".join(f'<th scope="col"{_css(i, words)}>{escape(cell)}</th>' for i, cell in enumerate(head))
    body = "".join("<tr>" + "".join(_cell(i, cell, words) for i, cell in enumerate(row)) + "</tr>" for row in rows)
    return (
        f'<table class="wt-table" aria-label="{escape(caption)}">'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(column: int, html: str, words: Collection[int]) -> str:
    return f'<th scope="row">{html}</th>' if column == 0 else f"<td{_css(column, words)}>{html}</td>"


def _css(column: int, words: Collection[int]) -> str:
    if column == 0:
        return ""
    return ' class="words"' if column in words else ' class="num"'
