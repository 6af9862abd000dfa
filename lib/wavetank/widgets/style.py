"""Small pieces of HTML in one look: marks with a shape per tone, tables, time stamps; everything escaped.

The rules are in style.css, which each view carries with it, so that a saved notebook looks the same and nothing is
fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files

from wavetank.widgets.models.tone import Tone

__all__ = ["announced", "clock", "escape", "list_items", "mark", "note", "style_sheet", "table"]

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


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, numbers: Container[int] | None = None
) -> str:
    """Return a table of ready-made HTML cells; the first column names the row.

    ``numbers`` are the columns of figures, counted from 0: all but the first if not said.
    """
    figures = range(1, len(head)) if numbers is None else numbers
    columns = "".join(f'<th scope="col"{_number(i in figures)}>{escape(cell)}</th>' for i, cell in enumerate(head))
    body = "".join(
        "<tr>" + "".join(_cell(i, cell, i in figures) for i, cell in enumerate(row)) + "</tr>" for row in rows
    )
    return (
        f'<table class="wt-table" aria-label="{escape(caption)}">'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(column: int, html: str, figure: bool) -> str:
    return f'<th scope="row">{html}</th>' if column == 0 else f"<td{_number(figure)}>{html}</td>"


def _number(figure: bool) -> str:
    return ' class="num"' if figure else ""
